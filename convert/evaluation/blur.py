"""Measures what the device hides where faces are blurred, on whole pictures with boxed faces.

A face is covered beyond recognition when at least ``COVERED`` of its inner part is blurred. The inner part is the
ellipse in the middle ``INNER`` of the labelled box, which holds the eyes, the nose and the mouth. What is blurred
outside the heads is blurred for nothing: a head is a labelled box, of any size and ``ignore`` too, with ``HEAD`` of its
size around it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.faces.geometry import Box
from edge.faces.hiding import FaceHider

from ..data.trees import read_picture
from .scenes import LabelledFace, LabelledScene

COVERED = 0.9
INNER = 0.6
HEAD = 0.35
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SceneCover:
    """What became of one picture: the faces that count with their covered share, and two shares of the picture."""

    source: str
    faces: tuple[tuple[LabelledFace, float], ...]
    outside_heads: float
    outside_boxes: float


def cover(scene: LabelledScene, hider: FaceHider, min_face: int) -> SceneCover:
    """Hides the faces of a scene and measures the result. Raises ``DataError`` if the picture cannot be read."""
    image = read_picture(scene.path)
    hidden = hidden_pixels(image, hider)
    counted = [face for face in scene.faces if face.label != "ignore" and face.side >= min_face]
    boxes = [face.box for face in scene.faces]
    return SceneCover(
        scene.source,
        tuple((face, covered_share(hidden, face.box)) for face in counted),
        float((hidden & ~_filled(hidden.shape, map(_head, boxes))).mean()),
        float((hidden & ~_filled(hidden.shape, boxes)).mean()),
    )


def hidden_pixels(image: Image, hider: FaceHider) -> Mask:
    """Returns which pixels are hidden. A pixel that blurring leaves as it was by chance counts as hidden too."""
    noise = np.random.default_rng(0).integers(0, 256, image.shape, np.uint8)
    return np.asarray((hider.hide(image, [], on=noise) != noise).any(axis=2))


def covered_share(hidden: Mask, box: Box) -> float:
    """Returns the covered share of a face's inner part."""
    inner = np.zeros(hidden.shape, np.uint8)
    axes = (max(1, round(INNER * box.width / 2)), max(1, round(INNER * box.height / 2)))
    cv2.ellipse(inner, (round(box.centre[0]), round(box.centre[1])), axes, 0, 0, 360, 1, cv2.FILLED)
    return float(hidden[inner > 0].mean()) if inner.any() else 1.0


def _head(box: Box) -> Box:
    margin = round(HEAD * max(box.width, box.height))
    return Box(box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)


def _filled(shape: tuple[int, ...], boxes: Iterable[Box]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        mask[max(0, box.y0) : max(0, box.y1), max(0, box.x0) : max(0, box.x1)] = True
    return mask


def figures(scenes: Sequence[SceneCover]) -> dict[str, Any]:
    """Returns the figures: shares of covered faces, of all and by source and label, and of the blurred pictures."""
    groups: dict[str, list[bool]] = {"all": []}
    for scene in scenes:
        for face, share in scene.faces:
            for name in ("all", f"{scene.source}, {face.label}"):
                groups.setdefault(name, []).append(share >= COVERED)
    return {
        "faces": {name: {"covered": sum(group), "of": len(group)} for name, group in sorted(groups.items())},
        "outside_heads": round(float(np.mean([scene.outside_heads for scene in scenes])), 4),
        "outside_heads_most": round(max(scene.outside_heads for scene in scenes), 4),
        "outside_boxes": round(float(np.mean([scene.outside_boxes for scene in scenes])), 4),
    }


def table(measured: dict[str, Any], title: str) -> str:
    """Returns the figures as text."""
    lines = [title]
    for name, group in measured["faces"].items():
        share = f"{group['covered'] / group['of']:.3f}" if group["of"] else "-"
        lines.append(
            f"  covered beyond recognition, {name + ':':28}{group['covered']:5} of {group['of']:5} faces, {share}"
        )
    lines += [
        f"  of the picture outside heads, blurred on average: {measured['outside_heads']:.4f} "
        f"(most: {measured['outside_heads_most']:.2f})",
        f"  of the picture outside the labelled boxes, blurred on average: {measured['outside_boxes']:.4f}",
    ]
    return "\n".join(lines)
