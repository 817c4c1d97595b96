"""Draws faces onto a copy of an image."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..camera.frames import Image
from .face import Face
from .geometry import Box, clip

COLOURS = {"mask": (80, 160, 0), "no_mask": (40, 40, 220), "incorrect_mask": (0, 140, 255)}
"""B, G, R of each label: green, red, orange. The caption says the same for people who cannot tell them apart."""
CAPTIONS = {"mask": "mask", "no_mask": "no mask", "incorrect_mask": "mask worn incorrectly"}


def annotate(image: Image, faces: Sequence[Face], people: Sequence[Box] = ()) -> Image:
    """Returns a copy of the image with a box and a caption for each face.

    A caption is above its box, or below it where it would cover its face otherwise, or one of ``people``.
    """
    out = image.copy()
    scale, line_width = _scale(out), max(2, round(3 * _scale(out)))
    for face in faces:
        colour = COLOURS[face.label]
        cv2.rectangle(out, face.box[:2], face.box[2:], colour, line_width)
        text = f"{CAPTIONS[face.label]} {face.score:.0%}"
        width, height = _text_size(text, scale)
        x = max(0, min(face.box.x0, out.shape[1] - width))
        places = [Box(x, y, x + width, y + height) for y in (face.box.y0 - height, face.box.y1, 0)]
        _write(out, text, _freest(places, [face.box, *people], out), scale, colour)
    return np.asarray(out, np.uint8)


def caption(image: Image, text: str, people: Sequence[Box]) -> Image:
    """Returns a copy of the image with a line of text in the corner that covers least of ``people``."""
    out, scale = image.copy(), _scale(image)
    height, width = out.shape[:2]
    scale = min(scale, scale * width / _text_size(text, scale)[0])
    wide, high = _text_size(text, scale)
    corners = [Box(x, y, x + wide, y + high) for y in (height - high, 0) for x in (0, max(0, width - wide))]
    _write(out, text, _freest(corners, people, out), scale, (0, 0, 0))
    return np.asarray(out, np.uint8)


def _scale(image: Image) -> float:
    return max(0.4, float(min(image.shape[:2])) / 900)


def _text_size(text: str, scale: float) -> tuple[int, int]:
    """Returns width and height of a text with its surroundings."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, _thickness(scale))
    return width, height + 2 * below


def _thickness(scale: float) -> int:
    return max(1, round(2 * scale))


def _freest(places: Sequence[Box], people: Sequence[Box], image: Image) -> Box:
    """Returns the place in the image that covers least of the people; of equal places the first."""
    inside = Box(0, 0, image.shape[1], image.shape[0])
    within = [place for place in places if clip(place, inside) == place]
    return min(within or places, key=lambda place: sum(clip(place, person).area for person in people))


def _write(out: Image, text: str, place: Box, scale: float, background: tuple[int, int, int]) -> None:
    below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, _thickness(scale))[1]
    cv2.rectangle(out, place[:2], (place.x1 - 1, place.y1 - 1), background, cv2.FILLED)
    at, white = (place.x0, place.y1 - below), (255, 255, 255)
    cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, white, _thickness(scale), cv2.LINE_AA)
