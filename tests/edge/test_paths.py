"""edge.paths: every kind of path that people can name is opened, shown, or refused with the reason."""

import os
import socket
from pathlib import Path

import pytest
from support.users import open_folder, run_without_rights

from edge.addresses import printable
from edge.paths import check_file, fault, opencv_path, read_bytes, read_text

NOT_UTF8 = os.fsdecode(b"caf\xe9")


def test_a_path_is_shown_on_one_line_of_any_encoding(tmp_path: Path) -> None:
    for name, shown in {
        "Tür 戸.jpg": "Tür 戸.jpg",
        NOT_UTF8: r"caf\xe9",
        "a\nb\x1b[31m\x85\x7f": r"a\x0ab\x1b[31m\x85\x7f",
    }.items():
        (tmp_path / name).touch()
        assert printable(tmp_path / name) == f"{tmp_path}/{shown}"


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in (NOT_UTF8, "x" * 255, "a\nb", " "):
        (tmp_path / name).write_text("grün")
        assert read_bytes(tmp_path / name) == "grün".encode() and read_text(tmp_path / name) == "grün"
        assert fault(tmp_path / name) == ""


@pytest.mark.timeout(20)
def test_what_is_no_file_is_refused_at_once_with_the_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        reasons = {
            ".": "it is a folder",
            "pipe": "it is a named pipe",
            "socket": "it is a socket",
            "/dev/zero": "it is a device",
            "loop": "Too many levels of symbolic links",
            "file/below": "Not a directory",
            "none": "No such file or directory",
            "x" * 256: "File name too long",
            "x/" * 2100: "File name too long",
            "a\0b": "its name has a zero byte",
        }
        for name, reason in reasons.items():
            assert fault(tmp_path / name) == reason
            with pytest.raises(OSError, match=reason):
                read_bytes(tmp_path / name)


def test_a_file_that_may_not_be_read_is_refused() -> None:
    with open_folder() as folder:
        (folder / "locked").write_text("x")
        (folder / "locked").chmod(0)
        done = run_without_rights(
            "import sys, pathlib; from edge.paths import fault",
            "print(fault(pathlib.Path(sys.argv[1])))",
            folder / "locked",
        )
    assert done.stdout == "Permission denied\n", done.stderr


def test_a_file_that_is_larger_than_allowed_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="it has more than 512 MiB"):
        read_bytes(tmp_path / "huge")
    with pytest.raises(OSError, match="it has more than 0 MiB"):
        read_bytes(Path("/proc/self/status"), 10)  # its size is said to be 0


def test_opencv_gets_no_name_that_would_crash_it(tmp_path: Path) -> None:
    (tmp_path / "Tür.xml").write_text("x")
    (tmp_path / NOT_UTF8).write_text("x")
    assert opencv_path(tmp_path / "Tür.xml") == str(tmp_path / "Tür.xml")
    with pytest.raises(OSError, match="its name is not UTF-8, and OpenCV takes no other; rename it"):
        opencv_path(tmp_path / NOT_UTF8)
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "none")
