"""The command ``evaluate-blur`` of ``maskwatch-convert``."""

import argparse
import time
from pathlib import Path

from edge.config.schema import DetectConfig
from edge.faces.hiding import FaceHider
from edge.faces.opening import open_eager

from ..arguments import add_with_default, positive, say
from ..data.files import write_json
from ..data.readable import readable
from . import blur, scenes


def add_evaluate_blur(command: argparse.ArgumentParser) -> None:
    text = "tab-separated list: file, source, label, x0, y0, x1, y1"
    command.add_argument("list", type=Path, metavar="LIST", help=text)
    add_with_default(command, "--min-face", "smallest face in pixels", scenes.MIN_FACE, type=positive, metavar="PIXELS")
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")


def run_evaluate_blur(args: argparse.Namespace) -> None:
    truth, hider = readable(scenes.read_scenes(args.list)), FaceHider(open_eager(DetectConfig()), "face")
    start = time.perf_counter()
    measured = blur.figures([blur.cover(scene, hider, args.min_face) for scene in truth])
    seconds = time.perf_counter() - start
    title = f"{len(truth)} pictures, faces from {args.min_face} px, {1000 * seconds / len(truth):.0f} ms per picture"
    say(blur.table(measured, title))
    if args.out:
        write_json(args.out, {"min_face": args.min_face} | measured)
        say(f"wrote {args.out}")
