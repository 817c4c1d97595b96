"""edge.bench: figures add up, rivals process the same frames, and the command prints and writes what it measured."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.processes import after

from edge.bench import scale
from edge.bench.brokers import Broker
from edge.bench.choices import EMPTY, STAGES
from edge.bench.clip import TIMED_STAGES, measure_clip, source_frames
from edge.bench.delivery import measure_delivery
from edge.bench.fleet import measure_fleet
from edge.bench.outputs import measure_outputs
from edge.bench.process import measure_service
from edge.bench.rivals import Article, SingleShot, open_rival
from edge.bench.stage import profile_stage
from edge.bench.stopwatch import Stopwatch
from edge.camera.frames import Frame
from edge.config.schema import Config
from edge.errors import ConfigError, EdgeError, ModelError
from edge.faces.face import Face
from edge.faces.geometry import iou
from edge.mqtt.client import V5

MODELS = ROOT / "models"
FEW_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))"


def bench(*args: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edge", "bench", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


def clip(first: int, last: int) -> Iterator[Frame]:
    return islice(source_frames("demo", Config(), 0), first, last)


def test_a_stage_within_a_stage_is_counted_once() -> None:
    stopwatch = Stopwatch()
    inner = stopwatch.timed("inner", lambda: time.sleep(0.02))
    outer = stopwatch.timed("outer", inner)
    for _ in range(3):
        outer()
        stopwatch.end_frame()
    figures = {name: stopwatch.stage_figures(name) for name in ("inner", "outer")}
    assert figures["inner"]["ran"] == figures["outer"]["ran"] == stopwatch.frames == 3
    assert figures["inner"]["p50_ms"] >= 20 > figures["outer"]["p50_ms"]


def test_a_stage_that_did_not_run_costs_nothing() -> None:
    stopwatch = Stopwatch()
    stopwatch.timed("rare", lambda: None)
    stopwatch.end_frame()
    assert (
        stopwatch.stage_figures("rare")["ran"] == 0
        and stopwatch.stage_figures("rare")["p99_ms"] == 0.0
        and stopwatch.cpu_per_frame() == 0.0
    )


def test_percentiles_are_of_the_frames_in_which_the_stage_ran() -> None:
    stopwatch = Stopwatch()
    work = stopwatch.timed("rare", lambda: time.sleep(0.01))
    for number in range(10):
        if number == 3:
            work()
        stopwatch.end_frame()
    stage = stopwatch.stage_figures("rare")
    assert stage["ran"] == 1 and stage["p50_ms"] >= 10
    assert stage["ms_a_picture"] == pytest.approx(stage["p50_ms"] / 10)


def test_every_stage_of_a_clip_is_timed_and_its_alert_is_raised() -> None:
    figures = measure_clip("demo", clip(0, 60), Config()).as_json()
    assert set(figures["stages"]) == set(TIMED_STAGES)
    assert figures["pictures"] == 60 and figures["size"] == [640, 480] and figures["alerts"] == 1
    assert 0 < figures["searched"] < 60 and figures["stages"]["detect"]["ran"] == figures["searched"]
    assert figures["stages"]["motion"]["ran"] == figures["stages"]["report"]["ran"] == 60
    assert figures["stages"]["capture"]["ran"] == 60
    sums = sum(stage["cpu_ms_a_picture"] for name, stage in figures["stages"].items() if name != "capture")
    assert figures["cpu_ms_a_picture"] == pytest.approx(sums)
    assert figures["first_sight_to_alert_s"] == pytest.approx([0.33], abs=0.1)


def test_an_empty_doorway_has_no_alerts_and_few_searches() -> None:
    figures = measure_clip(EMPTY, source_frames(EMPTY, Config(), 90), Config())
    assert figures.stopwatch.frames == 90 and not figures.alerts and figures.searched <= 5


def test_rivals_process_every_frame_and_ratios_are_of_the_same_frames() -> None:
    config = Config()
    rivals = [open_rival(name, config) for name in ("article", "every-picture")]
    figures = measure_clip("demo", clip(40, 70), config, rivals).as_json()
    for name in ("article", "every-picture"):
        rival = figures["rivals"][name]
        assert rival["ran"] == 30 and rival["alerts"] == 1
        assert rival["ratio"] == pytest.approx(rival["cpu_ms_a_picture"] / figures["cpu_ms_a_picture"])


def test_the_article_finds_and_classifies_the_clips_face() -> None:
    (frame,) = clip(60, 61)
    faces: list[Face] = Article(MODELS / "article.tflite").process(frame.image)
    expected = open_rival("every-picture", Config()).process(frame.image)
    assert any(iou(face.box, expected[0].box) > 0.5 and face.label == "no_mask" for face in faces)


def test_a_single_shot_network_is_timed_and_raises_no_alerts() -> None:
    rival = SingleShot(MODELS / "lean-k12.tflite")  # any network that takes one image
    figures = measure_clip("demo", clip(0, 5), Config(), [rival]).as_json()
    assert figures["rivals"]["lean-k12"]["alerts"] is None and figures["rivals"]["lean-k12"]["ran"] == 5


@pytest.mark.parametrize("name", ["haar", "article.keras", ""])
def test_an_unknown_rival_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="article, every-picture"):
        open_rival(name, Config())


def test_a_rivals_file_that_is_missing_or_not_a_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gone.tflite cannot be read"):
        open_rival(str(tmp_path / "gone.tflite"), Config())
    (tmp_path / "bad.tflite").write_bytes(b"no network")
    with pytest.raises(ModelError):
        open_rival(str(tmp_path / "bad.tflite"), Config())


@pytest.mark.parametrize("stage", STAGES)
def test_a_profiled_stage_is_called_as_in_the_loop(stage: str) -> None:
    figures, profile = profile_stage(stage, clip(50, 70), Config())
    assert figures["ran"] > 0 and figures["ran"] % 3 == 0, "its calls are repeated three times"
    assert "tottime" in profile


def test_the_service_is_measured_as_a_process() -> None:
    figures = measure_service(["--source", "demo"])
    assert 0 < figures["ready_s"] < 60 and 30 < figures["peak_rss_mb"] < 1000 and figures["cpu_s"] > 0


def test_a_service_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EdgeError, match="failed: .*nowhere"):
        measure_service(["--source", str(tmp_path / "nowhere")])


def test_the_delivery_of_alerts_is_timed(mosquitto: Any) -> None:
    broker = mosquitto().start()
    figures = measure_delivery(Broker("mosquitto", broker.port, V5, broker.pid), alerts=5)
    assert figures["alerts"] == 5 and 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_the_outputs_are_timed() -> None:
    figures = measure_outputs(changes=6)
    assert figures["changes"] == 6
    assert all(0 < figures[name]["p50_ms"] <= figures[name]["p99_ms"] for name in ("lamp", "webhook"))


def test_without_gpiozero_the_lamp_is_timed_without_a_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)  # as if it were not installed
    figures = measure_outputs(changes=2)
    assert figures["pins"] == "no pins, because the extra gpio is missing" and figures["lamp"]["p50_ms"] > 0


def test_a_fleet_connects_and_loses_no_alert(mosquitto: Any) -> None:
    mosquitto()  # skips without mosquitto
    shown: list[tuple[str, int]] = []
    figures = measure_fleet(120, duration=3, progress=lambda what, count: shown.append((what, count)))
    assert figures["alerts"] > 0 and figures["lost"] == 0 and figures["broker_cores"] >= 0
    assert ("connecting", 120) in shown and figures["broker_rss_mb"] > 1


def test_the_frames_of_the_scale_have_the_faces_size_and_rate_asked_for() -> None:
    """A crowd that the detector does not find would make crowds look cheap."""
    demo, detector = scale.load_demo(), open_rival("every-picture", Config())
    assert [len(detector.process(next(scale.crowd(count, demo)).image)) for count in (0, 1, 5)] == [0, 1, 5]
    assert len(detector.process(next(scale.crowd(30, demo)).image)) >= 25
    assert next(scale.resized(demo, 1280, 720)).image.shape == (720, 1280, 3)
    assert [frame.time for frame in islice(scale.resampled(demo, 5.0), 3)] == [0.0, 0.2, 0.4]


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path, mosquitto: Any) -> None:
    mosquitto()
    done = bench("demo", "empty", "--frames", 30, "--compare", "article", "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert [clip["source"] for clip in figures["clips"]] == ["demo", "empty"]
    assert figures["service"]["ready_s"] > 0 and figures["delivery"]["alerts"] == 200
    assert figures["outputs"]["changes"] == 200
    alone, load = figures["page"]["alone"], figures["page"]["load"]
    assert 30 < alone["peak_mb"] < load["peak_mb"] < 500 and figures["page"]["checks"] >= 2 and load["frames"] > 0
    texts = (
        "demo: 30 frames of 640x480",
        "classify",
        "times as much",
        "first frame after",
        "page under load",
        "p99",
        "lamp",
    )
    for text in texts:
        assert text in done.stdout
    assert "\r" not in done.stderr, "no progress line without a terminal"


def test_a_lack_of_resources_and_a_wrong_option_have_different_exit_codes(maskwatch: Any) -> None:
    few = maskwatch("bench", "--fleet", "500", program=after(FEW_FILES))
    assert few.end() == 1 and "this user may have 300" in few.err and "Traceback" not in few.err
    assert bench("--fleet", "90000").returncode == 2


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--frames", "0"), "whole number from 1"),
        (("--frames", "many"), "whole number from 1"),
        (("nowhere.mp4",), "nowhere.mp4"),
        (("--compare", "nothing"), "allowed are article"),
        (("--out", "/nowhere/f.json", "--stage", "track"), "cannot be written"),
        (("--stage", "thought"), "invalid choice"),
        (("--stage", "track", "--scale"), "not allowed with"),
        (("--scale", "demo"), "leave SOURCE, --compare and --frames out"),
        (("--fleet", "10", "--frames", "5"), "leave SOURCE, --compare and --frames out"),
        (("--fleet", "90000"), "at most 5000"),
        (("--out", ".", "--stage", "track"), "it is a folder"),
        (("--out", "rtsp://a:secret@h/f.json", "--stage", "track"), "maskwatch: rtsp://h/... cannot be written"),
    ],
)
def test_a_wrong_option_is_reported_without_a_traceback(args: tuple[str, ...], text: str) -> None:
    done = bench(*args)
    assert done.returncode in (1, 2) and text in done.stderr and "Traceback" not in done.stderr
