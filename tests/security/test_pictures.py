"""Attacks with pictures: what a small file makes a decoder do is bounded, whatever the format."""

import functools
import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from support import ROOT
from support.picture_files import KINDS, encoded, png_header

from edge.camera import jpeg, pictures, png
from edge.camera.headers import READABLE
from edge.errors import SourceError
from edge.mqtt.messages import AlertMessage

pytestmark = pytest.mark.security
LIMIT_S = 10.0
"""Processor time of one picture, for slow machines: x86 takes below 2 s."""
DEEP = b'{"schema":' + b"[" * 50_000 + b"]" * 50_000 + b"}"


def seconds(data: bytes) -> float:
    """Returns the processor time in which a picture is decoded or refused."""
    begin = time.process_time()
    try:
        pictures.decode(data)
    except SourceError as error:
        assert str(error)
    return time.process_time() - begin


def segment(marker: int, content: bytes) -> bytes:
    """Makes a segment of a JPEG file."""
    return bytes([255, marker]) + struct.pack(">H", len(content) + 2) + content


def scan(colours: list[int], first: int, last: int) -> bytes:
    """Makes an empty scan."""
    named = b"".join(bytes([colour, 0]) for colour in colours)
    return segment(0xDA, bytes([len(colours)]) + named + bytes([first, last, 0]))


def arithmetic(side: int, scans: int) -> bytes:
    """Makes a progressive JPEG with arithmetic coding, whose decoder works without any data."""
    size = struct.pack(">BHHB", 8, side, side, 3) + b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    head = b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xDB, b"\0" + b"\1" * 64)
    whole = [scan([1, 2, 3], 0, 0), *(scan([colour], 1, 63) for colour in (1, 2, 3))]
    more = [scan([1, 2, 3], 0, 0)] * (scans - len(whole))
    return head + segment(0xCA, size) + b"".join(whole + more) + b"\xff\xd9"


def chunk(kind: bytes, content: bytes) -> bytes:
    """Makes a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_file(before: bytes = b"", rows: bytes | None = None, behind: bytes = b"") -> bytes:
    """Makes a PNG of 64 x 64 pixels."""
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(64 * (1 + 3 * 64))) if rows is None else rows
    begin = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before
    return begin + chunk(b"IDAT", packed) + behind + chunk(b"IEND", b"")


@functools.cache
def inflated(megabytes: int) -> bytes:
    """Packs so many megabytes of zeros."""
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(10**6)) for _ in range(megabytes)] + [packer.flush()])


def test_scans_count_by_the_pixels_that_they_pass() -> None:
    with pytest.raises(SourceError, match="it has 100 scans, and at most 12 are read; save it again as JPEG"):
        pictures.decode(arithmetic(8000, 100))
    with pytest.raises(SourceError, match="it has 51 scans, and at most 50 are read"):
        pictures.decode(arithmetic(4000, 51))


def test_the_most_scans_of_a_picture_end_in_time() -> None:
    assert seconds(arithmetic(4000, jpeg.MAX_SCANNED // 4000**2)) < LIMIT_S


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("kind", ["iCCP", "zTXt", "iTXt"])
def test_packed_texts_and_profiles_of_a_png_are_not_unpacked(kind: str, place: str) -> None:
    begin = b"x\0\1\0\0\0" if kind == "iTXt" else b"x\0\0"
    bombs = 1000 * chunk(kind.encode(), begin + inflated(7))
    data = png_file(**{place: bombs})
    assert seconds(data) < 1.0
    assert pictures.decode(data).shape == (64, 64, 3)
    assert len(png.essential(data) or b"") < 1000


def test_rows_behind_the_last_one_are_refused() -> None:
    data = png_file(rows=inflated(600))
    assert seconds(data) < LIMIT_S
    with pytest.raises(SourceError, match="damaged"):
        pictures.decode(data)


def test_many_chunks() -> None:
    assert seconds(png_file(before=200_000 * chunk(b"tEXt", b"x\0y"), behind=200_000 * chunk(b"IDAT", b""))) < LIMIT_S


def test_pixels_with_chunks_that_matter_stay_the_same() -> None:
    rng = np.random.default_rng(0)
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA"):
        image = rng.integers(0, 256, (700, 900, 3), np.uint8)
        data = encoded("PNG", image, mode)
        at = 8 + 25
        texts = data[:at] + chunk(b"tEXt", b"x\0y") + data[at:]
        assert (pictures.decode(texts) == pictures.decode(data)).all()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_only_the_first_frame_is_decoded(kind: str) -> None:
    if kind not in map(str.upper, READABLE):
        pytest.skip(f"this OpenCV reads no {kind}")
    frames = [PilImage.fromarray(np.full((600, 800, 3), 6 * number, np.uint8)) for number in range(40)]
    out = io.BytesIO()
    try:
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    except (KeyError, OSError) as error:
        pytest.skip(f"Pillow writes no {kind} here: {error}")
    assert pictures.decode(out.getvalue()).max() <= 4


def test_cameras_send_four_kinds() -> None:
    kinds = [kind for kind in KINDS if kind not in ("JPEG", "PNG", "WEBP", "BMP")]
    assert "TIFF" in kinds
    for kind in kinds:
        with pytest.raises(SourceError, match="only JPEG, PNG, WebP, BMP can be read here"):
            pictures.decode(encoded(kind), pictures.OF_CAMERAS)


def test_a_codestream_larger_than_its_header_is_refused() -> None:
    if "JPEG 2000" not in READABLE:
        pytest.skip("this OpenCV reads no JPEG 2000")
    out = io.BytesIO()
    PilImage.new("L", (8200, 8200)).save(out, "JPEG2000")
    data = out.getvalue()
    at = data.index(b"jp2h") - 4
    fake = b"ihdr" + struct.pack(">II", 64, 64)
    lying = data[:at] + struct.pack(">I", 8 + len(fake)) + b"free" + fake + data[at:]
    code = "import sys; from edge.camera import pictures; pictures.decode(sys.stdin.buffer.read())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    child: Any = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, input=lying, env=environment, capture_output=True, timeout=60
    )
    assert child.returncode == 1 and b"SourceError" in child.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(encoded("PNG")[:-3000], "cut off or damaged", id="cut off"),
        pytest.param(png_header(30_000, 30_000), "30000 x 30000 pixels", id="bomb"),
        pytest.param(png_file(rows=inflated(600)), "cut off or damaged", id="rows behind the last one"),
        pytest.param(arithmetic(8000, 100), "100 scans", id="scans"),
    ],
)
def test_a_logo_that_is_no_whole_picture_is_refused_at_start(
    content: bytes, message: str, maskwatch: Any, tmp_path: Path
) -> None:
    kind = "png" if content.startswith(b"\x89PNG") else "jpg"
    (tmp_path / f"logo.{kind}").write_bytes(content)
    (tmp_path / "c.toml").write_text(f"[sign]\nlogo = '{tmp_path / f'logo.{kind}'}'\n")
    run = maskwatch("run", "--source", "demo", "--print", "--config", tmp_path / "c.toml")
    assert run.end() == 2
    assert "sign.logo = " in run.err and message in run.err and "Traceback" not in run.err


def test_deep_json_is_no_alert() -> None:
    with pytest.raises(ValueError, match="not a valid alert"):
        AlertMessage.decode(DEEP)
