"""edge.record.audit: a trail that loses no line, however it is written, and that shows what was done to it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until
from support.mounts import fill, remount, small_disk

from edge.record.audit import FIRST, MOST_BYTES, AuditTrail
from edge.record.audit_reading import entries, faults_of_chain, read_lines

WRITER = """
import sys
from pathlib import Path
from edge.record.audit import AuditTrail
trail = AuditTrail(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    trail.append("change", {"writer": sys.argv[2], "number": number})
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def whole(path: Path) -> list[dict[str, Any]]:
    """The entries of a trail without a fault."""
    lines = read_lines(path)
    assert list(faults_of_chain(lines)) == []
    found = list(entries(lines))
    assert len(found) == len(lines)
    return found


def faults(path: Path) -> list[str]:
    return list(faults_of_chain(read_lines(path)))


def filled(path: Path, count: int = 4) -> list[bytes]:
    trail = AuditTrail(path)
    for number in range(count):
        trail.append("change", {"option": "detect.min_face", "old": 48, "new": number})
    return path.read_bytes().split(b"\n")[:-1]


def writer(path: Path, name: str, count: int) -> "subprocess.Popen[str]":
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def test_a_line_has_time_what_values_and_the_chain(path: Path) -> None:
    AuditTrail(path).append("change", {"option": "détect", "new": [1.5, None]}, moment=1_700_000_000.25)
    AuditTrail(path).append("pause", {"by": "\udce9"})
    first, second = whole(path)
    assert first["time"] == "2023-11-14T22:13:20.250Z" and first["option"] == "détect" and first["new"] == [1.5, None]
    assert (first["what"], second["what"], second["by"]) == ("change", "pause", "\udce9")
    assert (first["prev"], second["prev"]) == (FIRST, first["hash"])
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_hash_is_that_of_the_line_before_it(path: Path) -> None:
    filled(path, 2)
    command = r"""tail -n 1 "$1" | tr -d '\n' | sed 's/,"hash":"[0-9a-f]*"}$//' | sha256sum"""
    done = subprocess.run(["sh", "-c", command, "sh", path], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split()[0] == whole(path)[-1]["hash"]


def test_two_processes_and_two_threads_append_at_once(path: Path) -> None:
    processes = [writer(path, name, 50) for name in "ab"]
    trail = AuditTrail(path)

    def work(name: str) -> None:
        for number in range(25):
            trail.append("change", {"writer": name, "number": number})

    threads = [threading.Thread(target=work, args=(name,)) for name in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for process in processes:
        process.communicate(timeout=60)
    found = whole(path)
    for name, count in {"a": 50, "b": 50, "c": 25, "d": 25}.items():
        assert [entry["number"] for entry in found if entry["writer"] == name] == list(range(count))


def test_a_kill_while_lines_are_written_loses_no_line_that_was_confirmed(path: Path) -> None:
    for round in range(3):
        process = writer(path, str(round), 100_000)
        assert process.stdout is not None
        for _ in range(20 + 7 * round):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        confirmed = process.communicate(timeout=30)[0].split()
        numbers = [entry["number"] for entry in whole(path) if entry["writer"] == str(round)]
        assert numbers == list(range(len(numbers))) and len(numbers) > int((confirmed or ["0"])[-1])


@pytest.mark.parametrize("rest", [b'{"time":"2026-11', b"\0" * 300, b"x" * 70_000], ids=["cut", "zeros", "long"])
def test_what_a_power_cut_has_left_is_no_fault(path: Path, rest: bytes) -> None:
    filled(path)
    with path.open("ab") as file:
        file.write(rest)
    assert len(whole(path)) == 4
    AuditTrail(path).append("pause", {})
    assert len(whole(path)) == 5 and whole(path)[-1]["cut"] == len(rest)


@pytest.mark.parametrize("size", [10, MOST_BYTES // 4], ids=["small", "full"])
def test_a_file_without_its_last_line_end_keeps_the_line(path: Path, size: int) -> None:
    for number in range(4):
        AuditTrail(path).append("change", {"number": number, "new": "x" * (size - 250)})
    os.truncate(path, path.stat().st_size - 1)
    AuditTrail(path).append("pause", {"by": "x" * size})
    assert [entry["what"] for entry in whole(path)][-2:] == ["change", "pause"]
    assert whole(path)[-2]["number"] == 3 and "cut" not in whole(path)[-1]


@pytest.mark.parametrize("number", range(4))
def test_an_edited_line_is_noticed(path: Path, number: int) -> None:
    lines = filled(path)
    lines[number] = lines[number].replace(b'"old":48', b'"old":49')
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert [fault[:7] for fault in faults(path)] == [f"line {number + 1} "] and "was changed" in faults(path)[0]


def test_something_behind_the_last_line_is_noticed(path: Path) -> None:
    filled(path)
    path.write_bytes(path.read_bytes()[:-1] + b" \n")
    assert "was changed" in faults(path)[0]


def test_an_edited_line_with_a_new_hash_is_noticed_at_the_next_one(path: Path) -> None:
    lines, other = filled(path), path.with_name("other")
    AuditTrail(other).append("change", {"option": "detect.min_face", "old": 1, "new": 2})
    lines[1] = other.read_bytes()[:-1].replace(FIRST.encode(), json.loads(lines[0])["hash"].encode())
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert any(fault.startswith("line 3 ") for fault in faults(path))


@pytest.mark.parametrize("number", range(3))
def test_a_removed_line_is_noticed(path: Path, number: int) -> None:
    lines = filled(path)
    del lines[number]
    path.write_bytes(b"\n".join(lines) + b"\n")
    (fault,) = faults(path)
    assert fault.startswith(f"line {number + 1} ") and "removed" in fault


def test_lines_that_are_no_objects_are_noticed_and_the_chain_goes_on(path: Path) -> None:
    filled(path)
    with path.open("ab") as file:
        file.write(b"[1]\n\nno json \xff\n" + b"[" * 100_000 + b"\n")
    AuditTrail(path).append("pause", {})
    assert [fault[:8] for fault in faults(path)] == ["line 5 i", "line 6 i", "line 7 i", "line 8 i"]
    assert len(list(entries(read_lines(path)))) == 5


def test_a_file_that_was_deleted_meanwhile_does_not_begin_anew(path: Path) -> None:
    trail = AuditTrail(path)
    trail.append("start", {})
    path.unlink()
    trail.append("pause", {})
    assert faults(path) == [fault for fault in faults(path) if "line 1 (pause" in fault and "removed" in fault] != []


def test_a_full_file_drops_its_oldest_lines_and_says_so(path: Path) -> None:
    trail, text = AuditTrail(path), "x" * 700_000
    for number in range(16):
        trail.append("change", {"number": number, "new": text})
        assert path.stat().st_size <= MOST_BYTES
    first, *others = whole(path)
    assert first["what"] == "dropped" and first["lines"] + len(others) == 16
    assert [entry["number"] for entry in others] == list(range(first["lines"], 16))
    lines = read_lines(path)
    path.write_bytes(b"\n".join([lines[0], *lines[2:]]) + b"\n")
    assert len(faults(path)) == 1, "a line that was removed after the first one"


def test_a_full_disk_adds_nothing_and_the_next_line_follows(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "audit.jsonl"
        filled(path, 1)
        before, big = path.read_bytes(), fill(disk)
        with pytest.raises(OSError, match="No space left"):
            AuditTrail(path).append("change", {"new": "x" * 20_000})
        assert path.read_bytes() == before
        big.unlink()
        AuditTrail(path).append("pause", {})
        assert len(whole(path)) == 2


def test_a_read_only_disk_raises_with_the_name_of_the_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        filled(disk / "audit.jsonl", 1)
        remount(disk, "ro")
        with pytest.raises(OSError, match="Read-only") as fault:
            AuditTrail(disk / "audit.jsonl").append("pause", {})
        assert fault.value.filename == str(disk / "audit.jsonl")
        assert len(whole(disk / "audit.jsonl")) == 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_is_refused_at_once(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path.with_name("other"))
    start = time.monotonic()
    with pytest.raises(OSError):
        AuditTrail(path).append("pause", {})
    assert time.monotonic() - start < 4 and not path.with_name("other").exists()


def test_a_trail_that_is_replaced_while_a_line_waits_gets_it(path: Path) -> None:
    """The lock is that of the file: whoever waits for it must look which file is at the path afterwards."""
    holder = f"""
import fcntl, os, sys, time
file = os.open({str(path)!r}, os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.readline()
os.replace({str(path.with_name("new"))!r}, {str(path)!r})
"""
    filled(path, 2)
    path.with_name("new").write_bytes(path.read_bytes())
    process = subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    thread = threading.Thread(target=AuditTrail(path).append, args=("pause", {}))
    thread.start()
    process.communicate("go\n", timeout=30)
    thread.join(30)
    until(lambda: len(whole(path)) == 3, "the line is in the new file")
