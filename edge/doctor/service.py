"""Checks the running maskwatch and the alerts that it keeps."""

import os
from pathlib import Path

from ..monitor.state import StateFiles, running_health
from ..outbox.reading import peek, setting
from ..outbox.sql import sink_of
from .check import Result


def check_service(files: StateFiles) -> Result:
    """Reports the running maskwatch, or the unit whose name and state systemd/maskwatch puts into the environment."""
    running = running_health(files.folder)
    unit, unit_state = os.environ.get("MASKWATCH_UNIT"), os.environ.get("MASKWATCH_UNIT_IS")
    if running is None and unit:
        if unit_state == "inactive":
            return "warn", f"{unit} is not started: sudo systemctl start {unit}"
        return "FAIL", f"{unit} does not run ({unit_state}): journalctl -u {unit} -n 5 says why"
    text = "no maskwatch runs with this state folder"
    if running is not None:
        text = f"running (process {running.get('pid')})"
        if running.get("problem"):
            return "FAIL", f"{text}: {running['problem']}"
        text += " without a problem"
    if files.outbox.exists() and setting(files.outbox, "enabled") == "OFF":
        return "warn", f"{text}, but watching is paused; resume it on the page, or publish ON to .../enabled/set"
    return "ok", text


def check_outbox(path: Path) -> Result:
    """Counts the alerts that wait or were refused."""
    if not path.exists():
        return "ok", "no alert waits for the broker"
    waiting, dead_letters = peek(path)
    for_outputs = sum(sink_of(message.id) != "" for message in waiting)
    text = f"{len(waiting) - for_outputs} wait for the broker"
    text += f" and {for_outputs} for outputs" if for_outputs else ""
    if dead_letters:
        reason = dead_letters[-1][1]
        text += f", {len(dead_letters)} were refused, the last one because {reason}"
        return "warn", f"{text}; maskwatch outbox lists them"
    return "ok", f"{text}, 0 were refused"
