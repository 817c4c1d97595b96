"""``maskwatch doctor``: checks the installation and says what to do about each problem."""

import argparse
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..camera.source import open_source
from ..config.schema import Config, DetectConfig, MqttConfig
from ..errors import BrokerError, EdgeError
from ..faces.opening import model_path, open_detector
from ..faces.tflite import TfliteNetwork
from ..faces.yunet import find_network
from ..monitor.machine import clock_synced, cpu_temperature, throttled
from ..monitor.state import StateFiles, refuse_file, running_health, state_files
from ..mqtt.client import V5, V311, probe_login
from ..mqtt.link import UNSUPPORTED_PROTOCOL
from ..outbox.reading import peek, setting
from .arguments import EXIT_FAILURE, EXIT_OK, add_detector_option, add_device_option, open_settings

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
MIN_BRIGHTNESS = 8
"""Mean level (0..255) of a frame below which the lens is probably covered."""
MIN_FREE_MB = 200
HOT = 80.0
"""Temperature of the processor from which the cooling must be improved."""
State = Literal["ok", "warn", "FAIL"]
Result = tuple[State, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. ``text`` says what was found and, unless ``state`` is ok, what to do."""

    subject: str
    state: State
    text: str


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", help="camera to try")
    add_device_option(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="broker to try")
    command.add_argument("--model", metavar="FILE.tflite", help="model to try")
    add_detector_option(command)


def run(args: argparse.Namespace) -> int:
    """Prints one line per check; returns 1 if one failed. Raises ``ConfigError``."""
    config = open_settings(args).load()
    exit_code = EXIT_OK
    for finding in examine(config, model_path(config), state_files(config)):
        print(f"{finding.state:4}  {finding.subject:12} {finding.text}", flush=True)
        exit_code = EXIT_FAILURE if finding.state == "FAIL" else exit_code
    return exit_code


def examine(config: Config, model: Path, files: StateFiles) -> Iterator[Finding]:
    """Yields a finding per check as soon as it is known. ``files`` are those of the state folder.

    If maskwatch runs, the camera is not opened a second time; what the running process reports is used instead.
    """
    running = running_health(files.folder)
    checks: tuple[tuple[str, Callable[[], Result]], ...] = (
        ("versions", check_versions),
        ("model", lambda: check_model(model, config.classify.threads)),
        ("detector", lambda: check_detector(config.detect)),
        ("service", lambda: check_service(running, files.outbox)),
        ("camera", lambda: check_camera(config, running)),
        ("broker", lambda: check_broker(config.mqtt)),
        ("alerts", lambda: check_outbox(files.outbox)),
        ("disk", lambda: check_disk(files.folder)),
        ("temperature", check_temperature),
        ("clock", check_clock),
    )
    for subject, check in checks:
        state: State
        try:
            state, text = check()
        except EdgeError as error:
            state, text = "FAIL", str(error)
        except Exception as error:  # a fault that nobody expects must not end the other checks
            state, text = "FAIL", f"unexpected {type(error).__name__}: {error}"
        yield Finding(subject, state, text)


def check_versions() -> Result:
    """Lists the versions of Python and of the packages that are installed."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "ok", f"Python {platform.python_version()} on {platform.machine()}, {', '.join(versions)}"


def check_model(model: Path, threads: int) -> Result:
    """Loads the model and runs it on a black crop. Raises ``ModelError``."""
    network = TfliteNetwork(model, threads=threads)
    card = network.card
    network.probabilities(np.zeros((1, card.size, card.size, 3), np.uint8))
    labels = ", ".join(card.labels)
    return "ok", f"{card.id}, {card.size} x {card.size}, labels {labels}, runs in {network.runtime}"


def check_detector(options: DetectConfig) -> Result:
    """Opens the face detector. Raises ``ModelError``."""
    open_detector(options)
    if options.detector == "haar":
        return "ok", f"haar, cascade {options.cascade}"
    return "ok", f"yunet, {find_network(options.network)}"


def check_service(running: dict[str, Any] | None, outbox: Path) -> Result:
    """Reports the running maskwatch, or the unit whose name and state systemd/maskwatch puts into the environment."""
    unit, unit_state = os.environ.get("MASKWATCH_UNIT"), os.environ.get("MASKWATCH_UNIT_IS")
    if running is None and unit:
        if unit_state == "inactive":
            return "warn", f"{unit} is not started: sudo systemctl start {unit}"
        return "FAIL", f"{unit} does not run ({unit_state}): journalctl -u {unit} -n 5 says why"
    text = "no maskwatch runs with this state folder"
    if running is not None:
        text = f"running (process {running.get('pid')})"
        if running.get("problem"):
            return "FAIL", f"{text}: {running['problem']}"
        text += " without a problem"
    if outbox.exists() and setting(outbox, "enabled") == "OFF":
        return "warn", f"{text}, but watching is paused; publish ON to .../enabled/set"
    return "ok", text


def check_camera(config: Config, running: dict[str, Any] | None) -> Result:
    """Uses what the running maskwatch reports, else reads one frame. Raises ``SourceError``."""
    if running:
        condition = running.get("camera", "unknown")
        state: State = "ok" if condition in ("ok", "starting") else "FAIL"
        return state, f"the running maskwatch reports: {condition}"
    source = open_source(config.source.source, config.source)
    try:
        image = next(iter(source)).image
        text = f"{source.name}: {image.shape[1]} x {image.shape[0]}"
        if float(image.mean()) < MIN_BRIGHTNESS:
            return "warn", f"{text}, but almost black; is the lens covered?"
        return "ok", text
    finally:
        source.close()


def check_broker(mqtt: MqttConfig) -> Result:
    """Logs in at the broker, with MQTT 5 and then with 3.1.1. Raises ``BrokerError`` or ``ConfigError``."""
    if not mqtt.host:
        try:
            importlib.metadata.version("amqtt")
        except importlib.metadata.PackageNotFoundError:
            return "FAIL", "no broker is configured: set [mqtt] host, or pip install amqtt for an embedded one"
        text = "no broker is configured, and the embedded one serves this machine only"
        return "warn", f"{text}; set [mqtt] host to reach other devices"
    for protocol in (V5, V311):
        reason = _login_result(mqtt, protocol)
        if reason.value != UNSUPPORTED_PROTOCOL:
            break
    if reason.is_failure:
        return "FAIL", f"{mqtt.host}:{mqtt.port} refuses the login: {reason}; check [mqtt] user and password_file"
    return "ok", f"{mqtt.host}:{mqtt.port} accepts the login"


def _login_result(mqtt: MqttConfig, protocol: MQTTProtocolVersion) -> ReasonCode:
    try:
        with probe_login(mqtt, protocol) as (_, answer):
            pass
    except OSError as error:
        raise BrokerError(f"{mqtt.host}:{mqtt.port}: {error}; check host, port, network and TLS settings") from error
    if answer is None:
        raise BrokerError(f"{mqtt.host}:{mqtt.port} does not answer like an MQTT broker; check the port")
    return answer


def check_outbox(path: Path) -> Result:
    """Counts the alerts that wait or were refused."""
    if not path.exists():
        return "ok", "no alert waits for the broker"
    waiting, dead_letters = peek(path)
    if dead_letters:
        reason = dead_letters[-1][1]
        text = f"{len(waiting)} wait for the broker, {len(dead_letters)} were refused, the last one because {reason}"
        return "warn", f"{text}; maskwatch outbox lists them"
    return "ok", f"{len(waiting)} wait for the broker, 0 were refused"


def check_disk(state: Path) -> Result:
    """Checks that the state folder can be written and that there is space. Raises ``ConfigError``."""
    refuse_file(state)
    existing = next((folder for folder in (state, *state.parents) if folder.exists()), Path("/"))
    if not os.access(existing, os.W_OK) or shutil.disk_usage(existing).total == 0:  # 0: /proc, for example
        return "FAIL", f"{existing} cannot be written: alerts would be kept in memory only; set [state] folder"
    free = shutil.disk_usage(existing).free / 1e6
    if free < MIN_FREE_MB:
        return "warn", f"only {free:.0f} MB are free; delete files that are not needed"
    return "ok", f"{free:.0f} MB are free"


def check_temperature() -> Result:
    """Reads the temperature of the processor, and whether the Pi's firmware throttles it."""
    temperature = cpu_temperature()
    if throttled():
        return "warn", f"{temperature} °C, and the Pi is throttled: improve the cooling or the power supply"
    if temperature is None:
        return "ok", "this machine has no sensor"
    if temperature >= HOT:
        return "warn", f"{temperature} °C is too hot: improve the cooling"
    return "ok", f"{temperature} °C"


def check_clock() -> Result:
    """Asks whether the clock is synchronized, because alerts carry its time."""
    if clock_synced():
        return "ok", "synchronized"
    return "warn", "not synchronized: alert times may be wrong; check the network and `timedatectl`"
