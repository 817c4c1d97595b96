"""What a picture costs against the number of faces, the camera's resolution and its pictures a second.

The people are the bundled clip's: a crowd is one face many times over, each moving a little.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ..camera.frames import Frame, Image
from ..camera.source import open_source
from ..config.schema import Config
from .clip import Progress, watch

FACES = (0, 1, 5, 10, 30)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
RATES = (5.0, 10.0, 15.0, 30.0)
FACE_AT = (60, (232, 96, 402, 266))
"""A picture of the bundled clip and the box, with some room, of the bare face in it."""
CROWD = 90
"""Pictures of a crowd: six seconds."""
FPS = 15.0


def scaled(config: Config, progress: Progress) -> dict[str, Any]:
    """Processor milliseconds a picture and a second, and how many pictures were searched."""
    clip = _clip()
    found: dict[str, Any] = {"faces": {}, "resolution": {}, "fps": {}}
    for count in FACES:
        found["faces"][count] = _cost(f"{count} faces", crowd(count, clip), config, FPS, progress)
    for width, height in SIZES:
        name = f"{width}x{height}"
        found["resolution"][name] = _cost(name, resized(clip, width, height), config, FPS, progress)
    for fps in RATES:
        found["fps"][f"{fps:g}"] = _cost(f"{fps:g} a second", paced(clip, fps), config, fps, progress)
    return found


def _cost(name: str, frames: Iterator[Frame], config: Config, fps: float, progress: Progress) -> dict[str, float]:
    watched = watch(name, frames, config, progress=progress)
    cpu = 1000 * watched.watch.cpu("capture")
    searched = watched.searched / watched.watch.pictures
    return {"cpu_ms_a_picture": cpu, "cpu_ms_a_second": cpu * fps, "searched": searched}


def _clip() -> list[Frame]:
    with closing(open_source("demo")) as source:
        return list(source)


def crowd(count: int, clip: list[Frame]) -> Iterator[Frame]:
    """An empty doorway with ``count`` faces of 64 pixels, in rows, all alike and none of them still."""
    number, (x0, y0, x1, y1) = FACE_AT
    face, wall = cv2.resize(clip[number].image[y0:y1, x0:x1], (88, 88), interpolation=cv2.INTER_AREA), clip[0].image
    rng = np.random.default_rng(0)
    columns = 6
    for number in range(CROWD):
        image = wall.copy()
        for n in range(count):
            row, column = divmod(n, columns)
            x, y = (int(v) for v in (6 + column * 105, 2 + row * 95) + rng.integers(-2, 3, 2))
            _paste(image, face, max(0, x), max(0, y))
        yield Frame(image, None, number / FPS, number)


def _paste(image: Image, face: Any, x: int, y: int) -> None:
    part = image[y : y + face.shape[0], x : x + face.shape[1]]
    part[:] = face[: part.shape[0], : part.shape[1]]


def resized(clip: list[Frame], width: int, height: int) -> Iterator[Frame]:
    """The clip as a camera of that resolution would see it; faces grow with it, the smallest that counts does not."""
    for frame in clip:
        image = np.asarray(cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        yield replace(frame, image=image)


def paced(clip: list[Frame], fps: float) -> Iterator[Frame]:
    """The clip with so many pictures a second: some left out, or shown again with another grain."""
    rng = np.random.default_rng(0)
    count = int(len(clip) / FPS * fps)
    for number in range(count):
        frame = clip[min(len(clip) - 1, int(number / fps * FPS))]
        grain = rng.integers(-1, 2, frame.image.shape, np.int8)
        image = np.clip(frame.image.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        yield Frame(image, None, number / fps, number)
