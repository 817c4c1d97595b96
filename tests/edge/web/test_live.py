"""The live image, the settings and the alerts of the page, over real HTTP from a real process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from support import ROOT
from support.browsing import Watched, events_of, pictures_of
from support.processes import after

from edge.config.load import load
from edge.web.viewers import MAX_VIEWERS


@pytest.fixture
def watched(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path)) as door:
        yield door


def decoded(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def detail(jpeg: bytes) -> float:
    """Measures the sharpness where the clip's face is. The median ignores the lines that are drawn there."""
    face = cv2.cvtColor(decoded(jpeg)[165:265, 265:355], cv2.COLOR_BGR2GRAY)
    return float(np.median(np.abs(cv2.Laplacian(face, cv2.CV_64F))))


def test_the_live_image_changes(watched: Watched) -> None:
    with watched.client.stream("/live.mjpeg") as stream:
        assert stream.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        first, *others = islice(pictures_of(stream), 4)
    assert decoded(first).shape == (480, 640, 3)
    assert all(np.any(decoded(first) != decoded(other)) for other in others)


def test_faces_are_blurred_when_set_up_mode_ends(watched: Watched) -> None:
    watched.until(lambda: watched.client.ask("/live.jpg").status == 200, "the first frame")
    sharp = max(detail(watched.client.ask("/live.jpg").body) for _ in range(10))
    assert watched.client.post("/api/settings", {"web": {"setup": False}}).json["setup"] is False
    time.sleep(0.5)
    with watched.client.stream("/live.mjpeg") as stream:
        blurred = max(detail(jpeg) for jpeg in islice(pictures_of(stream), 12))
    assert blurred < sharp / 3, (blurred, sharp)
    assert load(watched.file).web.setup is False, "the file has it for the next start"


def test_viewers_are_limited_and_may_come_again_after_others_leave(watched: Watched) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_VIEWERS):
            stream = stack.enter_context(watched.client.stream("/live.mjpeg"))
            assert stream.status == 200
            next(pictures_of(stream))
        with watched.client.stream("/live.mjpeg") as refused:
            assert refused.status == 503

    def is_accepted() -> bool:
        with watched.client.stream("/live.mjpeg") as stream:
            return stream.status == 200

    watched.until(is_accepted, "a free place")


def test_zones_and_smallest_face_are_saved_and_take_effect_at_once(watched: Watched) -> None:
    watched.until(lambda: watched.client.ask("/api/now").json.get("state", {}).get("people"), "somebody in view")
    before = watched.file.read_text()
    corner = [[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]]
    answer = watched.client.post("/api/settings", {"detect": {"zones": [corner], "min_face": 60}})
    assert answer.status == 200 and answer.json["zones"] == [corner] and answer.json["min_face"] == 60
    detect = load(watched.file).detect
    assert detect.min_face == 60 and detect.zones == (tuple(map(tuple, corner)),)
    assert all(line in watched.file.read_text() for line in before.splitlines())
    watched.until(lambda: watched.client.ask("/api/now").json["state"]["people"] == 0, "nobody in the corner")


def test_a_change_is_kept_in_the_state_folder_if_the_file_cannot_be_written(maskwatch: Any, tmp_path: Path) -> None:
    """The sandboxed service cannot write its file; here there is no file at all.

    What the command line gives counts, and cannot be changed on the page: the change would have no effect.
    """
    state = tmp_path / "state" / "maskwatch" / "entrance" / "page.toml"
    state.parent.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from edge.config.edit import SettingsStore\n"
        "store = SettingsStore(None, lambda config: Path(sys.argv[1]), {'detect': {'min_face': 70}})\n"
        "kept = store.keep({'detect': {'zones': [[[0, 0], [1, 0], [1, 1]]]}, 'decide': {'threshold': 0.7}})\n"
        "print(kept.detect.min_face, kept.decide.threshold, len(store.load().detect.zones))\n"
        "store.keep({'detect': {'min_face': 40}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(state.parent)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["70", "0.7", "1"], done.stderr
    assert "ConfigError: detect.min_face is given on the command line" in done.stderr
    kept = state.read_text()
    assert "threshold = 0.7" in kept and "min_face" not in kept and state.stat().st_mode & 0o077 == 0


def test_an_alert_is_streamed_and_kept_for_the_next_start(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker = mosquitto().start()
    with closing(Watched(maskwatch, tmp_path, "", "--broker", broker.address)) as watched:
        with watched.client.stream("/events") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            kind, now = next(events := events_of(stream))
            assert kind == "now" and now["device"] == "entrance"
            seen: dict[str, Any] = {}
            while {"alert", "state", "stats", "health"} - seen.keys() - now.keys():
                kind, data = next(events)
                seen[kind] = data
        alert = watched.until(lambda: watched.client.ask("/api/alerts").json["alerts"], "an alert")[0]
        assert alert["event_type"] == "no_mask"
        watched.again()
        answer = watched.client.ask("/api/alerts").json
        assert alert["id"] in [earlier["id"] for earlier in answer["alerts"]], "the outbox has it"
        assert len(answer["days"]) == 7 and answer["days"][-1]["alerts"] >= 1


def test_snapshots_are_served(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    broker, text = mosquitto().start(), '[snapshots]\nmode = "blurred"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--broker", broker.address)) as watched:
        alert = watched.until(lambda: watched.client.ask("/api/alerts").json["alerts"], "an alert")[0]
        assert alert["snapshot"] is True
        answer = watched.client.ask(f"/api/snapshots/{alert['id']}")
        assert answer.status == 200 and decoded(answer.body).shape == (480, 640, 3)
        assert watched.client.ask("/api/snapshots/01a20696-75ce-7c37-871a-000000000000").status == 404
        assert watched.client.ask("/api/snapshots/..%2f..%2foutbox").status == 404
        snapshot = next(tmp_path.rglob(f"{alert['id']}.jpg"))
        snapshot.rename(tmp_path / "other.jpg")
        snapshot.symlink_to(tmp_path / "other.jpg")
        for kind in ("snapshots", "thumbnails"):
            assert watched.client.ask(f"/api/{kind}/{alert['id']}").status == 404, "a link may lead to any file"


def test_the_page_reports_a_lost_camera(watched: Watched) -> None:
    watched.until(lambda: watched.client.ask("/healthz").status == 200, "health ok")
    watched.camera.unplug()
    watched.until(lambda: watched.client.ask("/healthz").status == 503, "a lost camera")
    now = watched.client.ask("/api/now").json
    assert now["health"]["camera"] == "lost" and "lost" in now["health"]["problem"]
    assert 'maskwatch_camera{condition="lost"} 1.0' in watched.client.ask("/metrics").text


def test_the_process_ends_at_once_with_viewers(watched: Watched) -> None:
    with watched.client.stream("/live.mjpeg") as live, watched.client.stream("/events") as events:
        next(pictures_of(live))
        next(events_of(events))
        start = time.monotonic()
        assert watched.process.end(15) == 0
        assert time.monotonic() - start <= 5


def test_a_missing_extra_is_reported_with_what_to_install(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "demo", "--web", "--print", program=after("sys.modules['aiohttp'] = None"))
    assert run.end() == 2 and "pip install -e '.[web]'" in run.err and "Traceback" not in run.err


def test_nothing_is_drawn_without_a_viewer(watched: Watched) -> None:
    """The thread that draws starts when somebody looks."""
    process = psutil.Process(watched.process.popen.pid)
    watched.until(lambda: watched.client.ask("/api/now").json.get("stats", {}).get("frames", 0) > 20, "frames")
    before = process.num_threads()
    assert watched.client.ask("/live.jpg").status == 200
    assert process.num_threads() == before + 1


def test_without_the_page_only_the_bus_is_loaded() -> None:
    heavy = "('aiohttp', 'PIL', 'prometheus', 'edge.serving', 'edge.web.')"
    pages = f"m.startswith({heavy}) and m not in ('edge.web.bus', 'edge.web.listeners')"
    code = f"import sys, edge.cli.run, edge.monitor.run; print(json.dumps([m for m in sys.modules if {pages}]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout) == []
