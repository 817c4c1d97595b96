"""Commands over MQTT: only those of a closed list are acted on, and no other message has an effect."""

import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import until

from edge.config.schema import MqttConfig
from edge.mqtt.messages import LIMIT, Command, parse
from edge.mqtt.publisher import MqttPublisher

ROOT = "maskwatch/door"
SET = f"{ROOT}/enabled/set"
SWITCHES = ("enabled", "output/lamp")
SETS = {f"{ROOT}/{switch}/set": switch for switch in SWITCHES}
WORDS = (
    b"ON",
    b"OFF",
    b"on",
    b"true",
    b"1",
    b"",
    b"\0",
    b"ON\n",
    b" ON",
    b"{}",
    b'{"enabled":',
    b"\xff\xfe",
    b"O" * 9000,
)
LEVELS = (
    "maskwatch",
    "door",
    "enabled",
    "output",
    "lamp",
    "set",
    "state",
    "alert",
    "+",
    "#",
    "",
    "..",
    "\0",
    "set/set",
    "\ud7ff",
    "é",
)


def parse_or_none(topic: str, payload: bytes, retained: bool, root: str = ROOT) -> Command | None:
    """Returns the command, or None for a message that ``parse`` refuses by ``ValueError``."""
    try:
        return parse(topic, payload, retained, root, SWITCHES)
    except ValueError as reason:
        assert 0 < len(str(reason)) < 200
        return None


def is_right(topic: str, payload: bytes, retained: bool, command: Command | None) -> bool:
    """Whether the message was taken for a command exactly if it is ON or OFF to one of the switches."""
    allowed = topic in SETS and payload in (b"ON", b"OFF") and not retained
    return command == (Command(SETS[topic], payload == b"ON") if allowed else None)


@pytest.mark.parametrize(("payload", "value"), [(b"ON", True), (b"OFF", False)])
def test_on_and_off_are_the_only_commands(payload: bytes, value: bool) -> None:
    for topic, switch in SETS.items():
        assert parse(topic, payload, False, ROOT, SWITCHES) == Command(switch, value)


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "reason"),
    [
        (SET, b"ON", True, "retained"),
        (SET, b"O" * (LIMIT + 1), False, f"longer than {LIMIT} bytes"),
        (SET, b"on", False, "must be ON or OFF"),
        (SET, b"", False, "must be ON or OFF"),
        (f"{ROOT}/output/lamp/set", b"ON", True, "retained"),
        (f"{ROOT}/output/lamp/set", b"on", False, "must be ON or OFF"),
        (f"{ROOT}/output/siren/set", b"ON", False, "unknown command"),
        (f"{ROOT}/output/set", b"ON", False, "unknown command"),
        (f"{ROOT}/lamp/set", b"ON", False, "unknown command"),
        (f"{ROOT}/output/enabled/set", b"ON", False, "unknown command"),
        (f"{ROOT}/reboot/set", b"ON", False, "unknown command"),
        (f"{ROOT}/enabled", b"ON", False, "unknown command"),
        (f"{ROOT}/enabled/set/set", b"ON", False, "unknown command"),
        ("maskwatch/other/enabled/set", b"ON", False, "unknown command"),
        (f"x{SET}", b"ON", False, "unknown command"),
        ("", b"ON", False, "unknown command"),
    ],
)
def test_every_other_message_is_refused_with_a_reason(topic: str, payload: bytes, retained: bool, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(topic, payload, retained, ROOT, SWITCHES)


def test_the_length_is_checked_before_the_payload() -> None:
    with pytest.raises(ValueError, match="longer"):
        parse(SET, b"ON" + b" " * LIMIT, False, ROOT, SWITCHES)
    with pytest.raises(ValueError, match="must be"):
        parse(SET, b"ON".ljust(LIMIT), False, ROOT, SWITCHES)


@settings(max_examples=2000, deadline=None)
@given(
    st.one_of(st.sampled_from(sorted(SETS)), st.text()),
    st.one_of(st.sampled_from(WORDS), st.binary(max_size=6000)),
    st.booleans(),
)
@example(SET, b"ON", True)
def test_no_generated_message_is_taken_for_a_command(topic: str, payload: bytes, retained: bool) -> None:
    assert is_right(topic, payload, retained, parse_or_none(topic, payload, retained))


def fuzz(count: int, seed: int) -> Iterator[tuple[str, bytes, bool]]:
    """Messages that resemble commands: valid words in wrong places, single bytes changed, random payloads."""
    chance = random.Random(seed)
    for _ in range(count):
        topic = chance.choice((*SETS, "/".join(chance.choices(LEVELS, k=chance.randint(0, 6)))))
        payload = bytearray(chance.choice((*WORDS, chance.randbytes(chance.randint(0, 64)))))
        if payload and chance.random() < 0.3:
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        yield topic, bytes(payload), chance.random() < 0.3


def test_a_hundred_thousand_messages_raise_no_exception_but_value_error() -> None:
    commands = 0
    for topic, payload, retained in fuzz(100_000, seed=1):
        command = parse_or_none(topic, payload, retained)
        assert is_right(topic, payload, retained, command), (topic, payload, retained)
        commands += command is not None
    assert commands > 1000, "the generated messages must include valid commands"


def test_two_thousand_invalid_messages_do_not_disturb_the_publisher(
    mosquitto: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    publisher = MqttPublisher(MqttConfig(host="127.0.0.1", port=broker.port), "door", tmp_path / "outbox.db")
    received.wait_for(f"{ROOT}/status")
    with caplog.at_level(logging.INFO):
        before = len(caplog.records)
        invalid = [p for _, p, _ in fuzz(4000, seed=2) if p not in (b"ON", b"OFF")][:2000]
        invalid[::500] = [b"x" * 1_000_000] * 4  # longer than the limit, and than the packets that the client accepts
        for number, payload in enumerate(invalid):
            received.publish(SET, payload, retain=number % 7 == 0)
        assert publisher.alive and publisher.enabled
        assert len(caplog.records) - before <= 3, [record.getMessage() for record in caplog.records]
        received.publish(SET, b"OFF")
        until(lambda: not publisher.enabled, "the pause", timeout=60)
        received.publish(SET, b"ON")
        until(lambda: publisher.enabled, "the end of the pause", timeout=60)
    assert received.wait_for(f"{ROOT}/enabled/state", 3)[-2:] == [b"OFF", b"ON"]
    assert received.on(f"{ROOT}/status") == [b"online"], "the connection was never lost"
    assert publisher.close()
