"""Home Assistant with its MQTT integration only, on a broker at 127.0.0.1:PORT; takes requests as lines of JSON.

``["states"]`` returns all entities and devices, Home Assistant's warnings, and the service calls; ``["automate",
automations]`` sets automations up, with a phone and a light that only record their calls; ``["call", domain, service,
data]`` calls a service. The driver ends with its input. It runs in the Python in which Home Assistant is installed.
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from homeassistant import bootstrap, config_entries, runner, setup
from homeassistant.helpers import device_registry, entity_registry

warnings: list[str] = []
calls: list[list[Any]] = []


class WarningRecorder(logging.Handler):
    """Records the warnings and errors about MQTT and maskwatch."""

    def emit(self, record: logging.LogRecord) -> None:
        if "mqtt" in record.name or "maskwatch" in record.getMessage():
            warnings.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def snapshot(hass: Any) -> dict[str, Any]:
    """The answer to ``["states"]``."""
    devices = device_registry.async_get(hass).devices.values()
    entities = entity_registry.async_get(hass).entities.values()
    return {
        "states": {state.entity_id: [state.state, dict(state.attributes)] for state in hass.states.async_all()},
        "entities": {entity.entity_id: [entity.unique_id, entity.entity_category] for entity in entities},
        "devices": [
            [device.name, device.manufacturer, device.sw_version, device.configuration_url] for device in devices
        ],
        "warnings": warnings,
        "calls": calls,
    }


def recording_service(domain: str, service: str) -> Callable[[Any], None]:
    """A service that only records its calls."""

    def record(call: Any) -> None:
        calls.append([domain, service, dict(call.data)])

    return record


async def main(port: int) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "configuration.yaml").write_text("homeassistant:\n  name: test\n")
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True, log_file=None, log_no_color=True)
    )
    await hass.async_start()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger().addHandler(WarningRecorder(logging.WARNING))
    entry = config_entries.ConfigEntry(
        domain="mqtt", title="mqtt", data={"broker": "127.0.0.1", "port": port}, options={}, source="user", version=1,
        minor_version=2, unique_id=None, discovery_keys={}, subentries_data=None,
    )  # fmt: skip
    await hass.config_entries.async_add(entry)
    print(json.dumps({"loaded": entry.state.value}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match json.loads(line):
            case ["states"]:
                print(json.dumps(snapshot(hass), default=str), flush=True)
            case ["automate", automations]:
                for domain, service in (("notify", "mobile_app_phone"), ("light", "turn_on"), ("light", "turn_off")):
                    hass.services.async_register(domain, service, recording_service(domain, service))
                done = await setup.async_setup_component(hass, "automation", {"automation": automations})
                print(json.dumps({"set up": done}), flush=True)
            case ["call", domain, service, data]:
                await hass.services.async_call(domain, service, data, blocking=True)
                print("{}", flush=True)
    await hass.async_stop(force=True)


asyncio.run(main(int(sys.argv[1])))
