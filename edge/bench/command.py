"""Runs ``maskwatch bench``: chooses the measurement, prints its tables and writes its figures as JSON."""

import argparse
import json
import os
import platform
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .. import __version__
from ..addresses import printable
from ..config.schema import Config
from ..errors import ConfigError, FileError
from ..files import PUBLIC
from ..files import replace as replace_file
from ..owners import as_owner
from . import tables
from .brokers import open_broker
from .choices import EMPTY
from .clip import measure_clip, source_frames
from .delivery import measure_delivery
from .fleet import measure_fleet
from .outputs import measure_outputs
from .page import measure_page
from .process import measure_service
from .progress import ProgressLine
from .rivals import open_rival
from .scale import measure_scale
from .stage import profile_stage

Figures = dict[str, Any]


def bench(args: argparse.Namespace, config: Config) -> None:
    """Measures what the options ask for. Raises ``EdgeError`` for what cannot be opened or written."""
    if (args.scale or args.fleet) and (args.sources or args.compare or args.frames):
        raise ConfigError(
            "--scale and --fleet use frames and doors of their own; leave SOURCE, --compare and --frames out"
        )
    if args.out:
        check_writable(args.out)  # before the measurement, which takes minutes
    figures = {"machine": machine()} | measure(args, with_bench_options(args, config), ProgressLine())
    if args.out:
        write(args.out, json.dumps(figures, indent=1) + "\n")
        print(f"wrote {args.out}", flush=True)


def measure(args: argparse.Namespace, config: Config, progress: ProgressLine) -> Figures:
    """Makes the one measurement that the options choose, and prints it."""
    if args.stage:
        return {"stages": profile_sources(args, config)}
    if args.scale:
        scale = measure_scale(config, progress.show)
        show(progress, tables.scale_table(scale))
        return {"scale": scale}
    if args.fleet:
        fleet = measure_fleet(args.fleet, progress=progress.show)
        show(progress, tables.fleet_line(fleet))
        return {"fleet": fleet}
    return measure_watching(args, config, progress)


def profile_sources(args: argparse.Namespace, config: Config) -> Figures:
    """Profiles one stage on each source."""
    sources = {}
    for source in args.sources or ["demo"]:
        figures, profile = profile_stage(args.stage, source_frames(source, config, args.frames), config)
        print(f"{source}\n" + tables.stage_table(args.stage, figures, profile.splitlines()), flush=True)
        sources[source] = {args.stage: figures}
    return sources


def measure_watching(args: argparse.Namespace, config: Config, progress: ProgressLine) -> Figures:
    """Measures the loop on each source, then the service as a process and under its page, then delivery and outputs."""
    rivals = [open_rival(name, config) for name in args.compare]
    clips = []
    for source in args.sources or ["demo", EMPTY]:
        frames = source_frames(source, config, args.frames)
        clips.append(measure_clip(source, frames, config, rivals, progress.show).as_json())
        show(progress, tables.clip_table(clips[-1]) + "\n")
    source = ["--source", next((source for source in args.sources if source != EMPTY), "demo")]
    detector = ["--detector", config.detect.detector]
    service = measure_service([*source, *detector, *(["--config", str(args.config)] if args.config else [])])
    show(progress, tables.service_line(service))
    page = measure_page(detector, progress.show)
    show(progress, tables.page_line(page))
    with open_broker() as broker:
        delivery = measure_delivery(broker)
    show(progress, tables.delivery_line(delivery))
    outputs = measure_outputs()
    show(progress, tables.outputs_line(outputs))
    return {"clips": clips, "service": service, "page": page, "delivery": delivery, "outputs": outputs}


def show(progress: ProgressLine, text: str) -> None:
    """Prints a result in place of the progress line."""
    progress.clear()
    print(text, flush=True)


def with_bench_options(args: argparse.Namespace, config: Config) -> Config:
    """Returns the configuration with ``--threads`` and ``--every-picture`` applied."""
    threads = args.threads or config.detect.threads
    detect = replace(config.detect, threads=threads, gate=config.detect.gate and not args.every_picture)
    return replace(config, detect=detect, classify=replace(config.classify, threads=threads))


def machine() -> dict[str, Any]:
    """Describes the machine and the versions that the figures belong to."""
    return {
        "maskwatch": __version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def check_writable(path: Path) -> None:
    """Raises ``FileError`` if the file cannot be written."""
    if path.is_dir():
        raise FileError(f"{printable(path)} cannot be written: it is a folder; name a file")
    if not os.access(path.parent, os.W_OK):
        raise FileError(
            f"{printable(path)} cannot be written: its folder does not exist, or this user may not write there"
        )


def write(path: Path, text: str) -> None:
    """Writes the file whole or not at all. Raises ``FileError``."""
    try:
        as_owner(path, partial(replace_file, path, text.encode("utf-8"), mode=PUBLIC), FileError)
    except OSError as error:
        raise FileError(f"{printable(path)} cannot be written: {error.strerror}") from error
