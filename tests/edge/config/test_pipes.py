"""A configuration that is no file: a pipe, a socket, a device, a folder."""

import os
import socket
import threading
from pathlib import Path

import pytest
from support.commands import maskwatch


@pytest.mark.parametrize("place", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_a_configuration_from_a_pipe_is_obeyed_and_not_changed(place: str, tmp_path: Path) -> None:
    text = f'\ufeff[device]\r\nname = "porch"\r\n[source]\r\nsource = "{tmp_path}/none"\r\n'.encode()
    done = maskwatch("run", "--print", "--config", place, input=text)
    assert done.returncode == 2 and f"source '{tmp_path}/none' is not a file".encode() in done.stderr, done.stderr
    done = maskwatch("set", "--config", place, "device.name=b", input=text)
    assert done.returncode == 2 and b"is not a file but a pipe" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_an_empty_configuration_from_a_pipe_has_the_defaults(tmp_path: Path) -> None:
    done = maskwatch("run", "--print", "--config", "/dev/stdin", "--source", tmp_path / "none", input=b"")
    assert done.returncode == 2 and f"source '{tmp_path}/none' is not a file".encode() in done.stderr, done.stderr


def test_a_named_pipe_is_read_if_somebody_writes_to_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = maskwatch("run", "--print", "--config", tmp_path / "pipe")
    assert done.returncode == 2 and b"pipe: cannot be read (nobody writes to this pipe)" in done.stderr
    text = f"[source]\nsource = '{tmp_path}/none'\n"
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
    writer.start()  # it waits for the reader
    done = maskwatch("run", "--print", "--config", tmp_path / "pipe")
    writer.join(10)
    assert done.returncode == 2 and f"source '{tmp_path}/none' is not a file".encode() in done.stderr, done.stderr


def test_a_configuration_from_a_socket_is_obeyed(tmp_path: Path) -> None:
    """A socket cannot be opened again by its name. Some programs that start others give them one."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(f"[source]\nsource = '{tmp_path}/none'\n".encode())
        ours.shutdown(socket.SHUT_WR)
        done = maskwatch("run", "--print", "--config", "/dev/stdin", stdin=theirs)
    assert done.returncode == 2 and f"source '{tmp_path}/none' is not a file".encode() in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [("/dev/zero", "it has more than 1000000 bytes"), ("/", "Is a directory"), ("x" * 300, "File name too long")],
)
@pytest.mark.parametrize("command", ["run", "set"])
def test_what_is_no_configuration_is_named(command: str, name: str, reason: str) -> None:
    done = maskwatch(command, "--config", name, *(["device.name=b"] if command == "set" else []))
    error = done.stderr.decode()
    assert done.returncode == 2 and error.count("\n") == 1 and name in error
    assert reason in error or (command == "set" and "is not a file but" in error)
