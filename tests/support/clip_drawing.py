"""Draws what the demo clip consists of: the scene, the people cut out of their portraits, and their masks.

Needs numpy and opencv-python-headless. Colours are R, G, B.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
DESK_Y = 416
"""Upper edge of the desk."""
DOOR_X = (140, 500)
"""Left and right side of the door."""
COLLINS = """170,45 205,22 220,16 240,14 268,22 288,42 299,68 301,92 296,108 283,122 276,135 268,138 258,160
 256,173 270,180 290,200 303,225 305,245 325,252 345,270 354,295 363,347 400,343 440,352 470,375 488,405
 497,440 508,465 510,512 60,512 40,500 22,460 20,430 22,380 28,330 42,285 60,255 95,222 120,207 113,200
 115,185 125,165 145,153 185,150 181,132 174,130 171,120 165,118 158,108 153,90 155,70 160,56"""
"""Outlines traced on the portraits; GrabCut finds the exact edge near them."""
HOPPER = """193,50 216,42 234,30 259,25 284,31 297,41 325,49 345,66 354,85 365,90 371,110 371,140 367,180
 376,190 364,268 357,286 346,302 338,306 330,302 332,319 370,342 480,385 497,404 508,432 516,500 524,600
 8,600 35,410 60,380 110,358 180,335 203,318 199,300 171,284 161,268 161,248 153,205 154,190 157,180 148,170
 147,110 153,90 174,84 178,66"""
MASK_X = [180, 186, 197, 211, 225, 239, 253, 263, 268]
MASK_EDGES = [121, 118, 116, 111.5, 108, 111.5, 117, 121, 124], [136, 158, 171, 180, 184, 180, 170, 158, 138]
"""Upper and lower edge of the mask on Collins's face, from cheek to cheek."""
LOOPS = np.array(
    [
        [(183, 122), (176, 119), (174, 124), (176, 134), (187, 155)],
        [(266, 125), (273, 122), (275, 127), (273, 136), (263, 156)],
    ],
    np.int32,
)
"""The ear loops of the mask."""


@dataclass(frozen=True)
class Portrait:
    """A person cut out of a portrait, and the mask as a layer over it: float RGBA, colours 0..255 and alpha 0..1.

    ``box`` is the face from brow to chin.
    """

    rgba: np.ndarray
    box: tuple[float, ...]
    mask: np.ndarray | None = None

    def mirrored(self) -> Portrait:
        """Returns the portrait mirrored from left to right."""
        (x0, y0, x1, y1), width = self.box, self.rgba.shape[1]
        mask = None if self.mask is None else self.mask[:, ::-1]
        return Portrait(self.rgba[:, ::-1], (width - x1, y0, width - x0, y1), mask)

    def wearing(self, worn: float) -> np.ndarray:
        """Returns the cut-out with the mask between the chest (``worn`` 0, invisible) and the face (1)."""
        if self.mask is None or worn <= 0:
            return self.rgba.copy()
        slide = np.array([[1, 0, 0], [0, 1, (1 - worn) * (self.box[3] - self.box[1]) * 0.8]])
        layer = cv2.warpAffine(self.mask, slide, self.rgba.shape[1::-1])
        alpha = layer[..., 3:] * min(1, worn * 2.5)
        return np.dstack([self.rgba[..., :3] * (1 - alpha) + layer[..., :3] * alpha, self.rgba[..., 3]])


def smooth(t: float) -> float:
    """Eases from 0 to 1 while ``t`` goes from 0 to 1."""
    t = float(np.clip(t, 0, 1))
    return t * t * (3 - 2 * t)


def bump(v: np.ndarray, middle: float, width: float) -> np.ndarray:
    """Returns a bell curve of height 1."""
    return np.exp(-(((v - middle) / width) ** 2))


def cut_out(rgb: np.ndarray, outline: str, box: tuple[int, ...], zoom: int, cloth: tuple) -> Portrait:
    """Cuts a figure out of a portrait, and lengthens it below the portrait's edge in the colour of its clothes."""
    points = np.array([p.split(",") for p in outline.split()], float)
    rgb = np.pad(rgb, ((0, 0), (0, 30), (0, 0)), mode="edge")  # the portrait's edge cuts a sleeve off
    rgb = cv2.resize(rgb, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    inside = cv2.fillPoly(np.zeros(rgb.shape[:2], np.uint8), [np.int32(points * zoom)], 1)
    guess = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    band = np.ones((5 * zoom, 5 * zoom), np.uint8)
    guess[cv2.erode(inside, band) == 1] = cv2.GC_FGD
    guess[cv2.dilate(inside, band) == 0] = cv2.GC_BGD
    cv2.setRNGSeed(1)
    cv2.grabCut(rgb, guess, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    hard = cv2.medianBlur(guess % 2, 5).astype(np.float32)
    alpha = np.clip(cv2.GaussianBlur(hard, (0, 0), 1.1 * zoom) * 1.7 - 0.75, 0, 1)
    # The rim shows the old background, so its colour is taken from just inside.
    core = cv2.erode(hard, np.ones((3, 3)), iterations=zoom)[..., None]
    near = cv2.GaussianBlur(np.dstack([rgb * core, core]), (0, 0), 1.6 * zoom)
    rgb = rgb * core + near[..., :3] / (near[..., 3:] + 1e-4) * (1 - core)
    figure = np.dstack([rgb, alpha]).astype(np.float32)
    tail = np.repeat(figure[-1:], 480, 0)
    tail[..., :3] = cloth
    return Portrait(np.vstack([figure, tail]), tuple(float(v * zoom) for v in box))


def draw_mask(shape: tuple[int, ...], zoom: int, cloth: bool) -> np.ndarray:
    """Draws a pleated surgical mask, or a dark cloth mask with a seam, fitted to Collins's face."""
    x, y = np.arange(shape[1])[None] / zoom, np.arange(shape[0])[:, None] / zoom
    top, low = (cv2.GaussianBlur(np.interp(x, MASK_X, e), (0, 0), 2.2 * zoom) for e in MASK_EDGES)
    u, v = (x - 224) / 44, (y - top) / (low - top)  # across and down the mask
    inset = np.minimum(np.minimum(y - top, low - y), np.minimum(x - MASK_X[0], MASK_X[-1] - x))
    nose = bump(u, 0, 0.17) * np.clip(1 - v * 1.9, 0, 1)
    shade = 0.98 - 0.26 * np.abs(u) ** 2.2 - 0.05 * u - 0.12 * bump(inset, 2.2, 0.5)
    shade += (0.6 if cloth else 0.09) * nose - 0.16 * np.clip(v, 0, 1) ** 2
    if cloth:
        shade += 0.35 * bump(u, -0.4, 0.22) - 0.3 * bump(u, 0, 0.025)
    for fold in () if cloth else (0.34, 0.52, 0.70):
        shade += 0.07 * bump(v, fold + 0.05, 0.03) - 0.17 * bump(v, fold, 0.02)
    loops = cv2.polylines(np.zeros(shape[:2]), LOOPS * zoom, False, 1, zoom)
    front = np.clip(inset * zoom + 0.5, 0, 1)
    shade = np.where(front > 0.5, shade, 0.98)[..., None]
    front = np.maximum(front, cv2.GaussianBlur(loops, (3, 3), 0))
    shadow = 0.4 * cv2.GaussianBlur(np.roll(front, 2 * zoom, 0), (0, 0), 1.8 * zoom)
    alpha = front + (1 - front) * shadow
    rgb = np.clip(np.array((52, 54, 64) if cloth else (176, 208, 232)) * shade, 0, 255)
    return np.dstack([rgb * (front / (alpha + 1e-4))[..., None], alpha]).astype(np.float32)


def draw_scene() -> np.ndarray:
    """Draws a wall with an open door, a passage in daylight behind it, and the desk that the camera stands on."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    beyond = np.dstack([226 - 0.14 * y, 230 - 0.13 * y, 230 - 0.10 * y])
    for start, end in ((140, 250), (500, 390)):
        cv2.line(beyond, (start, 34), (end, 104), (168, 172, 172), 4)
    for inset, tone in ((70, 196), (74, 212), (110, 246)):
        cv2.rectangle(beyond, (140 + inset, 34 + inset), (500 - inset, 330), (tone - 6, tone, tone + 3), -1)
    cv2.line(beyond, (320, 144), (320, 330), (190, 196, 200), 5)
    beyond = cv2.GaussianBlur(beyond, (0, 0), 4)
    glow = 16 * np.exp(-np.maximum(np.abs(x - 320) - 180, 0) / 90)
    scene = np.dstack([tone - 0.09 * y + glow for tone in (196, 190, 178)])
    for grow, tone in ((20, 150), (18, 226), (5, 196), (2, 120)):
        cv2.rectangle(scene, (140 - grow, 34 - grow), (500 + grow, 510), (tone,) * 3, -1)
    scene[34:, 140:500] = beyond[34:, 140:500]
    for shift, low, rgb in ((2, 216, (150, 146, 138)), (0, 214, (238, 240, 240)), (0, 118, (36, 92, 140))):
        cv2.rectangle(scene, (14 + shift, 90 + shift), (104 + shift, low), rgb, -1)
    for text, left, base, tone in (("PLEASE", 26, 110, 250), ("wear a", 36, 182, 50), ("MASK", 37, 204, 50)):
        cv2.putText(scene, text, (left, base), cv2.FONT_HERSHEY_DUPLEX, 0.5, (tone,) * 3, 1, cv2.LINE_AA)
    sign = np.int32([(38, 136), (59, 130), (80, 136), (76, 158), (59, 166), (42, 158)])
    cv2.fillPoly(scene, [sign], (150, 190, 218))
    grain = 5 * np.sin(y * 0.9 + 2 * np.sin(x / 70)) - 0.35 * (y - DESK_Y) + 34 * (y < DESK_Y + 5)
    scene[DESK_Y:] = np.dstack([tone + grain for tone in (134, 98, 70)])[DESK_Y:]
    return scene * (1.03 - ((x - 320) ** 2 + (y - 240) ** 2) / 1e6)[..., None]
