"""Draw the demo clip of the door camera, `edge/camera/door.mp4`, and its truth, `tests/support/door.json`.

The scene is drawn; the people are cut out of two portraits in the public domain:
  * Eileen Collins, photograph by NASA (`skimage.data.astronaut()`),
  * Grace Hopper, photograph by the US Navy (matplotlib's sample picture `grace_hopper.jpg`).
The masks are drawn over Collins's face. Everything random is seeded: each run gives the same frames.

Run:    python tests/support/make_clip.py [--out edge/camera/door.mp4]
Needs:  numpy, opencv-python-headless, scikit-image, matplotlib, imageio-ffmpeg
"""

from __future__ import annotations

import argparse
import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from matplotlib import cbook
from skimage import data

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FPS, SECONDS = 640, 480, 15, 29.2
EYES, DESK, DOOR = 208, 416, (140, 500)  # y of faces, y of the desk's edge, x of the door's two sides
WALK, LEAVE, SLIDE = 2.4, 0.9, 0.5  # seconds: to come up, to go, to put a mask on or take it off
FAR, INSIDE = 43, 52  # a face's height when it appears, and when its owner is through the door
ABOUT = (
    "Truth of edge/camera/door.mp4, written by tests/support/make_clip.py. Times are seconds; faces are "
    "[frame, x0, y0, x1, y1] from brow to chin, every 5th frame, while most of the face is in view. One "
    "alert is due for each bare phase; while a mask moves its face is neither bare nor masked."
)
# Outlines traced on the portraits; GrabCut finds the exact edge near them.
COLLINS = """170,45 205,22 220,16 240,14 268,22 288,42 299,68 301,92 296,108 283,122 276,135 268,138 258,160
 256,173 270,180 290,200 303,225 305,245 325,252 345,270 354,295 363,347 400,343 440,352 470,375 488,405
 497,440 508,465 510,512 60,512 40,500 22,460 20,430 22,380 28,330 42,285 60,255 95,222 120,207 113,200
 115,185 125,165 145,153 185,150 181,132 174,130 171,120 165,118 158,108 153,90 155,70 160,56"""
HOPPER = """193,50 216,42 234,30 259,25 284,31 297,41 325,49 345,66 354,85 365,90 371,110 371,140 367,180
 376,190 364,268 357,286 346,302 338,306 330,302 332,319 370,342 480,385 497,404 508,432 516,500 524,600
 8,600 35,410 60,380 110,358 180,335 203,318 199,300 171,284 161,268 161,248 153,205 154,190 157,180 148,170
 147,110 153,90 174,84 178,66"""
# The mask on Collins's face: its upper and lower edge from cheek to cheek, and the ear loops.
MASK_X = [180, 186, 197, 211, 225, 239, 253, 263, 268]
MASK_EDGES = [121, 118, 116, 111.5, 108, 111.5, 117, 121, 124], [136, 158, 171, 180, 184, 180, 170, 158, 138]
LOOPS = np.array(
    [
        [(183, 122), (176, 119), (174, 124), (176, 134), (187, 155)],
        [(266, 125), (273, 122), (275, 127), (273, 136), (263, 156)],
    ],
    np.int32,
)


@dataclass(frozen=True)
class Portrait:
    """A cut-out, and the mask as a layer over it: float RGBA, colours 0..255 and alpha 0..1."""

    rgba: np.ndarray
    box: tuple[float, ...]  # brow to chin
    mask: np.ndarray | None = None

    def mirrored(self) -> Portrait:
        (x0, y0, x1, y1), width = self.box, self.rgba.shape[1]
        mask = None if self.mask is None else self.mask[:, ::-1]
        return Portrait(self.rgba[:, ::-1], (width - x1, y0, width - x0, y1), mask)

    def wearing(self, worn: float) -> np.ndarray:
        """The cut-out with the mask somewhere between the chest (0, not to be seen) and the face (1)."""
        if self.mask is None or worn <= 0:
            return self.rgba.copy()
        slide = np.array([[1, 0, 0], [0, 1, (1 - worn) * (self.box[3] - self.box[1]) * 0.8]])
        layer = cv2.warpAffine(self.mask, slide, self.rgba.shape[1::-1])
        alpha = layer[..., 3:] * min(1, worn * 2.5)
        return np.dstack([self.rgba[..., :3] * (1 - alpha) + layer[..., :3] * alpha, self.rgba[..., 3]])


@dataclass(frozen=True)
class Act:
    """One person's visit: in through the door, up to the camera, and out sideways."""

    who: str
    portrait: Portrait
    start: float
    path: tuple[float, float, float]  # x of the face: beside the door, where it stops, gone
    stay: float = 2.0
    size: float = 138  # brow to chin, in pixels, where it stops
    light: float = 1.0
    worn: tuple[float, ...] = (0,)  # mask at first (0 or 1), then the seconds at which it goes on or off

    def worn_at(self, t: float) -> float:
        value = float(self.worn[0])
        for at in self.worn[1:]:
            value += (1 - 2 * round(value)) * smooth((t - at) / SLIDE)
        return value

    def pose(self, t: float) -> tuple[float, float, float, float] | None:
        """x, y and height of the face, and its tilt in degrees."""
        t -= self.start
        if not 0 <= t <= WALK + self.stay + LEAVE:
            return None
        way = float(np.clip((t - 0.3) / (WALK - 0.3), 0, 1))
        near = 0.6 * smooth(way) + 0.4 * way
        size = 1 / ((1 - near) / FAR + near / self.size)  # a steady walk, in perspective
        target = WIDTH / 2 + (self.path[1] - WIDTH / 2) * size / self.size
        x = self.path[0] + (target - self.path[0]) * smooth(t / 0.95)
        gone = float(np.clip((t - WALK - self.stay) / LEAVE, 0, 1)) ** 1.6
        sway = np.sin(2.2 * t + self.start)
        step = np.sin(10.7 * t) * size * 0.022 * (1 - near + gone)
        x += (self.path[2] - x) * gone + 3.5 * sway * near
        return x, EYES + size * 0.05 + step + 1.2 * np.sin(1.4 * t), size, 1.3 * sway

    def face(self, t: float) -> tuple[int, ...] | None:
        """The box from brow to chin, while most of the face is in view."""
        if (pose := self.pose(t)) is None:
            return None
        (x, y, size, _), (x0, y0, x1, y1) = pose, self.portrait.box
        half = size * (x1 - x0) / (y1 - y0) / 2
        left, right = (DOOR[0], DOOR[1]) if size < INSIDE else (0, WIDTH)
        left, right = max(x - half, left), min(x + half, right)
        box = tuple(map(round, (left, y - size / 2, right, y + size / 2)))
        return box if right - left > 1.2 * half else None


def smooth(t: float) -> float:
    t = float(np.clip(t, 0, 1))
    return t * t * (3 - 2 * t)


def bump(v: np.ndarray, middle: float, width: float) -> np.ndarray:
    return np.exp(-(((v - middle) / width) ** 2))


def cut_out(rgb: np.ndarray, outline: str, box: tuple[int, ...], zoom: int, cloth: tuple) -> Portrait:
    """Matte the figure, and lengthen it below the picture's edge in the colour of its clothes."""
    points = np.array([p.split(",") for p in outline.split()], float)
    rgb = np.pad(rgb, ((0, 0), (0, 30), (0, 0)), mode="edge")  # the picture's edge cuts a sleeve off
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
    # The rim has caught the old background: take its colour from just inside.
    core = cv2.erode(hard, np.ones((3, 3)), iterations=zoom)[..., None]
    near = cv2.GaussianBlur(np.dstack([rgb * core, core]), (0, 0), 1.6 * zoom)
    rgb = rgb * core + near[..., :3] / (near[..., 3:] + 1e-4) * (1 - core)
    figure = np.dstack([rgb, alpha]).astype(np.float32)
    tail = np.repeat(figure[-1:], 480, 0)
    tail[..., :3] = cloth
    return Portrait(np.vstack([figure, tail]), tuple(float(v * zoom) for v in box))


def draw_mask(shape: tuple[int, ...], zoom: int, cloth: bool) -> np.ndarray:
    """A pleated surgical mask, or a dark cloth one with a seam, fitted to Collins's face."""
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
    """A wall with an open door, a passage in daylight behind it, and the desk that the camera stands on."""
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
    grain = 5 * np.sin(y * 0.9 + 2 * np.sin(x / 70)) - 0.35 * (y - DESK) + 34 * (y < DESK + 5)
    scene[DESK:] = np.dstack([tone + grain for tone in (134, 98, 70)])[DESK:]
    return scene * (1.03 - ((x - 320) ** 2 + (y - 240) ** 2) / 1e6)[..., None]


def cast() -> list[Act]:
    """Who comes, in order: four alerts in all."""
    jpeg = np.frombuffer(cbook.get_sample_data("grace_hopper.jpg").read(), np.uint8)
    rgb = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    hopper = cut_out(rgb, HOPPER, (176, 160, 346, 328), 1, (17, 18, 24))
    collins = cut_out(data.astronaut(), COLLINS, (178, 88, 272, 179), 2, (190, 78, 44))
    surgical = replace(collins, mask=draw_mask(collins.rgba.shape, 2, cloth=False))
    other = collins.rgba.copy()  # a second visitor: a blue suit
    other[410:, :, :3] = other[410:, :, 2::-1] * 0.8
    other = Portrait(other, collins.box, draw_mask(other.shape, 2, cloth=True)).mirrored()
    return [
        Act("Grace Hopper", hopper, 0.3, (68, 310, -260)),
        Act("Eileen Collins, surgical mask", surgical, 6.1, (600, 318, 960), worn=(1,)),
        Act("Grace Hopper, mirrored", hopper.mirrored(), 11.9, (64, 186, -240), size=122, light=0.92),
        Act("Eileen Collins, mirrored, cloth mask", other, 12.1, (610, 462, 850), 2.2, 104, 0.86, (1,)),
        Act("Eileen Collins, mask on and off", surgical, 17.9, (600, 322, 960), 7.5, worn=(0, 22.3, 24.8)),
    ]


def draw(scene: np.ndarray, acts: list[Act], index: int) -> np.ndarray:
    """One frame, from the people at the back to the desk in front."""
    t, frame = index / FPS, scene
    for act in sorted((a for a in acts if a.pose(t)), key=lambda a: a.pose(t)[2]):
        (x, y, size, tilt), (x0, y0, x1, y1) = act.pose(t), act.portrait.box
        scale, middle = size / (y1 - y0), ((x0 + x1) / 2, (y0 + y1) / 2)
        move = cv2.getRotationMatrix2D(middle, tilt, scale)
        move[:, 2] += x - middle[0], y - middle[1]
        layer = act.portrait.wearing(act.worn_at(t))
        layer[..., :3] *= layer[..., 3:] * act.light * (0.84 + 0.16 * smooth((size - 45) / 60))
        if scale < 0.7:  # warping has no area filter of its own
            layer = cv2.GaussianBlur(layer, (0, 0), 0.42 / scale)
        layer = cv2.warpAffine(layer, move, (WIDTH, HEIGHT))
        if size < INSIDE:
            layer[:, : DOOR[0]] = layer[:, DOOR[1] :] = 0
        frame = frame * (1 - layer[..., 3:]) + layer[..., :3]
    noise = np.random.default_rng(index).normal(0, 1.6, (HEIGHT, WIDTH, 1))
    return np.clip(np.vstack([frame[:DESK], scene[DESK:]]) + noise, 0, 255).astype(np.uint8)


def spans(flags: list[bool]) -> list[list[float]]:
    """The seconds between which the flags hold."""
    return (np.flatnonzero(np.diff([False, *flags, False])).reshape(-1, 2) / FPS).round(2).tolist()


def truth(acts: list[Act], count: int) -> dict[str, object]:
    people = []
    for act in acts:
        faces = [act.face(i / FPS) for i in range(count)]
        masks = [act.worn_at(i / FPS) if face else None for i, face in enumerate(faces)]
        ((enter, leave),) = spans([face is not None for face in faces])
        people.append(
            {
                "who": act.who,
                "enter": enter,
                "leave": leave,
                "bare": spans([m == 0 for m in masks]),
                "masked": spans([m == 1 for m in masks]),
                "faces": [[i, *faces[i]] for i in range(0, count, 5) if faces[i]],
            }
        )
    return {"about": ABOUT, "fps": FPS, "frames": count, "alerts": 4, "people": people}


def encode(path: Path, acts: list[Act], count: int) -> None:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise SystemExit("the encoder is missing: pip install imageio-ffmpeg") from None
    command = f"-y -loglevel error -f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FPS} -i - -c:v libx264"
    command += " -crf 23 -preset slow -pix_fmt yuv420p -g 30 -threads 1 -fflags +bitexact"
    scene = draw_scene()
    with subprocess.Popen([get_ffmpeg_exe(), *command.split(), str(path)], stdin=subprocess.PIPE) as ffmpeg:
        for index in range(count):
            ffmpeg.stdin.write(draw(scene, acts, index).tobytes())
        ffmpeg.stdin.close()
    if ffmpeg.returncode:
        raise SystemExit(f"ffmpeg failed ({ffmpeg.returncode})")


def report(path: Path, acts: list[Act]) -> None:
    """Decode the clip and print how often OpenCV's stock face finder sees each face of 60 pixels or more."""
    finder = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    clip, index, stray, found = cv2.VideoCapture(str(path)), 0, 0, {}
    while (got := clip.read())[0]:
        gray = cv2.resize(cv2.cvtColor(got[1], cv2.COLOR_BGR2GRAY), (320, 240), interpolation=cv2.INTER_AREA)
        hits = finder.detectMultiScale(gray, 1.2, 3, minSize=(24, 24))
        stray += len(hits)
        for act in acts:
            x0, y0, x1, y1 = act.face(index / FPS) or (0, 0, 0, 0)
            ours = sum(x0 < 2 * x + w < x1 and y0 < 2 * y + h < y1 for x, y, w, h in hits)
            stray -= ours
            phase = {0: "bare", 1: "masked"}.get(act.worn_at(index / FPS), "between")
            if y1 - y0 >= 60:
                found.setdefault(f"{act.who:38} {phase:8}", []).append(ours > 0)
        index += 1
    for who, seen in found.items():
        print(f"{who} found in {sum(seen):3} of {len(seen):3} frames")
    print(f"{index} frames decoded, {stray} hits that are nobody's face, {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the demo clip of the door camera, and its truth.")
    parser.add_argument("--out", type=Path, default=ROOT / "edge" / "camera" / "door.mp4", help="where the clip goes")
    path = parser.parse_args().out
    acts, count = cast(), round(SECONDS * FPS)
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, acts, count)
    Path(__file__).with_name("door.json").write_text(json.dumps(truth(acts, count)) + "\n")
    report(path, acts)


if __name__ == "__main__":
    main()
