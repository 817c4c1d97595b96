"""Draws faces onto a copy of an image, or blurs them."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from ..camera.frames import Image
from .face import Face
from .geometry import Box

COLOURS = {"mask": (80, 160, 0), "no_mask": (40, 40, 220), "incorrect_mask": (0, 140, 255)}
"""B, G, R of each label: green, red, orange. The caption says the same for people who cannot tell them apart."""
CAPTIONS = {"mask": "mask", "no_mask": "no mask", "incorrect_mask": "mask worn incorrectly"}
BLUR_MARGIN = 0.35
"""Fraction of a face's size that is blurred beyond each side of it: hair, ears and chin can identify a person too."""
BLUR_CELLS = 5
"""Cells across a blurred face."""


def annotate(image: Image, faces: Sequence[Face]) -> Image:
    """Returns a copy of the image with a box and a caption for each face."""
    out = image.copy()
    scale = max(0.4, min(out.shape[:2]) / 900)
    text_width = max(1, round(2 * scale))
    line_width = max(2, round(3 * scale))
    for face in faces:
        colour = COLOURS[face.label]
        cv2.rectangle(out, face.box[:2], face.box[2:], colour, line_width)
        text = f"{CAPTIONS[face.label]} {face.score:.0%}"
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, text_width)
        x = max(0, min(face.box.x0, out.shape[1] - width))
        y = max(height + below, face.box.y0 - below)
        cv2.rectangle(out, (x, y - height - below), (x + width, y + below), colour, cv2.FILLED)
        cv2.putText(out, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), text_width, cv2.LINE_AA)
    return np.asarray(out, np.uint8)


def blur(image: Image, boxes: Iterable[Box]) -> Image:
    """Returns a copy in which the faces in ``boxes`` can be neither recognized nor detected."""
    image, (height, width) = image.copy(), image.shape[:2]
    for box in boxes:
        margin = round(BLUR_MARGIN * max(box.width, box.height))
        x0, y0 = max(0, box.x0 - margin), max(0, box.y0 - margin)
        x1, y1 = min(width, box.x1 + margin), min(height, box.y1 + margin)
        if x1 <= x0 or y1 <= y0:
            continue
        part = image[y0:y1, x0:x1]
        cells = cv2.resize(part, (min(BLUR_CELLS, x1 - x0), min(BLUR_CELLS, y1 - y0)), interpolation=cv2.INTER_AREA)
        image[y0:y1, x0:x1] = np.asarray(
            cv2.resize(cells, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR), np.uint8
        )
    return image
