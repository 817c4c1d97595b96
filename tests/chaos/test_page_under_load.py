"""The door under its page: two checks of photographs at once and four viewers stay in its memory and cost no frame."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edge.bench.page import measure_page

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

LIMIT_MB = 250
MORE_DROPPED = 0.02
"""Share of the frames that may be dropped more than without load: the clients of the test take most of two cores."""
GROUPS = Path("/sys/fs/cgroup")


@pytest.fixture
def group() -> Iterator[Path | None]:
    """A control group with that limit of memory; None where this machine lets nobody make one (then it is measured)."""
    controllers = GROUPS / "cgroup.controllers"
    if not controllers.is_file() or "memory" not in controllers.read_text("ascii").split():
        yield None
        return
    made = GROUPS / f"maskwatch-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / "memory.max").write_text(str(LIMIT_MB * 10**6))
        (made / "memory.swap.max").write_text("0")
    except OSError:
        with suppress(OSError):
            made.rmdir()
        yield None
        return
    yield made
    made.rmdir()


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_checks_and_viewers_stay_within_the_memory_and_lose_no_frame(detector: str, group: Path | None) -> None:
    join = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"] if group else []
    figures = measure_page(["--detector", detector], wrapper=join)
    assert figures is not None
    print(figures)
    alone, load = figures["alone"], figures["load"]
    assert figures["checks"] >= 2 and load["frames"] > 0, "the process lives, and every check was answered"
    assert load["peak_mb"] < LIMIT_MB
    if group:
        assert "oom_kill 0" in (group / "memory.events").read_text("ascii").splitlines()
    assert load["dropped"] <= alone["dropped"] + MORE_DROPPED * load["frames"], "the load costs no frame"
