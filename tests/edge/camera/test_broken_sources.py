"""Tests recordings that are cut off, empty or not recordings, and names that name no source."""

import logging
from contextlib import closing
from pathlib import Path

import pytest
from support.cameras import as_jpeg, picture, write_folder, write_video
from support.users import open_folder, run_without_rights

from edge.camera.source import open_source
from edge.errors import ConfigError, SourceError


@pytest.mark.parametrize(
    "spec",
    [
        "usb:x",
        "usb:",
        "usb:-1",
        "usb:²",
        "nowhere.mp4",
        "/nowhere/at/all",
        "ftp://a",
        "a" * 300,
        "~no-such-user/a.mp4",
        "file:",
        "file://",
    ],
    ids=lambda spec: spec[:20],
)
def test_names_that_name_no_source(spec: str) -> None:
    with pytest.raises(ConfigError, match="source"):
        open_source(spec)


def test_an_absurd_camera_number_is_refused() -> None:
    with pytest.raises((ConfigError, SourceError)):
        open_source("usb:99999999999999999999")


@pytest.mark.parametrize("size", [0, 100, 20_000], ids=["empty", "header only", "without its index"])
def test_a_clip_that_cannot_be_opened_is_named(size: int, door: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(door.read_bytes()[:size])
    with pytest.raises(SourceError, match=f"{cut} .*complete"):
        list(open_source(str(cut)))


def test_a_text_file_is_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a film\n" * 1000)
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(str(tmp_path / "a.mp4"))


def test_a_video_that_is_cut_off_plays_as_far_as_it_goes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_video(tmp_path / "a.avi", 30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 7 // 10])
    with caplog.at_level(logging.WARNING), closing(open_source(str(path))) as source:
        frames = list(source)
    assert 0 < len(frames) < 30
    assert f"{path} ends after {len(frames)} of 30 frames" in caplog.text


def test_a_whole_video_gives_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(open_source(str(write_video(tmp_path / "a.avi", 30)))) as source:
        assert len(list(source)) == 30
    assert not caplog.records


def test_pictures_that_cannot_be_read_are_named_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "a", 4)
    (folder / "001.png").write_bytes((folder / "001.png").read_bytes()[:50])
    (folder / "002.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    with closing(open_source(str(folder))) as source:
        frames = list(source)
    assert [frame.number for frame in frames] == [0, 1]
    assert frames[1].time == pytest.approx(3 / 15), "the skipped pictures leave a gap in time"
    assert "001.png" in caplog.text and "002.png" in caplog.text
    assert "notes.txt" in caplog.text, "what is passed over is named too"


def test_a_folder_with_no_readable_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(SourceError, match="contains no readable picture"):
        list(open_source(str(tmp_path)))


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no pictures"):
        open_source(str(tmp_path))


def test_a_recording_stopped_before_its_first_picture_is_not_an_error(tmp_path: Path) -> None:
    with closing(open_source(str(write_video(tmp_path / "a.avi")))) as source:
        source.stop()
        assert list(source) == []


def test_a_picture_is_no_video_whatever_its_name(tmp_path: Path) -> None:
    """FFmpeg would fill in what is missing in it with grey."""
    data = as_jpeg(picture(0))
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(ConfigError, match="a.mp4' is a single picture; `maskwatch image` checks pictures"):
        open_source(str(tmp_path / "a.mp4"))
    (tmp_path / "a.mjpeg").write_bytes(data * 5)
    with closing(open_source(str(tmp_path / "a.mjpeg"))) as source:
        assert len(list(source)) == 5


def test_a_source_below_a_folder_that_is_locked_is_named() -> None:
    with open_folder() as folder:
        (folder / "locked").mkdir(mode=0o700)
        (folder / "locked/a.mp4").write_bytes(b"")
        done = run_without_rights(
            "import sys; from edge.__main__ import main; import edge.camera.source, edge.monitor.run",
            "sys.exit(main(['run', '--print', '--source', sys.argv[1]]))",
            folder / "locked/a.mp4",
        )
    assert done.returncode == 1 and "locked/a.mp4' cannot be read: Permission denied" in done.stderr, done.stderr
