"""Starts ``raiser.py``, a door without a camera, as a process, and reads the ids of its alerts."""

import json
from pathlib import Path
from typing import Any

from support import ROOT

RAISER = (str(Path(__file__).with_name("raiser.py")),)
ENVIRON = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
TOPIC = "maskwatch/door/alert"


def raise_alerts(maskwatch: Any, port: int, folder: Path, count: int, *more: object) -> Any:
    args = ("--broker", f"localhost:{port}", "--folder", folder, "--count", count, *more)
    return maskwatch(*map(str, args), program=RAISER, env=ENVIRON)


def raised(process: Any) -> list[str]:
    """The ids of the alerts that the process has raised, in order."""
    return [line.split()[1] for line in process.out.splitlines() if line.startswith("raised ")]


def ids(payloads: list[bytes]) -> list[str]:
    """The ids of the alerts in the order of their first arrival, without duplicates."""
    return list(dict.fromkeys(json.loads(payload)["id"] for payload in payloads))
