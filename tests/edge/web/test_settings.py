"""Changes of options on the page: limits, versions, conflicts and what takes effect at once."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched, events_of
from support.processes import Process

from edge.config.edit import write
from edge.config.load import load

ZONE = [[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]]
OTHER = [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]]


@pytest.fixture
def watched(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def post(watched: Watched, zones: Any, known: Any = None) -> Any:
    version = {} if known is None else {"settings_version": known}
    return watched.client.post("/api/settings", {**version, "detect": {"zones": zones}})


def test_a_page_never_overwrites_what_another_has_saved(watched: Watched) -> None:
    known = watched.client.ask("/api/now").json["settings_version"]
    first = post(watched, [ZONE], known)
    assert first.status == 200 and first.json["settings_version"] != known
    second = post(watched, [OTHER], known)
    assert second.status == 409 and "changed meanwhile" in second.json["error"]
    assert second.json["now"]["zones"] == [ZONE], "the answer has what is in use"
    assert [zone.plain for zone in load(watched.file).detect.zones] == [ZONE]
    again = post(watched, [OTHER], second.json["now"]["settings_version"])
    assert again.status == 200 and again.json["zones"] == [OTHER]
    assert post(watched, [ZONE]).status == 200, "a program may leave the version out"


def test_a_version_survives_a_restart(watched: Watched) -> None:
    known = post(watched, [ZONE]).json["settings_version"]
    watched.again()
    assert post(watched, [OTHER], known).status == 200


def test_what_maskwatch_set_has_written_is_never_overwritten(watched: Watched) -> None:
    known = watched.client.ask("/api/now").json["settings_version"]
    write(watched.file, {"detect": {"zones": [OTHER]}})  # as `maskwatch set` does
    with watched.client.stream("/events") as stream:
        assert next(events := events_of(stream))[1]["zones"] == []
        refused = post(watched, [ZONE], known)
        assert refused.status == 409 and refused.json["now"]["zones"] == [OTHER]
        assert next(data for kind, data in events if kind == "now")["zones"] == [OTHER], "every page is told"


def test_every_change_reaches_every_page(watched: Watched) -> None:
    with watched.client.stream("/events") as stream:
        next(events := events_of(stream))
        post(watched, [{"name": "left door", "corners": ZONE}])
        told = next(data for kind, data in events if kind == "now")
    assert told["zones"] == [{"name": "left door", "corners": ZONE}]
    assert load(watched.file).detect.zones[0].name == "left door"


def test_the_threshold_takes_effect_at_once(watched: Watched) -> None:
    def masked_or_bare() -> Any:
        return watched.client.ask("/api/now").json.get("state", {}).get("no_mask")

    watched.until(masked_or_bare, "somebody who counts as bare")
    faces = watched.until(lambda: watched.client.ask("/api/faces").json["faces"], "a face in view")
    assert faces[0]["label"] == "no_mask" and faces[0]["fault"] > 0.8 and faces[0]["pixels"] > 48
    answer = watched.client.post("/api/settings", {"decide": {"threshold": 1.0}}).json
    assert answer["threshold"] == 1.0 and answer["defaults"]["threshold"] == 0.8
    assert load(watched.file).decide.threshold == 1.0


@pytest.fixture(scope="module")
def shared_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder, started = tmp_path_factory.mktemp("door"), list[Process]()

    def start(*args: Any) -> Process:
        started.append(Process(*map(str, args), cwd=folder))
        return started[-1]

    with closing(Watched(start, folder, "", "--print")) as door:
        yield door
    started[0].end(15)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        pytest.param({"detect": {"zones": [ZONE] * 33}}, "at most 32", id="33 zones"),
        pytest.param({"detect": {"zones": [ZONE] * 5000}}, "at most 32", id="thousands of zones"),
        pytest.param({"detect": {"zones": [[[0.5, 0.5]] * 65]}}, "at most 64", id="65 corners"),
        pytest.param({"detect": {"zones": [{"name": "x" * 41, "corners": ZONE}]}}, "40 characters", id="a long name"),
        pytest.param({"detect": {"zones": [{"name": "a\nb", "corners": ZONE}]}}, "one line", id="two lines"),
        pytest.param({"detect": {"zones": [{"name": 5, "corners": ZONE}]}}, "one line", id="a number as name"),
        pytest.param({"detect": {"zones": [{"name": "x"}]}}, "list of polygons", id="no corners"),
        pytest.param({"detect": {"zones": [{"corners": "abc"}]}}, "list of polygons", id="text as corners"),
        pytest.param({"detect": {"zones": [[["0", "0"], [1, 0], [1, 1]]]}}, "list of polygons", id="texts"),
        pytest.param({"detect": {"zones": [[[True, 0], [1, 0], [1, 1]]]}}, "list of polygons", id="true"),
        pytest.param({"detect": {"zones": [[[float("nan"), 0], [1, 0], [1, 1]]]}}, "NaN", id="nan"),
        pytest.param({"detect": {"zones": None}}, "list of polygons", id="null"),
        pytest.param({"detect": []}, "send sections", id="a list as section"),
        pytest.param({"detect": None}, "send sections", id="null as section"),
        pytest.param({"settings_version": "x"}, "send sections", id="only a version"),
        pytest.param({"settings_version": 5, "detect": {"min_face": 60}}, "must be the text", id="a number as version"),
        pytest.param({"decide": {"threshold": 2}}, "0.5 to 1", id="a threshold out of range"),
        pytest.param({"decide": {"frames": 2}}, "cannot be changed", id="an option that the page may not change"),
    ],
)
def test_what_is_wrong_is_refused_quickly_in_one_sentence(shared_door: Watched, body: Any, part: str) -> None:
    before, start = shared_door.file.read_text(), time.monotonic()
    answer = shared_door.client.ask("/api/settings", "POST", json.dumps(body).encode(), Content_Type="application/json")
    assert answer.status == 400 and part in answer.json["error"] and "\n" not in answer.json["error"]
    assert time.monotonic() - start < 5
    assert shared_door.file.read_text() == before
