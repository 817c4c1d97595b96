"""A short soak: memory, descriptors and threads do not grow, and no alert is lost. ``soak.py`` runs a long one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(500)]


def test_ten_thousand_frames_with_faults_leak_nothing_and_lose_no_alert(mosquitto: object) -> None:
    command = [sys.executable, str(Path(__file__).with_name("soak.py")), "--frames", "10000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=450)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout[done.stdout.index("{") :])
    assert figures["frames"] == 10_000 and figures["alerts_raised"] >= 40 and figures["camera_reopened"] >= 3
    assert not figures["alerts_lost"]
    assert figures["rss_mib"] <= 250
    assert len(figures["threads"]) <= 2 and len(figures["descriptors"]) <= 3, "the numbers do not grow with time"
