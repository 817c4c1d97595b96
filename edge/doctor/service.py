"""Checks the running maskwatch and the alerts that it keeps."""

import os
from collections.abc import Collection
from pathlib import Path

from ..monitor.state import StateFiles, running_health
from ..mqtt.switches import is_kept_off
from ..mqtt.topics import WATCHING
from ..outbox.reading import peek
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
    if is_kept_off(files.outbox, WATCHING):
        return "warn", f"{text}, but watching is paused; resume it on the page, or publish ON to .../enabled/set"
    return "ok", text


def check_outbox(path: Path, outputs: Collection[str] = ()) -> Result:
    """Counts the alerts that wait or were refused; ``outputs`` are the webhooks and commands that are configured."""
    if not path.exists():
        return "ok", "no alert waits for the broker"
    waiting, dead_letters = peek(path)
    for_outputs = sum(sink_of(message.id) != "" for message in waiting)
    text = f"{len(waiting) - for_outputs} wait for the broker"
    text += f" and {for_outputs} for outputs" if for_outputs else ""
    text += f", {len(dead_letters)} were refused"
    advice = []
    if dead_letters:
        text += f", the last one because {dead_letters[-1][1]}"
        advice.append("maskwatch outbox lists them, and with --resend sends them again")
    ids = [message.id for message in waiting] + [id for id, _ in dead_letters]
    advice += [
        f"output {name} of its alerts is not configured any more; configure it again, or delete them: "
        f"maskwatch outbox --discard {name}"
        for name in sorted({*map(sink_of, ids)} - {"", *outputs})
    ]
    return "warn" if advice else "ok", "; ".join([text, *advice])
