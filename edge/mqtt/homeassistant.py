"""Writes Home Assistant's device-based MQTT discovery: one retained message names the device and all its entities.

https://www.home-assistant.io/integrations/mqtt/#discovery-messages; ``default_entity_id`` replaces
``object_id``, which Home Assistant 2026.4 removed. An empty message on the same topic removes the device.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from .. import __version__
from ..config.schema import Config
from .messages import CameraCondition, EventType
from .topics import WATCHING, Topics, output_switch

ONLINE = b"online"
"""Home Assistant's birth message on ``PREFIX/status``: it then needs discovery and all states again."""
SHARE = "{% set share = value_json.today.mask_share %}{{ none if share is none else (100 * share.value) | round(1) }}"
"""The template of a share, in percent. ``None`` is unknown: below 30 people there is no share."""
SHARE_ATTRIBUTES = (
    "{% set share = value_json.today.mask_share %}{{ {"
    "'low': none if share is none else (100 * share.low) | round(1), "
    "'high': none if share is none else (100 * share.high) | round(1), "
    "'note': value_json.today.note} | tojson }}"
)
"""The template of the interval of 95 %, in percent, and of the note on bias."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovery message, its topic, and the topic of Home Assistant's birth message."""

    topic: str
    message: bytes
    birth_topic: str

    def without(self, outputs: Sequence[str]) -> bytes:
        """Returns the message that also removes the switches of ``outputs``, which an earlier one announced."""
        if not outputs:
            return self.message
        message = json.loads(self.message)
        message["components"] |= {_output_key(name): {"platform": "switch"} for name in outputs}
        return _encoded(message)


def discovery(config: Config, model: str) -> Discovery | None:
    """Returns the discovery of one camera; None if the configuration switches it off."""
    if not config.homeassistant.discovery:
        return None
    return Discovery(topic(config), message(config, model), birth_topic(config))


def birth_topic(config: Config) -> str:
    """Returns the topic of Home Assistant's birth message."""
    return f"{config.homeassistant.prefix}/status"


def topic(config: Config) -> str:
    """Returns the topic of the discovery message."""
    return f"{config.homeassistant.prefix}/device/{identity(config)}/config"


def identity(config: Config) -> str:
    """Returns the id of the device in Home Assistant; it contains the topic prefix only if that was changed."""
    prefix = "" if config.mqtt.prefix == "maskwatch" else f"{config.mqtt.prefix}_"
    return f"maskwatch_{prefix}{config.device.name}"


def message(config: Config, model: str) -> bytes:
    """Returns the discovery message of one camera."""
    topics = Topics(config.mqtt.prefix, config.device.name)
    device: dict[str, Any] = {
        "identifiers": [identity(config)],
        "name": config.device.name.replace("_", " ").replace("-", " ").capitalize(),
        "manufacturer": "maskwatch",
        "model": f"entrance camera, {model}",
        "sw_version": __version__,
    }
    if config.homeassistant.page:
        device["configuration_url"] = config.homeassistant.page
    payload = {
        "device": device,
        "origin": {"name": "maskwatch", "sw_version": __version__},
        "availability_topic": topics.status,
        "qos": 1,
        "components": {
            name: named(identity(config), name, entity) if len(entity) > 1 else entity
            for name, entity in entities(topics, config).items()
        },
    }
    return _encoded(payload)


def named(device: str, name: str, entity: dict[str, Any]) -> dict[str, Any]:
    """Returns an entity with its ids, by which Home Assistant recognizes it."""
    entity_id = f"{entity['platform']}.{device}_{name}".replace("-", "_")
    return {"unique_id": f"{device}_{name}", "default_entity_id": entity_id, **entity}


def entities(topics: Topics, config: Config) -> dict[str, dict[str, Any]]:
    """Returns every entity by its key: platform, name, topic and template."""
    snapshot = {"snapshot": _snapshot(topics, config.snapshots.mode != "off")}
    outputs = {_output_key(output.name): _output(topics, output.name) for output in config.outputs}
    return _people(topics) | _today(topics) | _device(topics) | _statistics(topics) | snapshot | outputs


def _people(topics: Topics) -> dict[str, dict[str, Any]]:
    """Returns the entities of the people in view."""
    return {
        "alert": {
            "platform": "event",
            "name": "Alert",
            "icon": "mdi:face-mask-outline",
            "state_topic": topics.alert,
            "event_types": list(get_args(EventType)),
        },
        "no_mask": {
            "platform": "binary_sensor",
            "name": "Somebody without mask",
            "icon": "mdi:face-mask-outline",
            "state_topic": topics.state,
            "value_template": "{{ value_json.no_mask }}",
        },
        "people": _number(topics.state, "People", "people", icon="mdi:account-group"),
        "masked": _number(topics.state, "People with mask", "mask", icon="mdi:face-mask"),
    }


def _today(topics: Topics) -> dict[str, dict[str, Any]]:
    """Returns the sums of today, of which Home Assistant keeps long-term statistics, and the share with a mask."""
    sums = {
        f"today_{field}": _number(topics.state, f"{name} today", f"today.{field}", "total_increasing", icon=icon)
        for field, name, icon in (
            ("people", "People", "mdi:counter"),
            ("mask", "With mask", "mdi:counter"),
            ("no_mask", "Without mask", "mdi:counter"),
            ("incorrect_mask", "Mask worn wrongly", "mdi:counter"),
            ("unsure", "Unsure", "mdi:account-question"),
            ("alerts", "Alerts", "mdi:bell"),
        )
    }
    share = _number(topics.state, "Share with mask today", "", unit_of_measurement="%", icon="mdi:percent")
    share["value_template"] = SHARE
    share |= {"json_attributes_topic": topics.state, "json_attributes_template": SHARE_ATTRIBUTES}
    return sums | {"today_mask_share": share}


def _device(topics: Topics) -> dict[str, dict[str, Any]]:
    """Returns the entities of the monitor's health, and the switch that pauses it."""
    return {
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "state_topic": topics.health,
            "value_template": "{{ 'OFF' if value_json.problem is none else 'ON' }}",
            "json_attributes_topic": topics.health,
        },
        "enabled": _switch(topics, WATCHING, "Watching", "mdi:eye"),
        "camera": {
            "platform": "sensor",
            "name": "Camera",
            "icon": "mdi:camera",
            "device_class": "enum",
            "options": list(get_args(CameraCondition)),
            "entity_category": "diagnostic",
            "state_topic": topics.health,
            "value_template": "{{ value_json.camera }}",
        },
    }


def _statistics(topics: Topics) -> dict[str, dict[str, Any]]:
    """Returns the entities of the process statistics."""
    sensors = {}
    for field, name, unit, more in (
        ("fps", "Frames per second", "fps", {}),
        ("detect_ms", "Detection time", "ms", {"device_class": "duration"}),
        ("classify_ms", "Classification time", "ms", {"device_class": "duration"}),
        ("cpu_temp_c", "Temperature", "°C", {"device_class": "temperature"}),
        ("outbox", "Alerts waiting", None, {"icon": "mdi:tray-full"}),
    ):
        sensors[field] = _number(topics.stats, name, field, entity_category="diagnostic", **more)
        if unit:
            sensors[field]["unit_of_measurement"] = unit
    return sensors


def _snapshot(topics: Topics, snapshots: bool) -> dict[str, Any]:
    """Returns the picture of the last alert. The platform alone removes an entity that an earlier message announced."""
    if not snapshots:
        return {"platform": "image"}
    return {"platform": "image", "name": "Last alert", "image_topic": topics.snapshot, "content_type": "image/jpeg"}


def _output_key(output: str) -> str:
    return f"output_{output}"


def _output(topics: Topics, output: str) -> dict[str, Any]:
    """Returns the switch that mutes an output at the door."""
    return _switch(topics, output_switch(output), f"Output {output}", "mdi:alarm-light-outline")


def _switch(topics: Topics, switch: str, name: str, icon: str) -> dict[str, Any]:
    return {
        "platform": "switch",
        "name": name,
        "icon": icon,
        "command_topic": topics.switch_set(switch),
        "state_topic": topics.switch_state(switch),
        "retain": False,
    }


def _number(topic: str, name: str, field: str, state_class: str = "measurement", **more: Any) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topic,
        "value_template": f"{{{{ value_json.{field} }}}}",
        "state_class": state_class,
        **more,
    }


def _encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
