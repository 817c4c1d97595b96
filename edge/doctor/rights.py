"""Asks a mosquitto which topics this user may publish on, without anything being published.

mosquitto checks the rights when it receives a message, and passes one of QoS 2 on only when it is released (PUBREL).
These are never released, and forgotten at the end of the connection. MQTT does not promise that: another broker may
pass a message on before, so that only mosquitto is asked. With MQTT 3.1.1 a refusal is not told.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import Config
from ..mqtt import homeassistant
from ..mqtt.topics import Topics, retained_topics

BROKER_VERSION = "$SYS/broker/version"
"""The topic on which mosquitto tells its name."""


def is_mosquitto(version: bytes) -> bool:
    """Returns whether a payload on ``BROKER_VERSION`` is that of mosquitto."""
    return version.startswith(b"mosquitto version")


def published_topics(config: Config) -> list[str]:
    """Returns every topic on which a camera publishes."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    more = [homeassistant.topic(config)] if config.homeassistant.discovery else []
    more += [topics.snapshot] if config.snapshots.mode != "off" else []
    today = topics.day(date.today().isoformat())
    return [topics.alert, *retained_topics(config), today, topics.stats, *more]


def never_release(client: Any, answered: Callable[[int, ReasonCode], None]) -> None:
    """Makes a paho client report the answer to a message of QoS 2 instead of releasing the message."""

    def note_answer() -> MQTTErrorCode:
        packet = client._in_packet["packet"]
        reason = packet[2] if len(packet) > 2 else 0
        answered(int.from_bytes(packet[:2], "big"), ReasonCode(PacketTypes.PUBACK, identifier=reason))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    client._handle_pubrec = note_answer
