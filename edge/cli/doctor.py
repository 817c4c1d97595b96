"""``maskwatch doctor``: Examines the installation and says what to do about each problem."""

import argparse
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..camera.source import open_source
from ..config.schema import Config, DetectConfig
from ..errors import EdgeError
from ..faces.opening import model_path, open_detector
from ..faces.tflite import TfliteNetwork
from ..faces.yunet import find_network
from ..monitor.machine import clock_synced, cpu_temperature, throttled
from ..monitor.state import StateFiles, refuse_file, running_health, state_files
from ..mqtt.client import V5, V311, asked
from ..mqtt.link import UNSUPPORTED_PROTOCOL
from ..outbox.reading import peek, setting
from .arguments import ENDED, FAILED, choose_detector, name_device, settings_store

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "ai-edge-litert",
    "tflite-runtime",
    "paho-mqtt",
    "amqtt",
    "aiohttp",
    "picamera2",
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", help="camera to try")
    name_device(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="broker to try")
    command.add_argument("--model", metavar="FILE.tflite", help="model to try")
    choose_detector(command)


def run(args: argparse.Namespace) -> int:

    config = settings_store(args).load()
    worst = ENDED
    for finding in examine(config, model_path(config), state_files(config)):
        print(f"{finding.state:4}  {finding.what:12} {finding.text}", flush=True)
        worst = FAILED if finding.state == "FAIL" else worst
    return worst


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, warn or FAIL; ``text`` says what was seen and, unless ok, what to do."""

    what: str
    state: str
    text: str


def examine(config: Config, model: Path, files: StateFiles) -> Iterator[Finding]:
    """One finding after the other, as they come; none raises. ``files`` are those of the state folder.

    A camera that a running maskwatch has is not opened a second time: its own word counts.
    """
    running = running_health(files.folder)
    checks: tuple[tuple[str, Callable[[], tuple[str, str]]], ...] = (
        ("versions", versions),
        ("model", lambda: check_model(model, config.classify.threads)),
        ("detector", lambda: check_detector(config.detect)),
        ("service", lambda: check_service(running, files.outbox)),
        ("camera", lambda: check_camera(config, running)),
        ("broker", lambda: check_broker(config)),
        ("alerts", lambda: check_outbox(files.outbox)),
        ("disk", lambda: check_disk(files.folder)),
        ("temperature", check_temperature),
        ("clock", check_clock),
    )
    for what, check in checks:
        try:
            state, text = check()
        except EdgeError as error:
            state, text = "FAIL", str(error)
        except Exception as error:  # a doctor that dies of the illness helps nobody
            state, text = "FAIL", f"unexpected {type(error).__name__}: {error}"
        yield Finding(what, state, text)


def versions() -> tuple[str, str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "ok", f"Python {platform.python_version()} on {platform.machine()}, {', '.join(found)}"


def check_model(model: Path, threads: int) -> tuple[str, str]:
    network = TfliteNetwork(model, threads=threads)
    size = network.card.size
    network.probabilities(np.zeros((1, size, size, 3), np.uint8))
    return (
        "ok",
        f"{network.card.id}, {size} x {size}, labels {', '.join(network.card.labels)}, runs in {network.runtime}",
    )


def check_detector(own: DetectConfig) -> tuple[str, str]:
    open_detector(own)
    return "ok", f"haar, cascade {own.cascade}" if own.detector == "haar" else f"yunet, {find_network(own.network)}"


def check_service(running: dict[str, Any] | None, outbox: Path) -> tuple[str, str]:
    """An installed ``maskwatch`` command (systemd/maskwatch) hands over which unit it speaks of, and how that is."""
    how = "no maskwatch runs with this state folder at the moment"
    unit, state = os.environ.get("MASKWATCH_UNIT"), os.environ.get("MASKWATCH_UNIT_IS")
    if running is None and unit:
        if state == "inactive":
            return "warn", f"{unit} is not started: sudo systemctl start {unit}"
        return "FAIL", f"{unit} does not run ({state}): journalctl -u {unit} -n 5 says why"
    if running is not None:
        how = f"running (process {running.get('pid')})"
        if running.get("problem"):
            return "FAIL", f"{how}: {running['problem']}"
        how += " without a problem"
    if outbox.exists() and setting(outbox, "enabled") == "OFF":
        return "warn", f"{how}, but watching is paused; publish ON to .../enabled/set"
    return "ok", how


def check_camera(config: Config, running: dict[str, Any] | None) -> tuple[str, str]:
    if running:
        condition = running.get("camera", "unknown")
        return "ok" if condition in ("ok", "starting") else "FAIL", f"{condition}, says the running maskwatch"
    source = open_source(config.source.source, config.source)
    try:
        frame = next(iter(source))
        height, width = frame.image.shape[:2]
        mean = float(frame.image.mean())
        if mean < 8:
            return "warn", f"{source.name}: {width} x {height}, but almost black; is the lens covered?"
        return "ok", f"{source.name}: {width} x {height}"
    finally:
        source.close()


def check_broker(config: Config) -> tuple[str, str]:
    mqtt = config.mqtt
    if not mqtt.host:
        try:
            importlib.metadata.version("amqtt")
        except importlib.metadata.PackageNotFoundError:
            return "FAIL", "none configured: set [mqtt] host, or pip install amqtt for an embedded one"
        return "warn", "none configured: the embedded one serves this machine only; set [mqtt] host for real use"
    for protocol in (V5, V311):
        reason = _connack(config, protocol)
        if reason.value != UNSUPPORTED_PROTOCOL:
            break
    if reason.is_failure:
        return "FAIL", f"{mqtt.host}:{mqtt.port} refuses: {reason}; check [mqtt] user and password_file"
    return "ok", f"{mqtt.host}:{mqtt.port} takes the login"


def _connack(config: Config, protocol: MQTTProtocolVersion) -> ReasonCode:
    mqtt = config.mqtt
    try:
        with asked(mqtt, protocol) as (_, answer):
            if answer is None:
                raise EdgeError(f"{mqtt.host}:{mqtt.port} does not answer like an MQTT broker; is it the right port?")
            return answer
    except OSError as error:
        raise EdgeError(f"{mqtt.host}:{mqtt.port}: {error}; check host, port, network and TLS settings") from error


def check_outbox(path: Path) -> tuple[str, str]:
    if not path.exists():
        return "ok", "none waits for the broker"
    waiting, dead = peek(path)
    if dead:
        return (
            "warn",
            f"{len(waiting)} wait, {len(dead)} were refused, the last because {dead[-1][1]}; maskwatch outbox",
        )
    return "ok", f"{len(waiting)} wait for the broker, none was refused"


def check_disk(state: Path) -> tuple[str, str]:
    refuse_file(state)
    there = next((place for place in (state, *state.parents) if place.exists()), Path("/"))
    if not os.access(there, os.W_OK) or shutil.disk_usage(there).total == 0:  # /proc and its like
        return "FAIL", f"{there} cannot be written: alerts would be kept in memory only; set [state] folder"
    free = shutil.disk_usage(there).free / 1e6
    return ("warn", f"only {free:.0f} MB free; delete something") if free < 200 else ("ok", f"{free:.0f} MB free")


def check_temperature() -> tuple[str, str]:
    value = cpu_temperature()
    if throttled():
        return "warn", f"{value} °C, and the Pi is throttled: better cooling or a stronger power supply"
    if value is None:
        return "ok", "no sensor here"
    return ("warn", f"{value} °C is hot: give it air") if value >= 80 else ("ok", f"{value} °C")


def check_clock() -> tuple[str, str]:
    if clock_synced():
        return "ok", "synchronized"
    return "warn", "not synchronized: alert times may be wrong; check the network and `timedatectl`"
