"""``maskwatch image``: Checks single pictures instead of a camera and prints one answer per picture."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..camera import pictures
from ..camera.pictures import PICTURE_SUFFIXES
from ..errors import ConfigError, SourceError
from ..faces.drawing import annotate
from ..faces.face import Face
from ..faces.opening import STILL_MIN_FACE, detect_and_classify, open_classifier, open_detector
from .arguments import ENDED, FAILED, choose_detector, configured


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files; folders are walked")
    command.add_argument("--out", type=Path, metavar="DIR", help="write annotated copies there")
    command.add_argument("--json", action="store_true", help="print one JSON line a picture")
    command.add_argument("--no-pictures", action="store_true", help="write no copies, whatever --out says")
    command.add_argument("--model", metavar="FILE.tflite", help="another model")
    choose_detector(command)
    command.add_argument("--min-face", type=int, help=f"smallest face in pixels (default {STILL_MIN_FACE})")


def run(args: argparse.Namespace) -> int:
    config = configured(args)
    if args.min_face is None:
        config = replace(config, detect=replace(config.detect, min_face=STILL_MIN_FACE))
    detector, classifier = open_detector(config.detect), open_classifier(config)
    copies = Copies(args.out) if args.out and not args.no_pictures else None
    failed = False
    for found in walk(args.pictures):
        try:
            image = pictures.read(found.path)
            faces = detect_and_classify(image, detector, classifier)
            print((as_json if args.json else as_text)(found.path, faces), flush=True)
            if copies:
                pictures.write(annotate(image, faces), copies.place(found))
        except SourceError as error:  # one bad file must not end the walk
            print(f"maskwatch: {error}", file=sys.stderr)
            failed = True
    return FAILED if failed else ENDED


@dataclass(frozen=True, slots=True)
class Found:
    """A picture file, what to call its copy below the output folder, and where it came from."""

    path: Path
    relative: Path


def walk(paths: Iterable[Path]) -> Iterator[Found]:
    """The picture files among ``paths``; folders are walked. Raises ``SourceError`` for what is not there."""
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
            if not below:
                raise SourceError(f"{path} has no pictures ({', '.join(sorted(PICTURE_SUFFIXES))}) in it")
            yield from (Found(file, file.relative_to(path)) for file in below)
        elif path.is_file():
            yield Found(path, Path(path.name))
        else:
            raise SourceError(f"{path} is no picture and no folder")


class Copies:
    """Where annotated copies go below ``out``: never onto a picture itself, and no two to the same place.

    Raises ``ConfigError`` when ``out`` is a file.
    """

    def __init__(self, out: Path) -> None:
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out {out} is a file; name a folder")
        self._out = out
        self._taken: set[Path] = set()

    def place(self, found: Found) -> Path:
        """The copy's path. Raises ``ConfigError`` if that is the picture itself."""
        path = wanted = self._out / found.relative
        number = 2
        while path in self._taken:
            path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
            number += 1
        if path.exists() and path.samefile(found.path):
            raise ConfigError(f"--out {self._out} would write over the picture {found.path}; name another folder")
        self._taken.add(path)
        return path


def as_json(path: Path, faces: Sequence[Face]) -> str:
    """One line: the file, and box, label and score of every face in the picture's own pixels."""
    return json.dumps({"file": str(path), "faces": [face.as_json() for face in faces]})


def as_text(path: Path, faces: Sequence[Face]) -> str:
    """One line for people."""
    found = ", ".join(f"{face.label} {face.score:.2f} at {face.box.x0},{face.box.y0}" for face in faces)
    return f"{str(path).encode(errors='backslashreplace').decode()}: {found or 'no face found'}"
