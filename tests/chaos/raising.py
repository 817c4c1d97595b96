"""What the tests of brokers ask of ``raiser.py``: a door without a camera, in a process of its own."""

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
    """The ids that a door said to have raised, in order."""
    return [line.split()[1] for line in process.out.splitlines() if line.startswith("raised ")]


def ids(payloads: list[bytes]) -> list[str]:
    """In the order of first arrival, each once."""
    return list(dict.fromkeys(json.loads(payload)["id"] for payload in payloads))
