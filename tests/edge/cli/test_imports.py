"""Commands that need no images load neither OpenCV nor NumPy: each runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT
from support.brokers import free_port

HEAVY = ("cv2", "numpy", "ai_edge_litert", "tflite_runtime", "aiohttp", "PIL", "psycopg")
LOADED = f"print('loaded', [name for name in {HEAVY} if name in sys.modules])"
RUN = f"import sys; from edge.__main__ import main; code = main(sys.argv[1:]); {LOADED}; sys.exit(code)"
STOP_WHEN_RUNNING = """
import os, signal, threading
from edge.timing import wait_until
def stop():
    wait_until(lambda: callable(signal.getsignal(signal.SIGTERM)), 30)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop).start()
"""
"""Ends ``maskwatch watch`` as soon as it has installed its signal handlers."""


def loaded(program: str, *arguments: object) -> str:
    """Runs the command; returns the heavy modules that are loaded at its end."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].removeprefix("loaded ")


def test_watch_loads_nothing_heavy() -> None:
    address = f"127.0.0.1:{free_port()}"
    assert loaded(STOP_WHEN_RUNNING + RUN, "watch", "--broker", address, "--post", "http://127.0.0.1:9/door") == "[]"


def test_a_store_in_a_file_loads_nothing_heavy(tmp_path: Path) -> None:
    file = tmp_path / "watch.toml"
    file.write_text(f"[state]\nfolder = '{tmp_path / 'state'}'\n")
    words = ("--broker", f"127.0.0.1:{free_port()}", "--store", f"sqlite:{tmp_path}/doors.db", "--config", file)
    assert loaded(STOP_WHEN_RUNNING + RUN, "watch", *words) == "[]"


@pytest.mark.parametrize(
    "arguments", [("outbox",), ("purge",), ("set", "detect.min_face=60"), ("set", "--broker", "porch")]
)
def test_outbox_purge_and_set_load_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text(f"[state]\nfolder = '{tmp_path / 'state'}'\n")
    assert loaded(RUN, *arguments, "--config", file) == "[]"


def test_a_test_of_a_program_loads_nothing_heavy(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    output = '[outputs.tell]\ndriver = "command"\nprogram = ["/bin/sh", "-c", "cat >/dev/null"]\n'
    file.write_text(f"[state]\nfolder = '{tmp_path / 'state'}'\n{output}")
    assert loaded(RUN, "test-output", "tell", "--config", file) == "[]"


@pytest.mark.parametrize("command", ["watch", "outbox", "purge", "set", "forget", "bench", "test-output", "audit"])
def test_help_loads_nothing_heavy(command: str) -> None:
    program = f"import sys; from edge.__main__ import parser; parser('{command}'); {LOADED}"
    assert loaded(program) == "[]"
