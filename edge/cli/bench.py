"""``maskwatch bench``: measures what watching costs on this machine, with ``edge.bench``."""

import argparse
from pathlib import Path

from ..bench.choices import STAGES
from .arguments import EXIT_OK, add_detector_option, load_config, positive_int


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="videos or folders of images (default: demo, the bundled clip, and empty, its doorway without people)",
    )
    command.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="RIVAL",
        help="measure a rival on the same frames: article (the pipeline that maskwatch grew out of), every-picture "
        "(maskwatch without the motion gate), or a single-shot network in a .tflite file; may be repeated",
    )
    command.add_argument(
        "--frames", type=positive_int, default=0, metavar="N", help="use at most N frames of each source"
    )
    one_of = command.add_mutually_exclusive_group()
    one_of.add_argument("--stage", choices=STAGES, help="profile one stage alone")
    one_of.add_argument(
        "--scale", action="store_true", help="measure the cost by number of faces, resolution and frames per second"
    )
    one_of.add_argument(
        "--fleet", type=positive_int, metavar="N", help="simulate N doors on a mosquitto on this machine"
    )
    command.add_argument(
        "--threads", type=positive_int, metavar="N", help="threads of OpenCV and TFLite (default: as configured, 1)"
    )
    command.add_argument("--every-picture", action="store_true", help="measure without the motion gate")
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures to this file")
    command.add_argument("--model", metavar="FILE.tflite", help="use another model")
    add_detector_option(command)


def run(args: argparse.Namespace) -> int:
    """Measures, and prints tables. Raises ``EdgeError``."""
    from ..bench.command import bench

    bench(args, load_config(args))
    return EXIT_OK
