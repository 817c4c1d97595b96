"""edge.monitor.daily, and the days at a real broker: midnight, a clock that jumps, brokers that forget or refuse."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from support import until
from support.announced import HOME_ASSISTANT, KEEPING, TOPICS, Camera, Retained, settled
from support.counting import BERLIN, CountingDoor
from support.recorded import fill_counts

from edge.mqtt.day_counts import SLOT_COLUMNS
from edge.mqtt.days import EXPIRY_S
from edge.record.counts import Counts
from edge.record.times import day_start

COUNTS = "maskwatch/door/counts"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Any]:
    """Makes counting doors at a port: ``door(port)``."""
    made: list[CountingDoor] = []

    def make(port: int, protocol: str = "5") -> CountingDoor:
        folder = tmp_path / "door"
        folder.mkdir(exist_ok=True)
        made.append(CountingDoor(folder, port, protocol))
        return made[-1]

    yield make
    for one in made:
        one.close()


def at(hour: int, minute: int, day: int = 27) -> datetime:
    return datetime(2026, 11, day, hour, minute)


def day_of(received: Any, day: str) -> dict[str, Any]:
    """The newest counts of a day that a subscriber has received."""
    payloads = received.on(f"{COUNTS}/{day}")
    return json.loads(payloads[-1]) if payloads and payloads[-1] else {}


def people(message: dict[str, Any]) -> int:
    return sum(row[1] for series in message.get("series", []) for row in series["slots"])


def test_a_slot_is_published_when_it_has_ended_and_a_day_once_more_after_midnight(
    broker: Any, subscriber: Any, door: Any
) -> None:
    received, one = subscriber(broker.port), door(broker.port).start(at(23, 50))
    one.tell("mask", "no_mask")
    one.at(at(23, 51), "mask")
    received.wait_for("maskwatch/door/status")
    assert not received.on(f"{COUNTS}/2026-11-27"), "the slot runs"
    one.at(at(0, 1, 28), "unsure")
    until(lambda: people(day_of(received, "2026-11-27")) == 3, lambda: one.log)
    assert not received.on(f"{COUNTS}/2026-11-28")
    finished = day_of(received, "2026-11-27")
    last = finished["hours"][-1]
    assert len(finished["hours"]) == 24 and last["start"] == "2026-11-27T23:00:00+01:00"
    assert (last["people"], last["mask"], last["no_mask"]) == (3, 2, 1) and finished["hours"][0]["people"] is None
    start = int(datetime(2026, 11, 27, 23, 45, tzinfo=BERLIN).timestamp())
    (series,) = finished["series"]
    row = dict(zip(SLOT_COLUMNS, series["slots"][0], strict=True))
    assert (row["start"], row["people"], row["mask"]) == (start, 3, 2) and len(series["slots"]) == 1
    one.at(at(0, 16, 28), "mask")
    until(lambda: people(day_of(received, "2026-11-28")) == 1, lambda: one.log)
    assert day_of(received, "2026-11-28")["hours"][0]["start"] == "2026-11-28T00:00:00+01:00"
    assert len(received.on(f"{COUNTS}/2026-11-27")) == 1, "it has not changed"


def test_a_clock_that_is_set_back_loses_nothing(broker: Any, subscriber: Any, door: Any) -> None:
    received, one = subscriber(broker.port), door(broker.port).start(at(12, 1))
    one.tell("mask", "mask")
    one.at(at(14, 1), "no_mask")
    until(lambda: people(day_of(received, "2026-11-27")) == 2, lambda: one.log)
    one.at(at(11, 1), "mask")
    until(lambda: people(day_of(received, "2026-11-27")) == 3, lambda: one.log)
    one.at(at(12, 5), "mask")
    one.at(at(12, 20), "mask")
    until(lambda: people(day_of(received, "2026-11-27")) == 5, lambda: one.log)
    rows = day_of(received, "2026-11-27")["series"][0]["slots"]
    assert len({row[0] for row in rows}) == len(rows) == 3, "one row per slot"


def test_days_are_published_on_every_connection_to_a_broker_that_has_lost_them(
    broker: Any, subscriber: Any, retained: Retained, door: Any
) -> None:
    received, one = subscriber(broker.port), door(broker.port).start(at(12, 1))
    one.tell("mask")
    one.at(at(12, 16), "mask")
    until(lambda: people(day_of(received, "2026-11-27")) == 1, lambda: one.log)
    broker.kill()
    broker.start()
    until(lambda: f"{COUNTS}/2026-11-27" in retained(broker), lambda: one.log)
    one.close()
    broker.kill()
    broker.start()
    one.start(at(8, 0, 29))  # another run, which counts nobody
    until(lambda: f"{COUNTS}/2026-11-27" in retained(broker), lambda: one.log)


@pytest.mark.parametrize("protocol", ["5", "3"])
def test_days_are_kept_for_eight_days_and_then_taken_back(
    broker: Any, retained: Retained, door: Any, protocol: str
) -> None:
    one = door(broker.port, protocol).start(at(12, 1, 1))
    for day in range(1, 10):
        one.at(at(12, 1, day), "mask")
        one.at(at(12, 16, day), "mask")
        if day == 8:
            one.tell("unsynced")
        until(lambda day=day: f"{COUNTS}/2026-11-{day:02}" in retained(broker), lambda: one.log)  # type: ignore[misc]
    kept = {topic for topic in retained(broker) if topic.startswith(COUNTS)}
    assert len(kept) == 9, "nothing is taken back by a clock that may be wrong"
    one.tell("synced")
    one.at(at(12, 31, 9), "mask")
    expected = {f"{COUNTS}/2026-11-{day:02}" for day in range(2, 10)}
    until(lambda: {topic for topic in retained(broker) if topic.startswith(COUNTS)} == expected, lambda: one.log)
    for hour in range(13, 24):  # the broker's answer may come after the next slot
        one.at(at(hour, 1, 9), "mask")
        if one.announced == expected:
            break
    assert one.announced == expected


def test_the_slot_of_a_clock_that_was_wrong_for_a_while_is_published(
    broker: Any, retained: Retained, door: Any
) -> None:
    """Counts of a day are on disk while their slot runs, and the next ones come in another day."""
    one = door(broker.port).start(at(12, 1, 25))
    one.tell("mask")
    one.at(at(12, 1, 26), "mask")
    one.at(at(12, 1, 27), "mask")
    until(lambda: f"{COUNTS}/2026-11-26" in retained(broker), lambda: one.log)
    assert f"{COUNTS}/2026-11-25" in retained(broker)


def test_days_come_back_after_a_clock_that_was_ahead(broker: Any, retained: Retained, door: Any) -> None:
    one = door(broker.port).start(at(12, 1, 10))
    days = {f"{COUNTS}/2026-11-10", f"{COUNTS}/2026-11-11"}
    for day in (10, 11):
        one.at(at(12, 1, day), "mask")
        one.at(at(12, 16, day), "mask")
    until(lambda: days <= retained(broker).keys(), lambda: one.log)
    one.at(at(12, 1, 28), "mask")
    until(lambda: not days & retained(broker).keys(), lambda: one.log)
    one.at(at(12, 31, 11), "mask")
    until(lambda: days <= retained(broker).keys(), lambda: one.log)
    one.at(at(12, 46, 11), "mask")
    assert days <= one.announced, "what is at the broker is taken back with the name"


def test_a_message_says_when_the_broker_may_forget_it(broker: Any, door: Any) -> None:
    one = door(broker.port).start(at(12, 1))
    one.tell("mask")
    one.at(at(12, 16), "mask")
    expiries: list[int] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_connect = lambda *_: client.subscribe(f"{COUNTS}/+", 1)
    client.on_message = lambda c, u, m: expiries.append(m.properties.MessageExpiryInterval)  # type: ignore[union-attr]
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    until(lambda: expiries, lambda: one.log)
    client.disconnect()
    client.loop_stop()
    assert EXPIRY_S - 60 <= expiries[0] <= EXPIRY_S == 8 * 86400


def test_a_broker_that_refuses_counts_is_named_once_and_takes_them_when_it_may(
    mosquitto: Any, subscriber: Any, retained: Retained, tmp_path: Path, door: Any
) -> None:
    rights = tmp_path / "acl"
    allowed = ("read #", "write end", "write maskwatch/door/status", "write maskwatch/door/enabled/state")
    rights.write_text("".join(f"topic {one}\n" for one in allowed))
    rights.chmod(0o644)
    broker = mosquitto(f"allow_anonymous true\nuser root\nacl_file {rights}").start()
    one = door(broker.port).start(at(12, 1, 20))
    for day in (20, 21, 22):
        one.at(at(12, 1, day), "mask")
        one.at(at(12, 16, day), "mask")
    refusal = "the broker refuses maskwatch/door/counts/+ (Not authorized): allow it in the broker's access rights"
    until(lambda: refusal in one.log, lambda: one.log)
    assert not any("/counts/" in topic for topic in retained(broker))
    broker.stop()
    rights.write_text(rights.read_text() + "topic write maskwatch/door/counts/#\n")
    broker.start()
    until(lambda: "messages: None" in one.log, lambda: one.log, 60)
    again = subscriber(broker.port)
    until(lambda: {t for t, _, _ in again.messages} >= {f"{COUNTS}/2026-11-{day}" for day in (20, 21, 22)})
    assert one.log.count("counts/+") == 1


def camera_that_has_counted(camera: Camera) -> str:
    """Gives the camera counts of this morning; returns the topic of the day."""
    today = datetime.now().date()
    (camera.folder / "kept").mkdir()
    fill_counts(camera.folder / "kept" / "record.db", [(day_start(today), Counts(people=2, mask=2, watched=900.0))])
    return f"maskwatch/entrance/counts/{today}"


def test_days_go_with_the_name_of_the_camera(camera: Camera, broker: Any, retained: Retained) -> None:
    day = camera_that_has_counted(camera)
    camera.start(broker)
    settled(retained, broker, TOPICS | {day})
    camera.stop()
    camera.start(broker, '[device]\nname = "front"\n')
    settled(retained, broker, {topic.replace("entrance", "front") for topic in TOPICS | {day}}, camera.process)
    camera.stop()


def test_forget_clears_the_days(camera: Camera, mosquitto: Any, retained: Retained, tmp_path: Path) -> None:
    (tmp_path / "kept-by-the-broker").mkdir()
    broker = mosquitto(KEEPING.format(tmp_path / "kept-by-the-broker")).start()
    day = camera_that_has_counted(camera)
    camera.start(broker)
    settled(retained, broker, TOPICS | {day})
    camera.stop()
    done = camera.run("forget", "--broker", broker.address)
    assert done.end() == 0 and day in done.out and HOME_ASSISTANT in done.out
    assert retained(broker) == {} and camera.memory == []
