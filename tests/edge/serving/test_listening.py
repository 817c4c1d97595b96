"""A page whose address cannot be used, and the addresses that are printed: real sockets and real processes."""

import errno
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import free_port
from support.browsing import Client
from support.notified import Systemd

from edge.listening import host_and_port, listen_problem, try_to_listen, url_of
from edge.serving.passwords import hash_password


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that another program uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def door(tmp_path: Path) -> Any:
    """Writes a configuration with this [web] section; returns the file and the arguments of a run."""

    def write(**web: Any) -> tuple[Path, tuple[str, ...]]:
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {"enabled": True, **web}.items())
        file = tmp_path / "door.toml"
        file.write_text(f'[web]\n{lines}\n[state]\nfolder = "{tmp_path / "kept"}"\n')
        return file, ("run", "--print", "--config", str(file), "--source", "demo", "--realtime")

    return write


@pytest.mark.parametrize("supervised", [False, True])
def test_a_taken_port_ends_nothing_and_heals(
    maskwatch: Any, door: Any, tmp_path: Path, taken: socket.socket, supervised: bool
) -> None:
    port = taken.getsockname()[1]
    file, run = door(port=port)
    with closing(Systemd(str(tmp_path / "notify"))) as systemd:
        process = maskwatch(*run, env={"NOTIFY_SOCKET": systemd.address} if supervised else {})
        process.wait_for(f"the page cannot use port {port}: in use by another program")
        process.wait_for("watching")
        if supervised:
            until(
                lambda: any(f"STATUS=the page cannot use port {port}" in one for one in systemd.messages), "the status"
            )
            doctor = maskwatch("doctor", "--config", file)
            assert doctor.end() == 1
            assert f"FAIL  page         the running maskwatch reports: the page cannot use port {port}" in doctor.out
        until(lambda: process.alerts, "an alert, without the page", 60)
        taken.close()
        process.wait_for(f"the page is at http://127.0.0.1:{port}/")
        assert Client(port).ask("/api/now").status == 200
        process.wait_for("page recovered")
        assert process.end(15) == 0


@pytest.mark.parametrize("web", [{"host": "203.0.113.9"}, {"host": "door.invalid"}], ids=lambda web: web["host"])
def test_an_address_of_another_machine_ends_nothing(maskwatch: Any, door: Any, web: dict[str, str]) -> None:
    file, run = door(**web, port=free_port(), password_hash=hash_password("long enough"))
    process = maskwatch(*run)
    process.wait_for(f"the page cannot use the address {web['host']}: ")
    until(lambda: process.alerts, "an alert", 60)
    assert process.end(15) == 0 and "Traceback" not in process.err
    doctor = maskwatch("doctor", "--config", file, "--source", "demo")
    assert doctor.end() == 1 and f"FAIL  page         the page cannot use the address {web['host']}: " in doctor.out


def test_doctor_tries_the_address_of_a_page_that_does_not_run(maskwatch: Any, door: Any, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    file, _ = door(port=port)
    assert f"page         the page cannot use port {port}: in use" in doctor_says(maskwatch, file)
    taken.close()
    assert f"ok    page         will be at http://127.0.0.1:{port}/" in doctor_says(maskwatch, file)


def doctor_says(maskwatch: Any, file: Path) -> str:
    doctor = maskwatch("doctor", "--config", file, "--source", "demo")
    doctor.end()
    return str(doctor.out)


def test_the_address_that_is_printed_can_be_opened(maskwatch: Any, door: Any, mosquitto: Any) -> None:
    port, broker = free_port(), mosquitto().start()
    file, run = door(port=port, host="0.0.0.0", password_hash=hash_password("long enough"))
    changed = maskwatch("set", "--config", file, "web.fps=2")
    assert changed.end() == 0
    process = maskwatch(*run, "--broker", broker.address)
    process.wait_for("the page is at http://")
    printed = process.err.partition("the page is at ")[2].split()[0]
    assert "0.0.0.0" not in process.err + changed.out
    assert f"the page will be at {printed}\n" in changed.out
    assert f"ok    page         at {printed}\n" in doctor_says(maskwatch, file)
    host = printed.removeprefix("http://").partition(":")[0]
    with socket.create_connection((host, port), 10) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert process.end(15) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "::", "0:0:0:0:0:0:0:0", ""])
def test_every_address_of_this_machine_is_none_that_is_printed(host: str) -> None:
    printed = url_of(host, 8080)
    assert not any(text in printed for text in ("//0.0.0.0", "//0:", "[::]", "//:", "0:0:0"))
    assert printed.startswith("http://") and printed.endswith(":8080/")


def test_other_hosts_are_printed_as_they_are() -> None:
    assert url_of("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert url_of("door.local", 80) == "http://door.local:80/"
    assert url_of("::1", 80) == "http://[::1]:80/"
    assert url_of("fe80::1%eth0", 80) == "http://[fe80::1%25eth0]:80/"
    assert host_and_port("::1", 1883) == "[::1]:1883" and host_and_port("a", 1) == "a:1"


def test_each_reason_has_its_remedy(taken: socket.socket) -> None:
    refused = listen_problem("0.0.0.0", 80, PermissionError(errno.EACCES, "Permission denied"))
    assert refused == "port 80: only root may use ports below 1024; set [web] port to 1024 or more"
    with pytest.raises(OSError) as caught:
        try_to_listen("127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE
    try_to_listen("localhost", free_port())
