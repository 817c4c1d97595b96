"""The state folder: one process per folder and per name; without a writable folder the monitor still runs."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.mounts import remount, small_disk

from edge.config.load import load
from edge.config.schema import Config
from edge.errors import ConfigError
from edge.monitor.state import StateFolder, folder_of, running_health

HOLDER = """
import sys, time
from pathlib import Path
from edge.monitor.state import StateFolder
folder = StateFolder(Path(sys.argv[1]), sys.argv[2])
folder.write_health({"camera": "ok", "problem": None})
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def name(tmp_path: Path) -> str:
    """An identity that no other test on this machine has at the moment."""
    return f"test/door at {tmp_path}"


@pytest.fixture
def holder(tmp_path: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the locks of ``tmp_path/state`` and of the name."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "state"), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path, holder: Any) -> None:
    with pytest.raises(ConfigError, match=r"another maskwatch uses the state folder .*/state; stop it, or .*\[state\]"):
        StateFolder(tmp_path / "state", f"another name than {tmp_path}'s")


def test_a_second_process_with_the_same_name_is_refused(tmp_path: Path, holder: Any, name: str) -> None:
    with pytest.raises(ConfigError, match=r"another maskwatch on this machine is already test/door at .*\[device\]"):
        StateFolder(tmp_path / "elsewhere", name)
    assert not (tmp_path / "elsewhere").exists()


def test_both_are_free_again_when_their_process_is_killed(tmp_path: Path, holder: Any, name: str) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(30)
    StateFolder(tmp_path / "state", name).close()


def test_both_are_free_again_after_close_and_after_a_refusal(tmp_path: Path, name: str) -> None:
    first = StateFolder(tmp_path / "state", name)
    for path, other in ((tmp_path / "state", name + "2"), (tmp_path / "state2", name)):
        with pytest.raises(ConfigError):
            StateFolder(path, other)
    StateFolder(tmp_path / "state2", name + "2").close()  # the refused processes hold no lock
    first.close()
    first.close()
    StateFolder(tmp_path / "state", name).close()


def test_long_names_that_differ_only_at_their_end_do_not_collide(tmp_path: Path) -> None:
    names = [f"{'p' * 64}/{'d' * 64} at {tmp_path}/ümläut:{port}" for port in (1883, 1884)]
    folders = [StateFolder(tmp_path / str(number), name) for number, name in enumerate(names)]
    with pytest.raises(ConfigError):
        StateFolder(tmp_path / "2", names[0])
    for folder in folders:
        folder.close()


def test_reading_the_health_does_not_keep_a_process_from_starting(tmp_path: Path, name: str) -> None:
    with (tmp_path / "lock").open("w") as lock:  # as running_health does, for longer
        fcntl.flock(lock, fcntl.LOCK_SH)
        unlocking = threading.Timer(0.3, fcntl.flock, (lock, fcntl.LOCK_UN))
        unlocking.start()
        StateFolder(tmp_path, name).close()
        unlocking.join(30)


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path, name: str) -> None:
    StateFolder(tmp_path / "a" / "state", name).close()
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        StateFolder(tmp_path / "state", name)
    StateFolder(tmp_path / "other", name).close()  # the name is free again


@pytest.mark.parametrize("kind", ["below a file", "too long", "in /proc"])
def test_the_monitor_runs_without_a_folder_that_cannot_be_made(
    tmp_path: Path, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    paths = {"below a file": tmp_path / "file" / "x", "too long": tmp_path / ("x" * 300), "in /proc": Path("/proc/x/y")}
    folder = StateFolder(paths[kind], name)
    assert "cannot be written" in caplog.text and "continuing without it" in caplog.text
    folder.write_health({"camera": "ok"})
    folder.close()
    assert running_health(paths[kind]) is None


def test_the_monitor_runs_with_a_read_only_folder(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with small_disk(tmp_path / "disk") as disk:
        StateFolder(disk / "state", name).close()
        remount(disk, "ro")
        folder = StateFolder(disk / "state", name)
        folder.write_health({"camera": "ok"})
        assert "Read-only file system; continuing without it" in caplog.text
        with pytest.raises(ConfigError, match="already"):  # the name is locked nevertheless
            StateFolder(disk / "state", name)
        folder.close()


def test_the_monitor_runs_without_a_folder_that_the_user_may_not_enter(tmp_path: Path, name: str) -> None:
    if os.geteuid():
        pytest.skip("only root can become another user")
    code = f"import os, sys; sys.path[:0] = {sys.path!r}; import edge.monitor.state as s, pathlib; os.setuid(65534)\n"
    code += f"s.StateFolder(pathlib.Path({str(tmp_path / 'closed' / 'state')!r}), {name!r}); print('goes on')"
    (tmp_path / "closed").mkdir(mode=0o700)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "goes on\n" and "Permission denied; continuing without it" in done.stderr


def test_the_health_belongs_to_a_running_process(tmp_path: Path, holder: Any) -> None:
    assert running_health(tmp_path / "state") == {"camera": "ok", "problem": None}
    holder.kill()
    holder.wait(30)
    assert (tmp_path / "state" / "health.json").exists()
    assert running_health(tmp_path / "state") is None


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "\udcff"])
def test_a_running_process_without_a_readable_health_has_an_empty_one(
    tmp_path: Path, name: str, text: str | None
) -> None:
    folder = StateFolder(tmp_path, name)
    if text is not None:
        (tmp_path / "health.json").write_text(text, errors="surrogateescape")
    assert running_health(tmp_path) == {}
    folder.close()


def test_an_empty_folder_has_no_health(tmp_path: Path) -> None:
    assert running_health(tmp_path) is None and list(tmp_path.iterdir()) == []


def test_an_incomplete_health_is_never_read(tmp_path: Path, name: str) -> None:
    folder, end = StateFolder(tmp_path, name), time.monotonic() + 1
    folder.write_health({"n": 0})

    def write() -> None:
        while time.monotonic() < end:
            folder.write_health({"n": 1, "problem": "x" * 9000})

    writer = threading.Thread(target=write)
    writer.start()
    while time.monotonic() < end:
        assert "n" in (running_health(tmp_path) or {})
    writer.join(30)
    folder.close()
    assert json.loads((tmp_path / "health.json").read_text())["n"] == 1


def test_the_folder_comes_from_the_configuration_then_systemd_then_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/pi")
    assert folder_of(Config()) == Path("/home/pi/.local/state/maskwatch/entrance")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert folder_of(Config()) == Path("/x/maskwatch/entrance")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/maskwatch/door:/other")
    assert folder_of(Config()) == Path("/var/lib/maskwatch/door")
    (tmp_path / "c.toml").write_text('[state]\nfolder = "~/kept"\n')
    assert folder_of(load(tmp_path / "c.toml")) == Path("/home/pi/kept")
