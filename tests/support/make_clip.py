"""Draws the demo clip of the door camera, `edge/camera/door.mp4`, and its truth, `tests/support/door.json`.

The scene is drawn. The people are cut out of two portraits in the public domain:
  * Eileen Collins, photograph by NASA (`skimage.data.astronaut()`),
  * Grace Hopper, photograph by the US Navy (matplotlib's sample picture `grace_hopper.jpg`).
The masks are drawn over Collins's face (clip_drawing.py). Everything random is seeded: each run gives the same frames.

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
from clip_drawing import (
    COLLINS,
    DESK_Y,
    DOOR_X,
    HEIGHT,
    HOPPER,
    WIDTH,
    Portrait,
    cut_out,
    draw_mask,
    draw_scene,
    smooth,
)
from matplotlib import cbook
from skimage import data

ROOT = Path(__file__).resolve().parents[2]
FPS = 15
SECONDS = 29.2
FACE_Y = 208
"""Height of the faces in the image."""
WALK_S, LEAVE_S, SLIDE_S = 2.4, 0.9, 0.5
"""Seconds to come up, to leave, and to put a mask on or take it off."""
FAR_FACE, INSIDE_FACE = 43, 52
"""Height of a face in pixels when it appears, and when the person is through the door."""
ABOUT = (
    "Truth of edge/camera/door.mp4, written by tests/support/make_clip.py. Times are seconds; faces are "
    "[frame, x0, y0, x1, y1] from brow to chin, every 5th frame, while most of the face is in view. One "
    "alert is due for each bare phase; while a mask moves its face is neither bare nor masked."
)


@dataclass(frozen=True)
class Act:
    """One person's visit: in through the door, up to the camera, and out sideways.

    ``path`` is the x of the face beside the door, where it stops, and when it is gone. ``size`` is its height from brow
    to chin where it stops. ``worn`` is the mask at first (0 or 1), then the seconds at which it goes on or off.
    """

    who: str
    portrait: Portrait
    start: float
    path: tuple[float, float, float]
    stay: float = 2.0
    size: float = 138
    light: float = 1.0
    worn: tuple[float, ...] = (0,)

    def worn_at(self, t: float) -> float:
        """Returns how far the mask is on, 0..1."""
        value = float(self.worn[0])
        for at in self.worn[1:]:
            value += (1 - 2 * round(value)) * smooth((t - at) / SLIDE_S)
        return value

    def pose(self, t: float) -> tuple[float, float, float, float] | None:
        """Returns x, y and height of the face, and its tilt in degrees; None while the person is away."""
        t -= self.start
        if not 0 <= t <= WALK_S + self.stay + LEAVE_S:
            return None
        way = float(np.clip((t - 0.3) / (WALK_S - 0.3), 0, 1))
        near = 0.6 * smooth(way) + 0.4 * way
        size = 1 / ((1 - near) / FAR_FACE + near / self.size)  # a steady walk, in perspective
        target = WIDTH / 2 + (self.path[1] - WIDTH / 2) * size / self.size
        x = self.path[0] + (target - self.path[0]) * smooth(t / 0.95)
        gone = float(np.clip((t - WALK_S - self.stay) / LEAVE_S, 0, 1)) ** 1.6
        sway = np.sin(2.2 * t + self.start)
        step = np.sin(10.7 * t) * size * 0.022 * (1 - near + gone)
        x += (self.path[2] - x) * gone + 3.5 * sway * near
        return x, FACE_Y + size * 0.05 + step + 1.2 * np.sin(1.4 * t), size, 1.3 * sway

    def face(self, t: float) -> tuple[int, ...] | None:
        """Returns the box from brow to chin, while most of the face is in view."""
        if (pose := self.pose(t)) is None:
            return None
        (x, y, size, _), (x0, y0, x1, y1) = pose, self.portrait.box
        half = size * (x1 - x0) / (y1 - y0) / 2
        left, right = (DOOR_X[0], DOOR_X[1]) if size < INSIDE_FACE else (0, WIDTH)
        left, right = max(x - half, left), min(x + half, right)
        box = tuple(map(round, (left, y - size / 2, right, y + size / 2)))
        return box if right - left > 1.2 * half else None


def cast() -> list[Act]:
    """Returns the visits in order. They are worth four alerts."""
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
    """Draws one frame, from the people at the back to the desk in front."""
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
        if size < INSIDE_FACE:
            layer[:, : DOOR_X[0]] = layer[:, DOOR_X[1] :] = 0
        frame = frame * (1 - layer[..., 3:]) + layer[..., :3]
    noise = np.random.default_rng(index).normal(0, 1.6, (HEIGHT, WIDTH, 1))
    return np.clip(np.vstack([frame[:DESK_Y], scene[DESK_Y:]]) + noise, 0, 255).astype(np.uint8)


def spans(flags: list[bool]) -> list[list[float]]:
    """Returns start and end, in seconds, of each run of true flags."""
    return (np.flatnonzero(np.diff([False, *flags, False])).reshape(-1, 2) / FPS).round(2).tolist()


def truth(acts: list[Act], count: int) -> dict[str, object]:
    """Returns what is in the clip, as door.json holds it."""
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
    """Draws all frames and encodes them as H.264."""
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
    """Decodes the clip and prints how often OpenCV's own cascade finds each face of 60 pixels or more."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    clip, index, strays, found = cv2.VideoCapture(str(path)), 0, 0, {}
    while (read := clip.read())[0]:
        gray = cv2.resize(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY), (320, 240), interpolation=cv2.INTER_AREA)
        hits = cascade.detectMultiScale(gray, 1.2, 3, minSize=(24, 24))
        strays += len(hits)
        for act in acts:
            x0, y0, x1, y1 = act.face(index / FPS) or (0, 0, 0, 0)
            on_face = sum(x0 < 2 * x + w < x1 and y0 < 2 * y + h < y1 for x, y, w, h in hits)
            strays -= on_face
            phase = {0: "bare", 1: "masked"}.get(act.worn_at(index / FPS), "between")
            if y1 - y0 >= 60:
                found.setdefault(f"{act.who:38} {phase:8}", []).append(on_face > 0)
        index += 1
    for person, seen in found.items():
        print(f"{person} found in {sum(seen):3} of {len(seen):3} frames")
    print(f"{index} frames decoded, {strays} detections without a face, {path.stat().st_size / 1e6:.2f} MB")


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
