"""Nothing of the outputs is loaded, and no thread of theirs runs, unless one is configured; never a store."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

PARTS = (
    "edge.outputs", "edge.monitor.answering", "edge.config.output", "edge.config.sounds", "edge.config.webhooks",
    "edge.phone", "edge.store", "psycopg", "gpiozero", "lgpio",
)  # fmt: skip
RUN = f"""
import json, sys, threading
from edge.__main__ import main
started, start = [], threading.Thread.start
threading.Thread.start = lambda thread: (started.append(thread.name), start(thread))[1]
code = main(sys.argv[1:])
print(json.dumps([sorted(name for name in sys.modules if name.startswith({PARTS})), started]))
sys.exit(code)
"""


def traces(*arguments: str | Path, state: Path) -> tuple[list[str], list[str]]:
    """Watches one picture; returns the modules of the outputs that are loaded, and their threads that were started."""
    (state / "pictures").mkdir()
    (state / "pictures" / "door.jpg").symlink_to(ROOT / "edge" / "camera" / "door.jpg")
    command = [sys.executable, "-c", RUN, "run", "--source", str(state / "pictures")]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(state)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modules, threads = json.loads(done.stdout.splitlines()[-1])
    return modules, [name for name in threads if name.startswith("output")]


@pytest.mark.parametrize("options", [[], ["--print", "--broker", "127.0.0.1:9"]], ids=" ".join)
def test_without_outputs_nothing_of_them_is_loaded(options: Any, tmp_path: Path) -> None:
    assert traces(*options, state=tmp_path) == ([], [])


def test_an_output_loads_only_its_own_driver(tmp_path: Path) -> None:
    config = tmp_path / "door.toml"
    config.write_text('[outputs.command]\nprogram = ["/bin/true"]\n')
    modules, threads = traces("--print", "--config", config, state=tmp_path)
    assert "edge.outputs.outputs" in modules and "output-command" in threads
    assert not {"edge.outputs.pins", "edge.outputs.sound", "edge.outputs.webhook", "gpiozero"} & set(modules)
