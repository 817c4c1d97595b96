"""``maskwatch bench``: Measures what watching costs; ``edge.bench`` does the work."""

import argparse
from pathlib import Path

from .arguments import ENDED, choose_detector, configured, count


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="videos or folders of pictures (default: demo, the bundled clip, and empty, its doorway without people)",
    )
    command.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="RIVAL",
        help="on the same pictures: article (the pipeline maskwatch grew out of), every-picture (itself without the "
        "motion gate), or a single-shot network in a .tflite file; may be given again",
    )
    command.add_argument("--frames", type=count, default=0, metavar="N", help="of each source at most so many pictures")
    other = command.add_mutually_exclusive_group()
    other.add_argument("--stage", choices=("motion", "detect", "classify", "track"), help="profile one stage alone")
    other.add_argument("--scale", action="store_true", help="cost by number of faces, resolution, pictures a second")
    other.add_argument("--fleet", type=count, metavar="N", help="N simulated doors on a mosquitto of this machine")
    command.add_argument("--threads", type=count, help="threads of OpenCV and TFLite (default: as configured, 1)")
    command.add_argument("--every-picture", action="store_true", help="without the motion gate")
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")
    command.add_argument("--model", metavar="FILE.tflite", help="another model")
    choose_detector(command)


def run(args: argparse.Namespace) -> int:
    from ..bench.command import bench

    bench(args, configured(args))
    return ENDED
