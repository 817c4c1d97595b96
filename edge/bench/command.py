"""``maskwatch bench``: chooses what is measured, shows how far it is, prints tables, writes JSON."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .. import __version__
from ..config.schema import Config
from ..errors import ConfigError, SourceError
from ..files import replacing
from . import tables
from .brokers import opened
from .clip import EMPTY, pictures, watch
from .delivery import delivered
from .fleet import fleet
from .process import watched
from .rivals import open_rival
from .scale import scaled
from .stage import alone


def bench(args: argparse.Namespace, config: Config) -> None:
    """Raises ``EdgeError`` for what cannot be opened or written."""
    if (args.scale or args.fleet) and (args.sources or args.compare or args.frames):
        raise ConfigError(
            "--scale and --fleet bring their own pictures and doors; leave SOURCE, --compare and --frames out"
        )
    config = chosen(args, config)
    say: Callable[[str], None] = lambda text: print(text, flush=True)  # noqa: E731
    bar = Bar()
    found: dict[str, Any] = {"machine": machine()}
    if args.out:
        writable(args.out)  # before the minutes, not after them
    if args.stage:
        for source in args.sources or ["demo"]:
            figures, profile = alone(args.stage, pictures(source, config, args.frames), config)
            say(f"{source}\n" + tables.stage_table(args.stage, figures, profile.splitlines()))
            found.setdefault("stages", {})[source] = {args.stage: figures}
    elif args.scale:
        found["scale"] = scaled(config, bar.show)
        bar.clear()
        say(tables.scale_table(found["scale"]))
    elif args.fleet:
        found["fleet"] = fleet(args.fleet, progress=bar.show)
        bar.clear()
        say(tables.fleet_lines(found["fleet"]))
    else:
        everything(args, config, found, say, bar)
    if args.out:
        write(args.out, json.dumps(found, indent=1) + "\n")
        say(f"wrote {args.out}")


def everything(
    args: argparse.Namespace, config: Config, found: dict[str, Any], say: Callable[[str], None], bar: "Bar"
) -> None:
    """Each source, then the service as a process, then the way to a subscriber."""
    rivals = [open_rival(name, config) for name in args.compare]
    found["clips"] = []
    for source in args.sources or ["demo", EMPTY]:
        figures = watch(source, pictures(source, config, args.frames), config, rivals, bar.show).figures()
        found["clips"].append(figures)
        bar.clear()
        say(tables.clip_table(figures) + "\n")
    options = ["--source", next((each for each in args.sources if each != EMPTY), "demo")]
    options += ["--detector", config.detect.detector]
    found["service"] = watched(options + (["--config", str(args.config)] if args.config else []))
    say(tables.service_line(found["service"]))
    with opened() as broker:
        found["delivery"] = delivered(broker)
    say(tables.delivery_line(found["delivery"]))


def chosen(args: argparse.Namespace, config: Config) -> Config:
    """The configuration with the options of ``bench`` on top."""
    threads = args.threads or config.detect.threads
    detect = replace(config.detect, threads=threads, gate=config.detect.gate and not args.every_picture)
    return replace(config, detect=detect, classify=replace(config.classify, threads=threads))


def machine() -> dict[str, Any]:
    """What the figures are true of."""
    return {
        "maskwatch": __version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def writable(path: Path) -> None:
    """Raises ``SourceError`` if nothing can be written there."""
    if path.is_dir():
        raise SourceError(f"{path} cannot be written: it is a folder; name a file")
    if not os.access(path.parent, os.W_OK):
        raise SourceError(f"{path} cannot be written: {path.parent} is no folder that may be written to")


def write(path: Path, text: str) -> None:
    """All of it or nothing. Raises ``SourceError``."""
    try:
        with replacing(path) as new:
            new.write_text(text, "utf-8")
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}") from error


class Bar:
    """How far a measurement is: one line on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, what: str, count: int) -> None:
        if sys.stderr.isatty() and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.2
            print(f"\r\x1b[K{Path(what).name}: {count}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
