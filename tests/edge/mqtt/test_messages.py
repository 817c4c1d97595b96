"""The messages on the wire. Subscribers rely on them: change them only together with the schema's number."""

import json
import re
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import clock_synced
from edge.monitor.door import alert_message
from edge.mqtt.messages import AlertMessage, Health, State, Stats, encode, utc_now, uuid7
from edge.mqtt.topics import Topics
from edge.people.policy import Alert

ALERT = Alert("no_mask", 3, 12.5, 0.97123, 6, 0.4, (10, 20, 110, 140))
ALERT_KEYS = """schema event_type id device time score frames seen_s track box frame_size clock_synced model
snapshot""".split()
STATS_KEYS = """schema fps frames dropped detect_ms classify_ms latency_ms cpu_temp_c throttled rss_mb outbox
uptime_s clock_synced""".split()
TODAY_KEYS = "people mask no_mask incorrect_mask unsure alerts".split()


def message(alert: Alert = ALERT) -> AlertMessage:
    return alert_message(alert, device="entrance", model="mask@01234567", frame_size=(640, 480))


def test_topics() -> None:
    topics = Topics("maskwatch", "entrance")
    names = ["status", "alert", "state", "health", "stats"]
    assert [getattr(topics, name) for name in names] == [f"maskwatch/entrance/{name}" for name in names]
    with pytest.raises(AttributeError):
        _ = topics.alarm


def test_an_alert_has_exactly_the_documented_keys_in_their_order() -> None:
    sent = json.loads(encode(message()))
    assert list(sent) == ALERT_KEYS
    assert sent["schema"] == 1
    assert (sent["event_type"], sent["device"], sent["model"]) == ("no_mask", "entrance", "mask@01234567")
    assert (sent["score"], sent["frames"], sent["seen_s"]) == (0.971, 6, 0.4)
    assert (sent["box"], sent["frame_size"]) == ([10, 20, 110, 140], [640, 480])
    assert sent["snapshot"] is False and isinstance(sent["clock_synced"], bool)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent["time"])


def test_a_track_s_name_is_random_per_run_and_constant_within_a_run() -> None:
    first, again, other = message(), message(), message(replace(ALERT, track=4))
    assert first.track == again.track != other.track
    assert re.fullmatch(r"[0-9a-f]{8}-3", first.track)


def test_ids_are_unique() -> None:
    assert len({message().id for _ in range(1000)}) == 1000


def test_ids_are_uuid7_and_begin_with_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7 and made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after


def test_ids_sort_by_time() -> None:
    made = []
    for _ in range(5):
        made.append(str(uuid7()))
        now = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == now:
            pass
    assert made == sorted(made)


def test_times_are_utc_with_milliseconds() -> None:
    assert re.fullmatch(time.strftime("%Y-", time.gmtime()) + r"\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", utc_now())


def test_messages_are_compact_utf8() -> None:
    sent = encode(replace(message(), device="eingang-ü"))
    assert b": " not in sent and b", " not in sent
    assert "eingang-ü".encode() in sent


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(
            State(),
            {"no_mask": "OFF", "people": 0, "mask": 0, "no_mask_count": 0}
            | {"today": dict.fromkeys(TODAY_KEYS, 0) | {"mask_share": None, "note": None}},
            id="state",
        ),
        pytest.param(Health("ok", "m@1"), {"camera": "ok", "model": "m@1", "problem": None}, id="health"),
    ],
)
def test_retained_messages(sent: Any, expected: dict[str, Any]) -> None:
    assert json.loads(encode(sent)) == {"schema": 1} | expected


def test_stats_have_the_documented_keys() -> None:
    stats = Stats(15.0, 100, 2, 9.5, 0.3, 9.8, None, None, 90.1, 0, 7)
    sent = json.loads(encode(stats))
    assert list(sent) == STATS_KEYS
    assert sent["cpu_temp_c"] is None


def test_decode_reverses_encode() -> None:
    sent = message()
    assert AlertMessage.decode(encode(sent)) == sent


VALID = {"schema": 1, **asdict(message())}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in VALID.items() if name != key}


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x00", b"\xff\xfe", b"null", b"3", b'"text"', b"[]", b"{}", b"{", b"[" * 100_000, b'{"schema":1}'],
    ids=lambda payload: repr(payload[:12]),
)
def test_decode_refuses_data_that_are_no_alert(payload: bytes) -> None:
    with pytest.raises(ValueError):
        AlertMessage.decode(payload)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(VALID | {"schema": 2}, id="another schema"),
        *(pytest.param(without(key), id=f"without {key}") for key in ALERT_KEYS if key != "snapshot"),
        pytest.param(VALID | {"box": None}, id="box null"),
        pytest.param(VALID | {"box": [1, 2, 3]}, id="box of three"),
        pytest.param(VALID | {"box": ["a", "b", "c", "d"]}, id="box of text"),
        pytest.param(VALID | {"box": "abcd"}, id="box as text"),
        pytest.param(VALID | {"frame_size": [640]}, id="frame size of one"),
        pytest.param(VALID | {"score": "high"}, id="score as text"),
        pytest.param(VALID | {"score": None}, id="score null"),
        pytest.param(VALID | {"seen_s": []}, id="seen_s as list"),
        pytest.param(VALID | {"id": ["a"]}, id="id as list"),
        pytest.param(VALID | {"device": 7}, id="device as number"),
        pytest.param(VALID | {"device": "po\ud800rch"}, id="half of a surrogate pair, which no text can contain"),
        pytest.param(VALID | {"device": "p" * 20_000}, id="too long"),
        pytest.param(VALID | {"score": 10**400}, id="score too large"),
        pytest.param(VALID | {"score": float("nan")}, id="score is not a number"),
        pytest.param(VALID | {"seen_s": float("inf")}, id="seen_s infinite"),
        pytest.param(VALID | {"box": [0, 0, 10**4299, 1]}, id="box too large"),
    ],
)
def test_decode_refuses_an_alert_with_invalid_values(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        AlertMessage.decode(json.dumps(data).encode())


def test_decode_leaves_out_a_field_of_a_later_version() -> None:
    """The schema rises only for a change that breaks a reader, and a new field is none."""
    later = AlertMessage.decode(json.dumps(VALID | {"later": 1}).encode())
    assert later == AlertMessage.decode(json.dumps(VALID).encode())


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_decode_of_anything_is_an_alert_or_a_value_error(payload: bytes) -> None:
    try:
        assert isinstance(AlertMessage.decode(payload), AlertMessage)
    except ValueError:
        pass


def test_clock_synced_is_true_or_false() -> None:
    assert clock_synced() in (True, False)
