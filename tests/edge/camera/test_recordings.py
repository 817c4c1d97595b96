"""Tests video files that are damaged, have gaps, or are cut off: they go on to the end of their container."""

import logging
import struct
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from support import until
from support.cameras import SIZE, as_jpeg, picture, write_video
from support.streams import as_stream, h264_units

from edge.camera import recordings
from edge.camera.containers import examine
from edge.camera.frames import Frame
from edge.camera.playback import Playback
from edge.camera.source import open_source
from edge.config.schema import SourceConfig


def frames_of(path: Path) -> list[Frame]:
    with closing(open_source(str(path))) as source:
        return list(source)


def damaged(door: Path, path: Path, count: int, seed: int = 3) -> Path:
    """Writes the bundled clip with ``count`` places of 300 zero bytes in its pictures."""
    data, rng = bytearray(door.read_bytes()), np.random.default_rng(seed)
    start = data.index(b"mdat") + 20_000
    for at in rng.integers(start, start + 880_000, count):
        data[at : at + 300] = bytes(300)
    path.write_bytes(data)
    return path


def avi_places(path: Path) -> list[tuple[int, int]]:
    """Returns start and length of each picture in an AVI file."""
    data, places, at = path.read_bytes(), [], 0
    at = data.index(b"movi") + 4
    while data[at : at + 4] == b"00dc":
        length = struct.unpack("<I", data[at + 4 : at + 8])[0]
        places.append((at + 8, length))
        at += 8 + length + length % 2
    return places


def overwritten(path: Path, numbers: range) -> Path:
    """Destroys pictures of an AVI file."""
    data, places = bytearray(path.read_bytes()), avi_places(path)
    for number in numbers:
        at, length = places[number]
        data[at : at + length] = bytes(length)
    path.write_bytes(data)
    return path


def test_sixty_damaged_places_do_not_end_a_recording(
    door: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = frames_of(damaged(door, tmp_path / "a.mp4", 60))
    assert len(frames) > 420 and frames[-1].time > 29
    assert "pictures cannot be decoded" in caplog.text and "passed over" in caplog.text
    assert "cut off" not in caplog.text


@pytest.mark.parametrize("numbers", [range(1), range(5, 6), range(3, 9), range(20, 290)], ids=str)
def test_pictures_that_cannot_be_decoded_are_counted_once_at_the_end(
    numbers: range, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = overwritten(write_video(tmp_path / "a.avi", 300), numbers)
    frames = frames_of(path)
    assert len(frames) == 300 - len(numbers)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert frames[-1].time == pytest.approx(299 / 25, abs=0.05), "what is passed over leaves a gap in time"
    (record,) = caplog.records
    assert f"{path}: {len(numbers)} of 300 pictures cannot be decoded (places: 1)" in record.getMessage()


def test_a_recording_whose_end_is_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = frames_of(overwritten(write_video(tmp_path / "a.avi", 60), range(40, 60)))
    assert len(frames) == 40
    assert "ends after 40 of 60 frames; is it cut off?" in caplog.text


def test_the_end_of_a_recording_takes_no_long_time(door: Path) -> None:
    """At the duration that the file tells, few reads are enough."""
    with closing(recordings.VideoFile(door)) as file:
        until(lambda: file.read() is None, pause=0)
        assert file.read() is None, "it stays at its end"


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def avi_with_sound(pictures: list[bytes], sounds: int) -> bytes:
    """An AVI file of Motion JPEG with ``sounds`` packets of sound between its two halves."""
    width, height = SIZE
    video = struct.pack("<4s4s10I", b"vids", b"MJPG", 0, 0, 0, 1, 25, 0, len(pictures), 0, 0, 0) + bytes(8)
    bitmap = struct.pack("<3I2H4s5I", 40, width, height, 1, 24, b"MJPG", 0, 0, 0, 0, 0)
    audio = struct.pack("<4s4s10I", b"auds", bytes(4), 0, 0, 0, 1, 8000, 0, sounds * 160, 0, 0, 1) + bytes(8)
    pcm = struct.pack("<2H2I2H", 1, 1, 8000, 8000, 1, 8)
    main = struct.pack("<14I", 40_000, 0, 0, 0, len(pictures), 0, 2, 0, width, height, 0, 0, 0, 0)
    streams = [chunk(b"strh", head) + chunk(b"strf", form) for head, form in ((video, bitmap), (audio, pcm))]
    header = b"hdrl" + chunk(b"avih", main) + b"".join(chunk(b"LIST", b"strl" + stream) for stream in streams)
    parts = [chunk(b"00dc", jpeg) for jpeg in pictures]
    half = len(parts) // 2
    movie = b"movi" + b"".join([*parts[:half], chunk(b"01wb", bytes(160)) * sounds, *parts[half:]])
    return chunk(b"RIFF", b"AVI " + chunk(b"LIST", header) + chunk(b"LIST", movie))


def test_minutes_of_sound_without_a_picture_are_not_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """OpenCV gives up a read after 4096 packets of sound."""
    path = tmp_path / "a.avi"
    path.write_bytes(avi_with_sound([as_jpeg(picture(number)) for number in range(20)], 15_000))
    assert len(frames_of(path)) == 20
    assert not caplog.records


def test_damage_is_told_once_of_a_recording_that_repeats(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = overwritten(write_video(tmp_path / "a.avi", 12), range(4, 5))
    with closing(open_source(str(path), SourceConfig(repeat=True))) as source:
        assert len(list(islice(source, 60))) == 60
    assert len(caplog.records) == 1


def test_a_stream_without_a_container(door: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It has no times and no count; what OpenCV says instead is negative."""
    path = tmp_path / "a.h264"
    path.write_bytes(as_stream(h264_units(door)))
    frames = frames_of(path)
    assert len(frames) == 438 and all(b.time > a.time for a, b in zip(frames, frames[1:], strict=False))
    assert not caplog.records


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def whole_mp4(door: Path) -> bytes:
    """The bundled clip with its index in front, as for the network, so that a part of it can be opened."""
    data = door.read_bytes()
    moov, mdat = data.index(b"moov") - 4, data.index(b"mdat") - 4
    assert moov > mdat
    index, offset = bytearray(data[moov:]), len(data) - moov
    at = index.index(b"stco") + 8
    for entry in range(at + 4, at + 4 + 4 * int.from_bytes(index[at : at + 4], "big"), 4):
        moved = int.from_bytes(index[entry : entry + 4], "big") + offset
        index[entry : entry + 4] = moved.to_bytes(4, "big")
    return data[:mdat] + bytes(index) + data[mdat:moov]


def ebml(size: int, content: bytes) -> bytes:
    """A Matroska file: header, and a segment that says that it has ``size`` bytes; -1 is unknown."""
    length = (1 << 56 | (size if size >= 0 else (1 << 56) - 1)).to_bytes(8, "big")
    return b"\x1a\x45\xdf\xa3\x84abcd\x18\x53\x80\x67" + length + content


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("kind", ["mp4", "avi"])
def test_a_file_that_is_cut_off_is_reported(
    kind: str, share: float, door: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(whole_mp4(door)) if kind == "mp4" else write_video(path, 100)
    total = len(frames_of(path))
    assert not caplog.records
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    frames = frames_of(path)
    assert 0 < len(frames) < total
    assert f"{path} ends after {len(frames)} of {total} frames; is it cut off?" in caplog.text


CONTAINERS: dict[str, tuple[bytes, bool, bool]] = {
    "whole mp4": (box(b"ftyp", b"isom" * 3) + box(b"mdat", bytes(99)), True, False),
    "cut mp4": ((box(b"ftyp", b"isom" * 3) + box(b"mdat", bytes(99)))[:-1], True, True),
    "large mp4": (
        box(b"ftyp", b"isom" * 3) + struct.pack(">I4sQ", 1, b"mdat", 16 + 9) + bytes(9) + box(b"moov", b""),
        True,
        False,
    ),
    "open mp4": (box(b"ftyp", b"isom" * 3) + struct.pack(">I4s", 0, b"mdat") + bytes(9), True, False),
    "fragments": (box(b"ftyp", b"isom" * 3) + box(b"moof", b"") + box(b"mdat", bytes(9)), False, False),
    "cut fragments": ((box(b"ftyp", b"isom" * 3) + box(b"moof", b"") + box(b"mdat", bytes(9)))[:-3], False, True),
    "avi": (b"RIFF" + struct.pack("<I", 30) + bytes(30) + b"RIFF" + struct.pack("<I", 9) + bytes(9), True, False),
    "cut avi": (b"RIFF" + struct.pack("<I", 30) + bytes(30) + b"RIFF" + struct.pack("<I", 9) + bytes(8), True, True),
    "matroska": (ebml(50, bytes(50)), False, False),
    "cut matroska": (ebml(50, bytes(49)), False, True),
    "matroska of a camera that was unplugged": (ebml(-1, bytes(7)), False, False),
    "transport stream": (b"\x47" + bytes(187), False, False),
    "empty": (b"", False, False),
    "header only": (b"\x1a\x45\xdf\xa3", False, False),
    "zeros": (b"\0\0\0\0ftyp" + bytes(99), True, False),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_a_container_tells(name: str, tmp_path: Path) -> None:
    content, count_is_exact, is_cut_off = CONTAINERS[name]
    (tmp_path / "a").write_bytes(content)
    assert examine(tmp_path / "a") == (count_is_exact, is_cut_off)


class Steps:
    """A driver that gives pictures at certain times."""

    name = "steps"

    def __init__(self, times: list[float]) -> None:
        self._times = iter(times)

    def read(self) -> recordings.Picture | None:
        moment = next(self._times, None)
        return None if moment is None else recordings.Picture(np.zeros((8, 8, 3), np.uint8), time=moment)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("times", "told"),
    [([0, 0.01, 0.02, 300], "jumps 300 s"), ([0, 0.1, 0.2, 0.3], ""), ([300, 300.1, 300.2], ""), ([0, 30, 60], "")],
)
def test_a_jump_in_time_is_told_when_it_is_waited_for(
    times: list[float], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder at 2 pictures per minute has long steps without a jump. Nothing is waited for before the first one."""
    with caplog.at_level(logging.INFO), closing(Playback(Steps(times), realtime=True)) as source:
        waits: list[None] = []
        source.on_idle = lambda: source.stop() if len(waits) > 2 else waits.append(None)
        list(source)
    assert (told in caplog.text) if told else not caplog.records
