"""Measures the cost per frame against the number of faces, the camera's resolution and its frames per second.

The people are those of the bundled clip; a crowd is one face many times over, and each copy moves a little.
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
from .clip import measure_clip
from .progress import Progress

FACES = (0, 1, 5, 10, 30)
SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
RATES = (5.0, 10.0, 15.0, 30.0)
FACE_FRAME = 60
"""Number of a frame of the bundled clip with a bare face."""
FACE_BOX = (232, 96, 402, 266)
"""The box of that face, with a margin."""
CROP_SIZE = 88
"""Pixels of the pasted crop; the face in it has 64 pixels."""
CROWD_FRAMES = 90
"""Frames of a crowd: six seconds."""
FPS = 15.0


def measure_scale(config: Config, progress: Progress) -> dict[str, Any]:
    """Returns processor milliseconds per frame and per second, and the share of frames that were searched."""
    clip = load_demo()
    figures: dict[str, Any] = {"faces": {}, "resolution": {}, "fps": {}}
    for count in FACES:
        figures["faces"][count] = _cost(f"{count} faces", crowd(count, clip), config, FPS, progress)
    for width, height in SIZES:
        name = f"{width}x{height}"
        figures["resolution"][name] = _cost(name, resized(clip, width, height), config, FPS, progress)
    for fps in RATES:
        figures["fps"][f"{fps:g}"] = _cost(f"{fps:g} per second", resampled(clip, fps), config, fps, progress)
    return figures


def _cost(name: str, frames: Iterator[Frame], config: Config, fps: float, progress: Progress) -> dict[str, float]:
    figures = measure_clip(name, frames, config, progress=progress)
    cpu = 1000 * figures.stopwatch.cpu_per_frame("capture")
    searched = figures.searched / figures.stopwatch.frames
    return {"cpu_ms_a_picture": cpu, "cpu_ms_a_second": cpu * fps, "searched": searched}


def load_demo() -> list[Frame]:
    """Decodes the bundled clip."""
    with closing(open_source("demo")) as source:
        return list(source)


def crowd(count: int, clip: list[Frame]) -> Iterator[Frame]:
    """Yields an empty doorway with ``count`` equal faces of 64 pixels in rows; each moves a little in every frame."""
    x0, y0, x1, y1 = FACE_BOX
    crop = clip[FACE_FRAME].image[y0:y1, x0:x1]
    face = cv2.resize(crop, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    columns = 6
    for number in range(CROWD_FRAMES):
        image = clip[0].image.copy()
        for index in range(count):
            row, column = divmod(index, columns)
            x, y = (int(v) for v in (6 + column * 105, 2 + row * 95) + rng.integers(-2, 3, 2))
            _paste(image, face, max(0, x), max(0, y))
        yield Frame(image, None, number / FPS, number)


def _paste(image: Image, face: Any, x: int, y: int) -> None:
    part = image[y : y + face.shape[0], x : x + face.shape[1]]
    part[:] = face[: part.shape[0], : part.shape[1]]


def resized(clip: list[Frame], width: int, height: int) -> Iterator[Frame]:
    """Yields the clip as a camera of that resolution would show it: faces grow with it, ``min_face`` does not."""
    for frame in clip:
        image = np.asarray(cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        yield replace(frame, image=image)


def resampled(clip: list[Frame], fps: float) -> Iterator[Frame]:
    """Yields the clip at another frame rate: frames are left out, or repeated with other noise."""
    rng = np.random.default_rng(0)
    count = int(len(clip) / FPS * fps)
    for number in range(count):
        frame = clip[min(len(clip) - 1, int(number / fps * FPS))]
        noise = rng.integers(-1, 2, frame.image.shape, np.int8)
        image = np.clip(frame.image.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        yield Frame(image, None, number / fps, number)
