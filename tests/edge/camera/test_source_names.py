"""Tests what a source's name may look like: files with colons, file addresses, schemes in capitals, devices."""

import os
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.cameras import SIZE, write_video

from edge.camera.source import open_source
from edge.errors import ConfigError, SourceError

NAMES = [
    "12:30.mp4",
    "rtsp:x.mp4",
    "http:a.mp4",
    "usb:0.mp4",
    "a%20b%d.mp4",
    "file:a.mp4",
    "-a.mp4",
    "ü ß.mp4",
    "a?b#c.mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_opened_whatever_its_name_looks_like(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "a.avi", 3).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for spec in (name, f"./{name}", str(tmp_path / name)):
        with closing(open_source(spec)) as source:
            assert len(list(source)) == 3


@pytest.mark.parametrize(
    "address",
    [
        "file://{path}", "FILE://{path}", "file:{path}", "file://localhost{path}", "file://a%20b.avi", "file:a b.avi",
        "file://~/a b.avi",
    ],
)  # fmt: skip
def test_file_addresses(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "a.avi", 3).rename(tmp_path / "a b.avi")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "a b.avi", tmp_path / "a%20b.avi"):
        with closing(open_source(address.format(path=path))) as source:
            assert len(list(source)) == 3 and not source.live


def test_a_file_and_a_folder_in_the_memory_of_the_machine() -> None:
    folder = Path("/dev/shm") / f"maskwatch-{os.getpid()}"
    if not folder.parent.is_dir():
        pytest.skip("this machine has no /dev/shm")
    folder.mkdir()
    try:
        with closing(open_source(str(write_video(folder / "a.avi", 3)))) as source:
            assert len(list(source)) == 3
        cv2.imwrite(str(folder / "a.png"), np.zeros((*SIZE, 3), np.uint8))
        with closing(open_source(str(folder))) as source:
            assert len(list(source)) == 1
    finally:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    with pytest.raises(ConfigError, match="not a file, folder or camera"):
        open_source(str(folder / "a.avi"))


def test_a_device_by_its_id_is_a_camera() -> None:
    with pytest.raises(SourceError, match="usb-camera-index0 cannot be opened"):
        open_source("/dev/v4l/by-id/usb-camera-index0")


def test_a_name_that_is_not_utf_8_is_one_sentence(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/t\xfcr.avi"
    os.rename(write_video(tmp_path / "a.avi", 3), name)
    with pytest.raises(SourceError, match=r"t\\xfcr\.avi cannot be read: its name is not UTF-8"):
        open_source(os.fsdecode(name))


@pytest.mark.parametrize("address", ["RTSP://127.0.0.1:9/a", "Http://127.0.0.1:9/a", "HTTPS://127.0.0.1:9/"])
def test_schemes_in_capitals_are_cameras(address: str) -> None:
    with pytest.raises(SourceError, match="does not answer with a video stream"):
        open_source(address)
