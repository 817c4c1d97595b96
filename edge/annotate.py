"""Faces drawn onto a copy of a picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from .classify import Face, Image

COLOURS = {"mask": (80, 160, 0), "no_mask": (40, 40, 220), "incorrect_mask": (0, 140, 255)}
"""B, G, R: green, red, orange; the text says the same, for who cannot tell them apart."""
WORDS = {"mask": "mask", "no_mask": "no mask", "incorrect_mask": "mask not right"}


def annotate(image: Image, faces: Sequence[Face]) -> Image:
    """A copy of the picture with a box and a caption for every face."""
    out = image.copy()
    scale = max(0.4, min(out.shape[:2]) / 900)
    thick, line = max(1, round(2 * scale)), max(2, round(3 * scale))
    for face in faces:
        colour = COLOURS[face.label]
        cv2.rectangle(out, face.box[:2], face.box[2:], colour, line)
        text = f"{WORDS[face.label]} {face.score:.0%}"
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        x = max(0, min(face.box.x0, out.shape[1] - width))
        y = max(height + below, face.box.y0 - below)
        cv2.rectangle(out, (x, y - height - below), (x + width, y + below), colour, cv2.FILLED)
        cv2.putText(out, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thick, cv2.LINE_AA)
    return np.asarray(out, np.uint8)
