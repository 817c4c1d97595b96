"""The thread of calls that may hang."""

import subprocess
import sys
import threading

import pytest
from support.processes import ROOT

from edge.web.one_thread import OneThread

HANGS = """
import time
from edge.web.one_thread import OneThread
OneThread("hangs").submit(time.sleep, 3600)
time.sleep(0.2)
"""


def test_calls_follow_each_other_and_their_faults_are_told() -> None:
    executor = OneThread("test")
    names = [executor.submit(lambda: threading.current_thread().name) for _ in range(3)]
    with pytest.raises(ZeroDivisionError):
        executor.submit(lambda: 1 // 0).result(30)
    assert [name.result(30) for name in names] == ["test"] * 3
    executor.shutdown()


def test_a_call_that_hangs_keeps_no_process_from_ending() -> None:
    subprocess.run([sys.executable, "-c", HANGS], cwd=ROOT, check=True, timeout=60)
