"""Pictures that are cut off, padded or followed by something: refused, or read to the last pixel."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.picture_files import KINDS, encoded, jpeg_variants

from edge.camera import pictures
from edge.errors import SourceError

JPEGS = jpeg_variants()


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_is_cut_off_is_refused(name: str) -> None:
    data = JPEGS[name]
    for length in [*range(0, len(data), len(data) // 25), *range(len(data) - 40, len(data) - 5)]:
        with pytest.raises(SourceError, match="cut off|damaged|empty|none of"):
            pictures.decode(data[:length])


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_is_cut_off_and_ended_or_padded_is_refused(name: str) -> None:
    """Some programs end what they have received with the end marker; a reserved file is filled with zeros."""
    data = JPEGS[name]
    for share in (0.3, 0.5, 0.7, 0.8):
        part = data[: int(len(data) * share)]
        for end in (bytes(len(data) - len(part)), bytes(10_000), b"\xff", END):
            with pytest.raises(SourceError, match="cut off or damaged"):
                pictures.decode(part + end)


END = b"\xff\xd9"


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_lacks_only_its_end_marker_is_good(name: str) -> None:
    data = JPEGS[name]
    whole = pictures.decode(data)
    for part in (data[:-1], data[:-2], data[:-2] + bytes(4096), data + b"more", data + bytes(100), data + data[:999]):
        assert np.array_equal(pictures.decode(part), whole)


def test_a_progressive_jpeg_whose_last_scans_are_missing_is_refused() -> None:
    data = JPEGS["progressive"]
    scans = [place for place in range(len(data) - 1) if data[place : place + 2] == b"\xff\xda"]
    for scan in scans[1:]:
        for end in (b"", END):
            with pytest.raises(SourceError, match="cut off or damaged"):
                pictures.decode(data[:scan] + end)


def test_a_grey_picture_is_not_taken_for_a_damaged_one() -> None:
    for grey in (64, 65, 127, 128, 129):
        image = np.full((120, 160, 3), grey, np.uint8)
        for data in (encoded("JPEG", image), encoded("JPEG", image, progressive=True), encoded("JPEG", image, "CMYK")):
            assert pictures.decode(data).shape == (120, 160, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_that_is_cut_off_is_refused(kind: str, tmp_path: Path) -> None:
    data = encoded(kind)
    whole = pictures.decode(data)
    assert whole.shape == (360, 480, 3)
    for length in (1, 9, 30, len(data) // 4, len(data) // 2, len(data) - len(data) // 50):
        (tmp_path / "x.jpg").write_bytes(data[:length])
        with pytest.raises(SourceError, match="x.jpg is not a readable picture: it"):
            pictures.read(tmp_path / "x.jpg")
    assert np.array_equal(pictures.decode(data + b"something behind it"), whole)


def test_nothing_is_printed_about_damaged_pictures(capfd: pytest.CaptureFixture[str]) -> None:
    """A camera that sends them would fill the log, one line for each picture."""
    for data in (*JPEGS.values(), encoded("PNG"), encoded("WebP")):
        for part in (data[: len(data) * 2 // 3], data[: len(data) // 2] + END, data[:-2], data):
            with suppress(SourceError):
                pictures.decode(part)
    assert capfd.readouterr() == ("", "")
    cv2.imdecode(np.frombuffer(JPEGS["baseline"][:9000] + END, np.uint8), cv2.IMREAD_COLOR)
    assert "premature end" in capfd.readouterr().err  # what others print is not kept back


def test_pictures_decoded_at_the_same_time_are_told_apart() -> None:
    """The page decodes an upload while the camera's pictures are decoded; doctor forks."""
    whole, part = JPEGS["baseline"], JPEGS["baseline"][:9000]

    def is_refused(data: bytes) -> bool:
        try:
            return pictures.decode(data) is None
        except SourceError:
            return True

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(is_refused, [whole, part] * 100))
    assert answers == [False, True] * 100
    child = os.fork()
    answers = [is_refused(whole if child else part) for _ in range(100)]
    if not child:
        os._exit(not all(answers))
    assert os.waitpid(child, 0)[1] == 0
    assert not any(answers)
