"""edge.web.checker: images that cost much, decoders that fail, uploads that are slow, and the queue of the checks."""

import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from support import ROOT, until
from support.browsing import Client, Watched

from edge.bench.memory import tree_memory_mb

DOOR = (ROOT / "edge" / "camera" / "door.jpg").read_bytes()
SMALL = cv2.imencode(".png", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
CHECKING = "edge.web.checking"


@pytest.fixture
def watched(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def photograph(width: int, height: int) -> bytes:
    """Makes a JPEG of this size from the bundled picture of the door, in the middle of a grey image."""
    image = np.full((height, width, 3), 110, np.uint8)
    door = cv2.imdecode(np.frombuffer(DOOR, np.uint8), 1)
    door = cv2.resize(door, (width, width * door.shape[0] // door.shape[1]))
    image[height // 3 : height // 3 + door.shape[0]] = door
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def progressive(width: int, height: int, scans: int) -> bytes:
    """Makes a progressive JPEG with so many scans without any data more than it needs."""
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    data = cv2.imencode(".jpg", np.full((height, width, 3), 110, np.uint8), flags)[1].tobytes()
    refinement = b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 63, 0) + b"\x00"
    return data[:-2] + refinement * scans + data[-2:]


def checking(watched: Watched) -> psutil.Process:
    """Returns the process that checks images."""
    (process,) = psutil.Process(watched.process.popen.pid).children()
    assert CHECKING in process.cmdline()
    return process


def ask(watched: Watched, data: bytes, path: str = "/api/check") -> Any:
    return Client(watched.port).ask(path, "POST", data)


def in_background(watched: Watched, data: bytes, path: str = "/api/check") -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []

    def check() -> None:
        with suppress(OSError):
            answers.append(ask(watched, data, path))

    thread = threading.Thread(target=check, daemon=True)
    thread.start()
    return thread, answers


@pytest.mark.parametrize("size", [(4032, 3024), (4080, 3072), (3024, 4032), (8160, 6144)])
def test_photographs_of_phones_are_checked_and_boxes_are_in_their_pixels(
    watched: Watched, size: tuple[int, int]
) -> None:
    answer = ask(watched, photograph(*size))
    assert answer.status == 200, answer.text
    assert (answer.json["width"], answer.json["height"]) == size
    scale = size[0] / 1440
    bare = [face for face in answer.json["faces"] if face["label"] == "no_mask"]
    x0, y0, x1, y1 = bare[0]["box"]
    assert 100 * scale < x0 < x1 < 320 * scale and 60 * scale < y0 - size[1] // 3 < y1 - size[1] // 3 < 240 * scale
    assert tree_memory_mb(watched.process.popen.pid) < 250


def test_scans_are_counted_before_a_jpeg_is_decoded(watched: Watched) -> None:
    attack, some = progressive(1600, 1200, 20_000), progressive(160, 120, 0)
    started = time.monotonic()
    answer = ask(watched, attack)
    assert answer.status == 422 and "scans, and at most 100 are read" in answer.json["error"], answer.text
    assert answer.json["code"] == "scans" and time.monotonic() - started < 20
    assert ask(watched, some).status == 200


def test_a_large_progressive_jpeg_is_refused_because_it_is_decoded_whole(watched: Watched) -> None:
    answer = ask(watched, progressive(6000, 4000, 0))
    assert answer.status == 422 and "at most 16 million are read of a progressive JPEG" in answer.json["error"]


def test_a_decoder_that_hangs_is_ended_and_the_next_image_is_checked(watched: Watched) -> None:
    assert ask(watched, SMALL).status == 200
    hanging = checking(watched)
    hanging.suspend()
    first, answers = in_background(watched, DOOR)
    second, others = in_background(watched, SMALL)
    assert Client(watched.port).ask("/live.jpg").status in (200, 503), "the live image does not wait for a check"
    first.join(60)
    second.join(60)
    (answer,), (other,) = answers, others
    assert sorted((answer.status, other.status)) == [200, 422]
    refused = answer if answer.status == 422 else other
    assert "took longer than 20 s" in refused.json["error"] and refused.json["code"] == "slow"
    assert not hanging.is_running() and checking(watched).pid != hanging.pid


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_decoder_that_dies_costs_one_answer(watched: Watched, number: signal.Signals) -> None:
    assert ask(watched, SMALL).status == 200
    dying = checking(watched)
    dying.suspend()
    thread, answers = in_background(watched, DOOR)
    until(lambda: in_queue(watched, "x") is None and psutil.Process(dying.pid).status() == "stopped", "it is suspended")
    time.sleep(1)  # the image has arrived
    dying.send_signal(number)
    dying.resume()
    thread.join(60)
    assert answers[0].status == 422 and "made its decoder fail" in answers[0].json["error"]
    assert ask(watched, SMALL).status == 200 and watched.process.popen.poll() is None


def in_queue(watched: Watched, name: str) -> int | None:
    before: int | None = Client(watched.port).ask(f"/api/check/{name}").json["before"]
    return before


def test_the_place_in_the_queue_is_told_and_the_queue_is_bounded(watched: Watched) -> None:
    assert ask(watched, SMALL).status == 200
    process = checking(watched)
    process.suspend()
    threads = []
    for number in range(8):
        threads.append(in_background(watched, SMALL, f"/api/check?name=n{number}"))
        watched.until(lambda: in_queue(watched, f"n{number}") == number, f"place {number}")  # noqa: B023
    refused = ask(watched, SMALL)
    assert refused.status == 503 and "8 images are being checked or wait" in refused.json["error"]
    assert int(refused.headers["Retry-After"]) > 0
    process.resume()
    for thread, answers in threads:
        thread.join(60)
        assert answers[0].status == 200
    assert in_queue(watched, "n7") is None


@pytest.mark.parametrize("is_suspended", [False, True])
def test_sigterm_during_a_check_ends_the_monitor_in_time(watched: Watched, is_suspended: bool) -> None:
    assert ask(watched, SMALL).status == 200
    process = checking(watched)
    if is_suspended:
        process.suspend()
    in_background(watched, photograph(8160, 6144))
    time.sleep(0.7)
    started = time.monotonic()
    assert watched.process.end(signal.SIGTERM) == 0
    assert time.monotonic() - started <= 5
    until(lambda: not process.is_running() or process.status() == "zombie", "the process of the checks has ended")
    assert "Traceback" not in watched.process.err and "has ended" not in watched.process.err


def test_the_process_of_the_checks_ends_with_the_monitor(watched: Watched) -> None:
    assert ask(watched, SMALL).status == 200
    process = checking(watched)
    watched.process.popen.kill()
    until(lambda: not process.is_running() or process.status() == "zombie", "it has ended")


def test_no_file_and_no_secret_of_the_monitor_is_open_in_the_process_of_the_checks(watched: Watched) -> None:
    assert ask(watched, SMALL).status == 200
    process = checking(watched)
    opened = [name for name in (file.path for file in process.open_files()) if "memfd" not in name]
    assert opened == [] and len(process.net_connections("inet")) == 0
    limits = {name: process.rlimit(name) for name in (psutil.RLIMIT_CORE, psutil.RLIMIT_DATA, psutil.RLIMIT_FSIZE)}
    assert limits[psutil.RLIMIT_CORE] == (0, 0) and limits[psutil.RLIMIT_FSIZE] == (2**20, 2**20)
    assert limits[psutil.RLIMIT_DATA][0] < 2**30
    assert process.nice() >= 10


def upload(watched: Watched, data: bytes, pause: float, part: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", watched.port), timeout=60)
    head = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode())
    for start in range(0, len(data), part):
        connection.sendall(data[start : start + part])
        time.sleep(pause)
    return connection


def answer_of(connection: socket.socket) -> bytes:
    data = b""
    with closing(connection), suppress(ConnectionError):
        while part := connection.recv(65536):
            data += part
    return data


def test_a_slow_upload_succeeds(watched: Watched) -> None:
    """It takes longer than 30 s, at about the speed of 4 MB in 40 s."""
    data = photograph(4032, 3024)
    started = time.monotonic()
    connection = upload(watched, data, 1.0, len(data) // 32)
    assert answer_of(connection).startswith(b"HTTP/1.1 200") and time.monotonic() - started > 30


def test_an_upload_that_stands_still_is_ended_and_others_go_on(watched: Watched) -> None:
    data = photograph(4032, 3024)
    started = time.monotonic()
    connection = upload(watched, data[:1000], 0, 1000)
    connection.close()
    head = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    stalled = socket.create_connection(("127.0.0.1", watched.port), timeout=60)
    stalled.sendall(head + data[:1000])
    assert ask(watched, SMALL).status == 200
    answer = answer_of(stalled)
    assert not answer or b"408" in answer[:20]
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_the_largest_images_that_are_decoded_whole_leave_the_service_within_its_memory(
    watched: Watched, kind: str
) -> None:
    """The unit begins to slow the service down at 300 MB (``MemoryHigh``)."""
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101] if kind == ".webp" else []
    image = cv2.resize(cv2.imdecode(np.frombuffer(DOOR, np.uint8), 1), (4000, 4000))
    thread, answers = in_background(watched, cv2.imencode(kind, image, lossless)[1].tobytes())
    peak = 0.0
    while thread.is_alive():
        peak = max(peak, tree_memory_mb(watched.process.popen.pid))
        time.sleep(0.02)
    assert answers[0].status == 200 and peak < 300
