"""Test data: drawn faces, a network trained on them in seconds, and the faces of the bundled clip."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support import DOOR, DOOR_TRUTH, ROOT

from convert.data.lists import ListedFace
from convert.data.trees import read_tree
from convert.training.quantize import quantize
from convert.training.recipe import Recipe
from convert.training.train import train
from edge.camera.frames import Image
from edge.faces.geometry import Box

MODEL = ROOT / "models" / "mask.tflite"
RECIPE = Recipe(epochs=2, batch=6, patience=2, rate=1e-2)


def drawn_face(masked: bool, rng: np.random.Generator, side: int = 64) -> Image:
    """Draws a simple face: an ellipse with eyes and, if masked, a bright rectangle over its lower half."""
    picture = np.full((side, side, 3), rng.integers(20, 90, 3), np.uint8)
    x, y = (int(n) for n in side // 2 + rng.integers(-4, 5, 2))
    skin = tuple(int(n) for n in rng.integers(110, 160, 3))
    cv2.ellipse(picture, (x, y), (side // 3, side * 2 // 5), 0, 0, 360, skin, -1)
    for eye in (x - side // 7, x + side // 7):
        cv2.circle(picture, (eye, y - side // 8), side // 20, (10, 10, 10), -1)
    if masked:
        cv2.rectangle(picture, (x - side // 4, y + 2), (x + side // 4, y + side // 3), (250, 240, 235), -1)
    else:
        cv2.line(picture, (x - side // 8, y + side // 5), (x + side // 8, y + side // 5), (40, 40, 160), 2)
    return picture


def texture(rng: np.random.Generator, side: int = 64) -> Image:
    """Draws coarse coloured noise, which resembles no other picture."""
    coarse = rng.integers(0, 256, (8, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def saved(picture: Image, path: Path) -> Path:
    """Writes a picture; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def draw_tree(root: Path, counts: dict[str, int], labels: Sequence[str] = ("mask", "no_mask"), seed: int = 0) -> Path:
    """Writes ``root/split/label/*.png``, ``counts[split]`` pictures of each label; ``not_face`` is a texture."""
    rng = np.random.default_rng(seed)
    for split, count in counts.items():
        for label in labels:
            for number in range(count):
                picture = texture(rng) if label == "not_face" else drawn_face(label == "mask", rng)
                saved(picture, root / split / label / f"{number:03d}.png")
    return root


def tiny_tree(factory: pytest.TempPathFactory) -> Path:
    """Draws 96 + 8 + 8 pictures of each of two labels in train, val and test, once per test session."""
    root = factory.getbasetemp() / "tiny-data"
    return root if root.exists() else draw_tree(root, {"train": 96, "val": 8, "test": 8})


def trained(factory: pytest.TempPathFactory) -> Path:
    """Trains the lean network for two epochs on the tiny tree, once per test session. Needs TensorFlow."""
    out = factory.getbasetemp() / "tiny-model" / "tiny.keras"
    if not out.exists():
        train(read_tree(tiny_tree(factory)), RECIPE, out)
    return out


def quantized(factory: pytest.TempPathFactory) -> Path:
    """Converts ``trained`` to .tflite with its card, once per test session. Needs TensorFlow."""
    out = factory.getbasetemp() / "tiny-model" / "tiny.tflite"
    if not out.exists():
        quantize(trained(factory), tiny_tree(factory), out, [tiny_tree(factory)])
    return out


@functools.cache
def door_faces() -> tuple[tuple[int, str, Box], ...]:
    """Returns (frame, label, box) of every face in the bundled clip whose mask does not move, from door.json."""
    truth = json.loads(DOOR_TRUTH.read_text("utf-8"))
    faces = []
    for person in truth["people"]:
        for frame, *corners in person["faces"]:
            for label, phases in (("no_mask", person["bare"]), ("mask", person["masked"])):
                if any(start <= frame / truth["fps"] <= stop for start, stop in phases):
                    faces.append((frame, label, Box(*corners)))
    return tuple(faces)


@functools.cache
def door_frames() -> dict[int, Image]:
    """Returns the frames that ``door_faces`` names."""
    numbers = {frame for frame, _, _ in door_faces()}
    video = cv2.VideoCapture(str(DOOR))
    frames: dict[int, Image] = {}
    for number in range(max(numbers) + 1):
        success, image = video.read()
        assert success, f"the clip ends at frame {number}"
        if number in numbers:
            frames[number] = np.asarray(image, np.uint8)
    return frames


def door_list(folder: Path, every: int = 1) -> list[ListedFace]:
    """Writes frames of the clip to files; returns a list of them with box and label, as ``prepare`` reads it."""
    rows = []
    for frame, label, box in door_faces()[::every]:
        path = saved(door_frames()[frame], folder / f"{frame:03d}-{box.x0}.png")
        rows.append(ListedFace(path, label, "door", box))
    return rows


def write_list(path: Path, rows: Sequence[ListedFace]) -> Path:
    """Writes the rows as the tab-separated file that ``prepare`` reads."""
    lines = ["file\tsource\tlabel\tbox"]
    for row in rows:
        box = ",".join(map(str, row.box)) if row.box else ""
        lines.append("\t".join((str(row.path.relative_to(path.parent)), row.source, row.label, box)))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def convert_command(*words: object) -> list[str]:
    """Returns the command line of ``maskwatch-convert`` with these words."""
    return [sys.executable, "-u", "-m", "convert", *map(str, words)]


def run_convert(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs ``maskwatch-convert`` in its own process."""
    return subprocess.run(
        convert_command(*words), cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=110
    )


def readable(path: Path) -> NDArray[np.uint8]:
    """Reads a picture; fails the test if the file is not one."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image is not None, f"{path} is not a picture"
    return np.asarray(image, np.uint8)
