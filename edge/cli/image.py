"""``maskwatch image``: checks image files instead of a camera, and prints one line per image."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..camera import pictures
from ..camera.pictures import PICTURE_SUFFIXES
from ..errors import ConfigError, FileError, SourceError
from ..faces.drawing import annotate
from ..faces.face import Face
from ..faces.opening import STILL_MIN_FACE, detect_and_classify, open_classifier, open_detector
from .arguments import EXIT_FAILURE, EXIT_OK, add_detector_option, load_config


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURE", help="image files, or folders of image files"
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="write annotated copies to this folder")
    command.add_argument("--json", action="store_true", help="print one JSON line per image")
    command.add_argument("--no-pictures", action="store_true", help="write no copies, even with --out")
    command.add_argument("--model", metavar="FILE.tflite", help="use another model")
    add_detector_option(command)
    text = f"smallest face in pixels (default {STILL_MIN_FACE})"
    command.add_argument("--min-face", type=int, metavar="PIXELS", help=text)


def run(args: argparse.Namespace) -> int:
    """Checks every image; an image that cannot be read is reported and makes the exit code 1."""
    config = load_config(args)
    if args.min_face is None:
        config = replace(config, detect=replace(config.detect, min_face=STILL_MIN_FACE))
    detector, classifier = open_detector(config.detect), open_classifier(config)
    copies = Copies(args.out) if args.out and not args.no_pictures else None
    failed = False
    for file in find_images(args.pictures):
        try:
            image = pictures.read(file.path)
            faces = detect_and_classify(image, detector, classifier)
            print((as_json if args.json else as_text)(file.path, faces), flush=True)
            if copies:
                pictures.write(annotate(image, faces), copies.path_for(file))
        except (SourceError, FileError) as error:  # the other images are still checked
            print(f"maskwatch: {error}", file=sys.stderr)
            failed = True
    return EXIT_FAILURE if failed else EXIT_OK


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file, and the relative path of its copy below the output folder."""

    path: Path
    relative: Path


def find_images(paths: Iterable[Path]) -> Iterator[ImageFile]:
    """Yields the image files among ``paths`` and in folders among them. Raises ``SourceError`` for anything else."""
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
            if not files:
                raise SourceError(f"{path} contains no image files ({', '.join(sorted(PICTURE_SUFFIXES))})")
            yield from (ImageFile(file, file.relative_to(path)) for file in files)
        elif path.is_file():
            yield ImageFile(path, Path(path.name))
        else:
            raise SourceError(f"{path} is neither an image file nor a folder; name one that exists")


class Copies:
    """Chooses the paths of annotated copies below ``out``: each is different, and none overwrites an input.

    Raises ``ConfigError`` if ``out`` is a file.
    """

    def __init__(self, out: Path) -> None:
        if out.exists() and not out.is_dir():
            raise ConfigError(f"--out {out} is a file; name a folder")
        self._out = out
        self._used: set[Path] = set()

    def path_for(self, file: ImageFile) -> Path:
        """Returns the path of the copy. Raises ``ConfigError`` if that is the image file itself."""
        first_choice = self._out / file.relative
        path = first_choice
        number = 2
        while path in self._used:
            path = first_choice.with_name(f"{first_choice.stem}-{number}{first_choice.suffix}")
            number += 1
        if path.exists() and path.samefile(file.path):
            raise ConfigError(f"--out {self._out} would overwrite the image {file.path}; name another folder")
        self._used.add(path)
        return path


def as_json(path: Path, faces: Sequence[Face]) -> str:
    """Formats an image as a JSON line: the file, and box, label and score of each face."""
    return json.dumps({"file": str(path), "faces": [face.as_json() for face in faces]})


def as_text(path: Path, faces: Sequence[Face]) -> str:
    """Formats an image as a line of text. Characters of the path that cannot be printed are escaped."""
    texts = ", ".join(f"{face.label} {face.score:.2f} at {face.box.x0},{face.box.y0}" for face in faces)
    return f"{str(path).encode(errors='backslashreplace').decode()}: {texts or 'no face found'}"
