"""edge.web.check: images, damaged files and hostile files are uploaded to a real process."""

import base64
import http.client
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support import ROOT
from support.browsing import Client, Watched

DOOR = (ROOT / "edge" / "camera" / "door.jpg").read_bytes()


@pytest.fixture
def watched(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def encoded(kind: str, size: tuple[int, int] = (64, 48), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(out, kind, **more)
    return out.getvalue()


def png_of(width: int, height: int, rows: int) -> bytes:
    """Makes a PNG file whose header has this size, with ``rows`` rows of zeros."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1 + 3 * width) * rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_faces_are_listed_in_pixels_of_the_image_and_drawn_in(watched: Watched) -> None:
    answer = watched.client.ask("/api/check", "POST", DOOR)
    assert answer.status == 200
    assert (answer.json["width"], answer.json["height"]) == (1440, 360)
    labels = [face["label"] for face in answer.json["faces"]]
    assert labels.count("no_mask") == 2 and "mask" in labels
    x0, y0, x1, y1 = answer.json["faces"][0]["box"]
    assert 100 < x0 < x1 < 320 and 60 < y0 < y1 < 240
    jpeg = base64.b64decode(answer.json["picture"].partition(",")[2])
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1).shape == (360, 1440, 3)
    short = watched.client.ask("/api/check?picture=no", "POST", DOOR).json
    assert short == {name: value for name, value in answer.json.items() if name != "picture"}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_jpeg_png_and_webp_are_accepted(watched: Watched, kind: str) -> None:
    assert watched.client.ask("/api/check", "POST", encoded(kind)).json["faces"] == []


def box(kind: bytes, *brands: bytes) -> bytes:
    return struct.pack(">I", 8 + 4 * len(brands)) + kind + b"".join(brands) + bytes(400)


BOMB = png_of(11_000, 11_000, 11_000)
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "no body"),
    "a text": (b"hello" * 100, 415, "not a JPEG, PNG or WebP"),
    "a GIF": (encoded("GIF"), 415, "this is a file of the kind GIF; send a JPEG, PNG or WebP"),
    "a TIFF": (encoded("TIFF"), 415, "this is a file of the kind TIFF"),
    "an AVIF": (box(b"ftyp", b"avif", b"\0\0\0\0"), 415, "this is a file of the kind AVIF"),
    "a HEIC": (box(b"ftyp", b"heic", b"\0\0\0\0"), 415, "Settings > Camera > Formats > Most Compatible"),
    "a video": (box(b"ftyp", b"isom", b"\0\0\2\0"), 415, "this is a file of the kind video"),
    "a PDF": (b"%PDF-1.7\n" * 50, 415, "this is a file of the kind PDF"),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415, "of the kind SVG"),
    "a bomb": (BOMB, 422, "11000 x 11000"),
    "a large PNG": (png_of(5000, 4000, 4000), 422, "at most 16 million are read of a PNG"),
    "a false size": (png_of(2**31 - 1, 2**31 - 1, 1), 422, "2147483647 x 2147483647"),
    "half a JPEG's head": (DOOR[:20], 422, "cut off or damaged"),
    "a PNG without pixels": (png_of(640, 480, 0), 422, "damaged"),
    "too many bytes": (DOOR + bytes(20 * 2**20), 413, "at most 20 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_uploads_are_refused_with_a_reason(watched: Watched, name: str) -> None:
    data, status, text = REFUSED[name]
    answer = watched.client.ask("/api/check", "POST", data)
    assert answer.status == status and text in answer.json["error"], answer.text
    assert watched.client.ask("/api/check", "POST", encoded("PNG")).status == 200
    assert watched.process.popen.poll() is None and "Traceback" not in watched.process.err


def test_the_bomb_is_a_small_file_of_a_large_image() -> None:
    assert len(BOMB) < 2**20 and 11_000 * 11_000 * 3 > 300 * 2**20


def test_an_upload_without_a_length_is_not_kept_in_memory(watched: Watched) -> None:
    """The upload is sent in chunks, so its length is not known beforehand."""
    process = psutil.Process(watched.process.popen.pid)
    before = process.memory_info().rss
    with closing(http.client.HTTPConnection("127.0.0.1", watched.port, timeout=60)) as connection:
        connection.putrequest("POST", "/api/check")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        part = b"%x\r\n%s\r\n" % (2**20, DOOR[:20] + bytes(2**20 - 20))
        with suppress(OSError):
            for _ in range(100):
                connection.send(part)
                assert process.memory_info().rss < before + 40 * 2**20
        with suppress(OSError, http.client.HTTPException):  # the server may have closed the connection already
            assert connection.getresponse().status == 413
    assert watched.client.ask("/api/check", "POST", encoded("PNG")).status == 200


def test_random_damage_never_ends_the_process(watched: Watched) -> None:
    small = encoded("JPEG", (200, 150))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from([small, encoded("PNG"), encoded("WEBP")]), st.data())
    def damage(image: bytes, data: st.DataObject) -> None:
        broken = bytearray(image)
        for _ in range(data.draw(st.integers(1, 8))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(broken)))
        answer = Client(watched.port).ask("/api/check", "POST", bytes(broken[:cut]))
        assert answer.status in (200, 400, 413, 415, 422)

    damage()
    assert watched.process.popen.poll() is None and "Traceback" not in watched.process.err


def test_an_image_is_turned_as_its_exif_data_say(watched: Watched) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    answer = watched.client.ask("/api/check", "POST", encoded("JPEG", (64, 48), exif=exif.tobytes()))
    assert (answer.json["width"], answer.json["height"]) == (48, 64)


def test_the_page_answers_as_maskwatch_image_does(watched: Watched, maskwatch: Any, tmp_path: Path) -> None:
    files = {"whole": DOOR, "unended": DOOR[:-2], "padded": DOOR + bytes(99), "cut": DOOR[:-9000], "half": DOOR[:9000]}
    files["cut and ended"] = DOOR[:-9000] + b"\xff\xd9"
    for name, data in files.items():
        answer = watched.client.ask("/api/check", "POST", data)
        (tmp_path / f"{name}.jpg").write_bytes(data)
        image = maskwatch("image", tmp_path / f"{name}.jpg", "--json")
        is_good = name in ("whole", "unended", "padded")
        assert (answer.status, image.end()) == ((200, 0) if is_good else (422, 1)), name
        if is_good:
            assert [face["box"] for face in answer.json["faces"]] == [face["box"] for face in image.alerts[0]["faces"]]
        else:
            assert answer.json["error"] == "the image cannot be used: it is cut off or damaged"
            assert "it is cut off or damaged" in image.err
