"""The JSON Schemas of the wire: what a real process sends is valid, and the documents name the same fields."""

import json
import re
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.recorded import fill_counts

from edge.mqtt.day_counts import SLOT_COLUMNS
from edge.record.counts import Counts
from edge.record.times import day_start

NAMES = ("alert", "state", "health", "stats", "counts")
ROOT = "maskwatch/entrance"


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema, from where it is installed."""
    loaded: dict[str, Any] = json.loads((files("edge.mqtt") / "schemas" / f"{name}.json").read_text("utf-8"))
    return loaded


def faults(name: str, message: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(message)]


def test_every_schema_is_one_and_allows_more_fields() -> None:
    for name in NAMES:
        Draft202012Validator.check_schema(schema(name))
        assert '"additionalProperties"' not in json.dumps(schema(name)), "a later version may add fields"


def test_a_slot_has_the_columns_of_the_schema() -> None:
    rows = schema("counts")["properties"]["series"]["items"]["properties"]["slots"]["items"]
    described = [column["description"].split()[0] for column in rows["prefixItems"]]
    assert described == SLOT_COLUMNS and rows["minItems"] == len(SLOT_COLUMNS)


def test_every_json_message_of_a_real_process_is_valid(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    """It has counted yesterday, is paused after an alert because that costs nothing, and ends after its statistics."""
    yesterday = date.today() - timedelta(days=1)
    record = tmp_path / "state/maskwatch/entrance/record.db"
    record.parent.mkdir(parents=True)
    morning = day_start(yesterday) + 9 * 3600
    fill_counts(record, [(morning, Counts(people=40, mask=31, no_mask=7, incorrect_mask=1, unsure=1, watched=899.7))])
    fill_counts(record, [(morning + 900, Counts(people=1, mask=1, watched=100, paused=799.5))], "haar")
    config = tmp_path / "door.toml"
    config.write_text("[source]\nrepeat = true\nrealtime = true\n")
    broker = mosquitto().start()
    received = subscriber(broker.port)
    door = maskwatch("run", "--source", "demo", "--broker", broker.address, "--config", config)
    received.wait_for(f"{ROOT}/alert")
    received.publish(f"{ROOT}/enabled/set", b"OFF")
    received.wait_for(f"{ROOT}/stats")
    assert door.end(15) == 0
    kinds = dict.fromkeys(NAMES, 0)
    for topic, payload, _ in received.messages:
        kind = topic.removeprefix(f"{ROOT}/").partition("/")[0]
        if kind in kinds:
            kinds[kind] += 1
            assert faults(kind, json.loads(payload)) == [], payload
    assert all(kinds.values()), kinds
    day = json.loads(received.on(f"{ROOT}/counts/{yesterday}")[0])
    assert [len(series["slots"]) for series in day["series"]] == [1, 1] and len(day["hours"]) in (23, 24, 25)


VALID: dict[str, dict[str, Any]] = {
    "state": {
        "schema": 1, "no_mask": "ON", "people": 1, "mask": 0, "no_mask_count": 1,
        "today": dict.fromkeys("people mask no_mask incorrect_mask unsure alerts".split(), 0)
        | {"mask_share": None, "note": None},
    },
    "health": {"schema": 1, "camera": "ok", "model": "m@01234567", "problem": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("state", {"schema": 2}),
        ("state", {"no_mask": True}),
        ("state", {"people": -1}),
        ("state", {"today": {}}),
        ("health", {"camera": "broken"}),
        ("health", {"problem": False}),
    ],
)
def test_a_schema_refuses_what_maskwatch_never_sends(name: str, change: dict[str, Any]) -> None:
    assert not faults(name, VALID[name] | {"another": "field"})
    assert faults(name, VALID[name] | change)


def test_the_documents_have_every_field(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "edge" / "mqtt" / "README.md").read_text("utf-8")
    for name in NAMES:
        assert f"(schemas/{name}.json)" in text
        for field in schema(name)["properties"].keys() - {"schema"}:
            assert re.search(rf"`{field}`|\"{field}\":", text), f"{name}: {field}"
