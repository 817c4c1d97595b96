"""``maskwatch image``: checks image files instead of a camera, and prints one line per image."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..addresses import printable
from ..camera import pictures
from ..camera.pictures import PICTURE_SUFFIXES
from ..camera.walk import COPY_MARK, Walk, is_copy
from ..errors import ConfigError, FileError, SourceError
from ..faces.drawing import annotate
from ..faces.face import Face
from ..faces.opening import STILL_MIN_FACE, detect_and_classify, open_classifier, open_detector
from ..paths import check_file
from .arguments import EXIT_FAILURE, EXIT_OK, add_detector_option, load_config

COPY_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""Endings that an annotated copy keeps; other copies are PNG files."""


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
    """Checks every image; an image or folder that cannot be read is reported and makes the exit code 1."""
    config = load_config(args)
    if args.min_face is None:
        config = replace(config, detect=replace(config.detect, min_face=STILL_MIN_FACE))
    copies = Copies(args.out, args.pictures) if args.out and not args.no_pictures else None
    detector, classifier = open_detector(config.detect), open_classifier(config)
    count = failures = 0
    for file in all_images(args.pictures):
        count += 1
        try:
            if isinstance(file, SourceError):
                raise file
            image = pictures.read(file.path)
            with pictures.sparing_memory(file.path):
                faces = detect_and_classify(image, detector, classifier)
            print((as_json if args.json else as_text)(file.path, faces), flush=True)
            if copies:
                pictures.write(annotate(image, faces), copies.path_for(file), mark=COPY_MARK)
        except (SourceError, FileError) as error:  # the other images are still checked
            print(f"maskwatch: {error}", file=sys.stderr)
            failures += 1
    if failures and count > 1:
        print(f"maskwatch: {failures} of {count} failed", file=sys.stderr)
    return EXIT_FAILURE if failures else EXIT_OK


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file, and the relative path of its copy below the output folder."""

    path: Path
    relative: Path


def all_images(paths: Iterable[Path]) -> Iterator[ImageFile | SourceError]:
    """Yields the images of all paths, and in the place of a path that cannot be used the error that says why."""
    for path in paths:
        try:
            yield from find_images([path])
        except SourceError as error:
            yield error


def find_images(paths: Iterable[Path]) -> Iterator[ImageFile]:
    """Yields the image files among ``paths`` and in folders among them; prints what is passed over in a folder.

    Raises ``SourceError`` for what cannot be read, and after the other files of a folder for what was missed in it.
    """
    for path in paths:
        if os.path.isdir(path):  # unlike Path's, this never raises
            yield from _images_in(path)
            continue
        try:
            check_file(path)
        except OSError as error:
            message = f"{printable(path)} is neither an image file nor a folder that can be read: {error.strerror}"
            raise SourceError(message) from error
        yield ImageFile(path, Path(path.name))


def _images_in(folder: Path) -> Iterator[ImageFile]:
    walk, count = Walk(folder), 0
    for file in walk:
        count += 1
        yield ImageFile(file, file.relative_to(folder))
    summary = walk.summary()
    if not count:
        endings = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"{printable(folder)} contains no image files ({endings})" + (summary and f"; {summary}"))
    if walk.failures:
        raise SourceError(summary)
    if summary:
        print(f"maskwatch: {summary}", file=sys.stderr)


class Copies:
    """Chooses the paths of annotated copies below ``out``: each is different, and none overwrites another file.

    Only an earlier copy is overwritten. Raises ``ConfigError`` if ``out`` is a file, or a folder of ``inputs``: the
    copies would have to take the places of the images.
    """

    def __init__(self, out: Path, inputs: Sequence[Path] = ()) -> None:
        if os.path.exists(out) and not os.path.isdir(out):
            raise ConfigError(f"--out {printable(out)} is a file; name a folder")
        self._out = out
        self._used: set[Path] = set()
        for path in inputs:
            folder = path if os.path.isdir(path) else path.parent
            if os.path.exists(folder) and os.path.exists(out) and os.path.samefile(folder, out):
                raise self._overwriting(path)

    def _overwriting(self, path: Path) -> ConfigError:
        out = printable(self._out)
        return ConfigError(f"--out {out} would overwrite the image {printable(path)}; name another folder")

    def path_for(self, file: ImageFile) -> Path:
        """Returns the path of the copy. Raises ``ConfigError`` if that is the image file itself."""
        kept = file.relative.suffix.lower() in COPY_SUFFIXES
        first_choice = self._out / (file.relative if kept else file.relative.with_suffix(".png"))
        path = first_choice
        number = 2
        while path in self._used or self._is_taken(path, file):
            path = first_choice.with_name(f"{first_choice.stem}-{number}{first_choice.suffix}")
            number += 1
        self._used.add(path)
        return path

    def _is_taken(self, path: Path, file: ImageFile) -> bool:
        if not os.path.lexists(path):
            return False
        if os.path.exists(path) and os.path.samefile(path, file.path):
            raise self._overwriting(file.path)
        return os.path.islink(path) or not is_copy(path)


def as_json(path: Path, faces: Sequence[Face]) -> str:
    """Formats an image as a JSON line: the file, and box, label and score of each face."""
    return json.dumps({"file": str(path), "faces": [face.as_json() for face in faces]})


def as_text(path: Path, faces: Sequence[Face]) -> str:
    """Formats an image as a line of text. Characters of the path that cannot be printed are escaped."""
    texts = ", ".join(f"{face.label} {face.score:.2f} at {face.box.x0},{face.box.y0}" for face in faces)
    return f"{printable(path)}: {texts or 'no face found'}"
