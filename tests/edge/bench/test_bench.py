"""edge.bench: the figures add up, rivals see the same pictures, and the command says and writes what it measured."""

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
from edge.bench.clip import EMPTY, STAGES, pictures, watch
from edge.bench.delivery import delivered
from edge.bench.fleet import fleet
from edge.bench.process import watched
from edge.bench.rivals import Article, SingleShot, open_rival
from edge.bench.stage import alone
from edge.bench.stopwatch import Stopwatch
from edge.camera.frames import Frame
from edge.config.schema import Config
from edge.errors import ConfigError, ModelError, SourceError
from edge.faces.face import Face
from edge.faces.geometry import iou
from edge.mqtt.client import V5

MODELS = ROOT / "models"
FEW_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))"


def bench(*args: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edge", "bench", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


def clip(first: int, last: int) -> Iterator[Frame]:
    return islice(pictures("demo", Config(), 0), first, last)


def test_a_stage_within_a_stage_counts_once() -> None:
    own = Stopwatch()
    inner = own.timed("inner", lambda: time.sleep(0.02))
    outer = own.timed("outer", inner)
    for _ in range(3):
        outer()
        own.lap()
    found = {name: own.stage(name) for name in ("inner", "outer")}
    assert found["inner"]["ran"] == found["outer"]["ran"] == own.pictures == 3
    assert found["inner"]["p50_ms"] >= 20 > found["outer"]["p50_ms"]


def test_a_stage_that_did_not_run_costs_nothing() -> None:
    own = Stopwatch()
    own.timed("rare", lambda: None)
    own.lap()
    assert own.stage("rare")["ran"] == 0 and own.stage("rare")["p99_ms"] == 0.0 and own.cpu() == 0.0


def test_percentiles_are_of_the_pictures_in_which_the_stage_ran() -> None:
    own = Stopwatch()
    rest = own.timed("rest", lambda: time.sleep(0.01))
    for number in range(10):
        if number == 3:
            rest()
        own.lap()
    stage = own.stage("rest")
    assert stage["ran"] == 1 and stage["p50_ms"] >= 10
    assert stage["ms_a_picture"] == pytest.approx(stage["p50_ms"] / 10)


def test_watching_a_clip_times_every_stage_and_finds_its_alerts() -> None:
    figures = watch("demo", clip(0, 60), Config()).figures()
    assert set(figures["stages"]) == set(STAGES)
    assert figures["pictures"] == 60 and figures["size"] == [640, 480] and figures["alerts"] == 1
    assert 0 < figures["searched"] < 60 and figures["stages"]["detect"]["ran"] == figures["searched"]
    assert figures["stages"]["motion"]["ran"] == figures["stages"]["report"]["ran"] == 60
    assert figures["stages"]["capture"]["ran"] == 60
    sums = sum(stage["cpu_ms_a_picture"] for name, stage in figures["stages"].items() if name != "capture")
    assert figures["cpu_ms_a_picture"] == pytest.approx(sums)
    assert figures["first_sight_to_alert_s"] == pytest.approx([0.33], abs=0.1)


def test_an_empty_doorway_has_no_alerts_and_few_searches() -> None:
    found = watch(EMPTY, pictures(EMPTY, Config(), 90), Config())
    assert found.watch.pictures == 90 and not found.alerts and found.searched <= 5


def test_rivals_see_every_picture_and_ratios_are_of_the_same_pictures() -> None:
    config = Config()
    rivals = [open_rival(name, config) for name in ("article", "every-picture")]
    figures = watch("demo", clip(40, 70), config, rivals).figures()
    for name in ("article", "every-picture"):
        rival = figures["rivals"][name]
        assert rival["ran"] == 30 and rival["alerts"] == 1
        assert rival["ratio"] == pytest.approx(rival["cpu_ms_a_picture"] / figures["cpu_ms_a_picture"])


def test_the_article_finds_and_judges_the_clips_face() -> None:
    (frame,) = clip(60, 61)
    faces: list[Face] = Article(MODELS / "article.tflite").see(frame.image)
    own = open_rival("every-picture", Config()).see(frame.image)
    assert any(iou(face.box, own[0].box) > 0.5 and face.label == "no_mask" for face in faces)


def test_a_single_shot_network_is_timed_and_says_nothing() -> None:
    rival = SingleShot(MODELS / "lean-k12.tflite")  # any network that takes one picture
    figures = watch("demo", clip(0, 5), Config(), [rival]).figures()
    assert figures["rivals"]["lean-k12"]["alerts"] is None and figures["rivals"]["lean-k12"]["ran"] == 5


@pytest.mark.parametrize("name", ["haar", "article.keras", ""])
def test_a_rival_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="article, every-picture"):
        open_rival(name, Config())


def test_a_rivals_file_that_is_missing_or_no_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gone.tflite cannot be read"):
        open_rival(str(tmp_path / "gone.tflite"), Config())
    (tmp_path / "bad.tflite").write_bytes(b"no network")
    with pytest.raises(ModelError):
        open_rival(str(tmp_path / "bad.tflite"), Config())


@pytest.mark.parametrize("stage", ["motion", "detect", "classify", "track"])
def test_one_stage_alone_is_called_as_in_the_loop(stage: str) -> None:
    figures, profile = alone(stage, clip(50, 70), Config())
    assert figures["ran"] > 0 and figures["ran"] % 3 == 0, "three times what it was given"
    assert "tottime" in profile


def test_the_service_is_measured_as_a_process() -> None:
    found = watched(["--source", "demo"])
    assert 0 < found["ready_s"] < 60 and 30 < found["peak_rss_mb"] < 1000 and found["cpu_s"] > 0


def test_a_service_that_does_not_start_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="did not watch: .*nowhere"):
        watched(["--source", str(tmp_path / "nowhere")])


def test_alerts_are_followed_to_the_subscriber(mosquitto: Any) -> None:
    broker = mosquitto().start()
    found = delivered(Broker("mosquitto", broker.port, V5, broker.pid), alerts=5)
    assert found["alerts"] == 5 and 0 < found["p50_ms"] <= found["p99_ms"]


def test_a_fleet_connects_speaks_and_loses_nothing(mosquitto: Any) -> None:
    mosquitto()  # skips where there is none
    shown: list[tuple[str, int]] = []
    found = fleet(120, seconds=3, progress=lambda what, count: shown.append((what, count)))
    assert found["alerts"] > 0 and found["lost"] == 0 and found["broker_cores"] >= 0
    assert ("connecting", 120) in shown and found["broker_rss_mb"] > 1


def test_the_pictures_of_the_scale_hold_what_they_say() -> None:
    """A crowd that the detector does not see would make crowds cheap."""
    demo, detector = scale._clip(), open_rival("every-picture", Config())
    assert [len(detector.see(next(scale.crowd(count, demo)).image)) for count in (0, 1, 5)] == [0, 1, 5]
    assert len(detector.see(next(scale.crowd(30, demo)).image)) >= 25
    assert next(scale.resized(demo, 1280, 720)).image.shape == (720, 1280, 3)
    assert [frame.time for frame in islice(scale.paced(demo, 5.0), 3)] == [0.0, 0.2, 0.4]


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path, mosquitto: Any) -> None:
    mosquitto()
    done = bench("demo", "empty", "--frames", 30, "--compare", "article", "--out", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert [each["source"] for each in figures["clips"]] == ["demo", "empty"]
    assert figures["service"]["ready_s"] > 0 and figures["delivery"]["alerts"] == 200
    for word in ("demo: 30 pictures of 640x480", "classify", "times as much", "first picture after", "p99"):
        assert word in done.stdout
    assert "\r" not in done.stderr, "no progress bar where nobody watches"


def test_what_may_work_another_time_has_another_exit_code_than_a_mistake(maskwatch: Any) -> None:
    few = maskwatch("bench", "--fleet", "500", program=after(FEW_FILES))
    assert few.end() == 1 and "this user may have 300" in few.err and "Traceback" not in few.err
    assert bench("--fleet", "90000").returncode == 2


@pytest.mark.parametrize(
    ("args", "word"),
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
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(args: tuple[str, ...], word: str) -> None:
    done = bench(*args)
    assert done.returncode in (1, 2) and word in done.stderr and "Traceback" not in done.stderr
