"""Home Assistant with its MQTT integration and nothing else, on a broker at 127.0.0.1:PORT; asked in lines of JSON.

``["states"]`` answers every entity and device, what Home Assistant complained of, and what was called;
``["automate", automations]`` sets automations up, with a phone and a light that only note their calls; ``["call",
domain, service, data]`` calls a service; the end of the input ends it. Runs in Home Assistant's own Python.
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

complaints: list[str] = []
calls: list[list[Any]] = []


class Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "mqtt" in record.name or "maskwatch" in record.getMessage():
            complaints.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def told(hass: Any) -> dict[str, Any]:
    """Everything that it knows."""
    devices = device_registry.async_get(hass).devices.values()
    entities = entity_registry.async_get(hass).entities.values()
    return {
        "states": {state.entity_id: [state.state, dict(state.attributes)] for state in hass.states.async_all()},
        "entities": {each.entity_id: [each.unique_id, each.entity_category] for each in entities},
        "devices": [[each.name, each.manufacturer, each.sw_version, each.configuration_url] for each in devices],
        "complaints": complaints,
        "calls": calls,
    }


def noted(domain: str, service: str) -> Callable[[Any], None]:
    """A service that only remembers that it was called."""

    def remember(call: Any) -> None:
        calls.append([domain, service, dict(call.data)])

    return remember


async def main(port: int) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "configuration.yaml").write_text("homeassistant:\n  name: test\n")
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True, log_file=None, log_no_color=True)
    )
    await hass.async_start()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger().addHandler(Complaints(logging.WARNING))
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
                print(json.dumps(told(hass), default=str), flush=True)
            case ["automate", automations]:
                for domain, service in (("notify", "mobile_app_phone"), ("light", "turn_on"), ("light", "turn_off")):
                    hass.services.async_register(domain, service, noted(domain, service))
                done = await setup.async_setup_component(hass, "automation", {"automation": automations})
                print(json.dumps({"set up": done}), flush=True)
            case ["call", domain, service, data]:
                await hass.services.async_call(domain, service, data, blocking=True)
                print("{}", flush=True)
    await hass.async_stop(force=True)


asyncio.run(main(int(sys.argv[1])))
