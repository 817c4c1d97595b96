"""Which kinds of pictures are read, how they are turned, and which are too large."""

import io
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PilImage
from support import ROOT
from support.picture_files import FACE, KINDS, encoded, png_header

from edge.camera import headers, pictures
from edge.errors import SourceError

NOT_UTF8 = os.fsdecode(b"caf\xe9.png")


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_tells_kind_and_size(kind: str) -> None:
    wide = FACE[:100, :333]
    header = headers.read_header(encoded(kind, wide))
    assert header is not None and (header.width, header.height) == (333, 100)
    assert pictures.decode(encoded(kind, wide)).shape == (100, 333, 3)


def test_the_header_tells_the_size_of_every_webp_and_avif() -> None:
    wide = FACE[:100, :333]
    files = [encoded("WEBP", wide, lossless=True), encoded("WEBP", wide, exif=b"Exif\0\0MM\0*"), encoded("AVIF", wide)]
    for data in files:
        header = headers.read_header(data)
        assert header is not None and (header.width, header.height) == (333, 100)


@pytest.mark.parametrize("suffix", [".jp2", ".ras"])
def test_kinds_that_only_opencv_writes(suffix: str) -> None:
    data = cv2.imencode(suffix, FACE[:100, :333])[1].tobytes()
    header = headers.read_header(data)
    assert header is not None and (header.width, header.height) == (333, 100)
    assert np.abs(pictures.decode(data).astype(int) - FACE[:100, :333]).mean() < 1
    with pytest.raises(SourceError, match="cut off or damaged"):
        pictures.decode(data[: len(data) // 2])


def test_grey_alpha_16_bit_and_animated_pictures_are_read() -> None:
    grey = encoded("PNG", mode="L")
    assert np.ptp(pictures.decode(grey), axis=2).max() == 0
    assert pictures.decode(encoded("PNG", mode="RGBA")).shape == (360, 480, 3)
    assert pictures.decode(encoded("PNG", mode="P")).shape == (360, 480, 3)
    deep = cv2.imencode(".png", FACE.astype(np.uint16) * 257)[1].tobytes()
    assert np.array_equal(pictures.decode(deep), FACE)
    pages = [PilImage.fromarray(FACE[:, :, ::-1]), PilImage.new("RGB", (480, 360))]
    for kind in ("TIFF", "WEBP", "PNG"):
        out = io.BytesIO()
        pages[0].save(out, kind, save_all=True, append_images=pages[1:])
        assert np.abs(pictures.decode(out.getvalue()).astype(int) - FACE).mean() < 8, kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_as_its_exif_data_say(kind: str, tmp_path: Path) -> None:
    if kind == "WEBP" and tuple(map(int, cv2.__version__.split(".")[:2])) < (4, 12):
        pytest.skip("OpenCV before 4.12 does not turn WebP pictures")
    exif = PilImage.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    (tmp_path / "x").write_bytes(encoded(kind, exif=exif.tobytes()))
    assert pictures.read(tmp_path / "x").shape == (480, 360, 3)


def test_a_name_that_is_not_utf8_can_be_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / NOT_UTF8
    pictures.write(np.asarray(FACE, np.uint8), path)
    assert np.array_equal(pictures.read(path), FACE)
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9.png"]
    path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"caf\\xe9\.png is not a readable picture: the file is empty"):
        pictures.read(path)


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    pictures.write(np.asarray(FACE, np.uint8), tmp_path / ("ü" * 125 + ".jpeg"))
    assert len(os.listdir(tmp_path)) == 1


def test_a_heic_picture_is_named() -> None:
    for brand in (b"heic", b"mif1"):
        with pytest.raises(SourceError, match="it is a HEIC picture, which OpenCV cannot read here; convert it"):
            pictures.decode(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(400))


@pytest.mark.parametrize("size", [(40_000, 40_000), (2**31 - 1, 2**31 - 1), (64_000_001, 1)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(SourceError, match=f"it has {size[0]} x {size[1]} pixels, and at most 64 million are read"):
        pictures.decode(png_header(*size))


def test_a_picture_that_memory_does_not_allow_is_refused(tmp_path: Path) -> None:
    image = np.full((5000, 6000, 3), 90, np.uint8)
    for name in ("x.jpg", "x.png"):
        (tmp_path / name).write_bytes(cv2.imencode(name[1:], image)[1].tobytes())
        code = (
            "import resource, sys, pathlib; from edge.camera import pictures; from edge.errors import SourceError\n"
            "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
            "resource.setrlimit(resource.RLIMIT_AS, (size + (300 << 20),) * 2)\n"
            "try: pictures.read(pathlib.Path(sys.argv[1]))\n"
            "except SourceError as error: print(error)\n"
        )
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert f"{name} is not a readable picture: it needs 720 MB of memory for its 6000 x 5000 pixels" in done.stdout
        assert "Traceback" not in done.stderr
