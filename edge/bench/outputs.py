"""Measures the time from a decision to the outputs: a lamp at a simulated pin, and a webhook on loopback."""

import http.server
import importlib.util
import json
import os
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..config.outputs import PinConfig, Situation, WebhookConfig
from ..config.schema import Config
from ..errors import OutputError
from ..monitor.state import StateFiles
from ..mqtt.embedded_broker import HOST
from ..mqtt.messages import encode
from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage
from ..outputs.driver import Actuator
from ..outputs.opening import open_outputs
from ..outputs.outputs import Outputs
from ..outputs.situation import Person, Presence
from .delivery import TIMEOUT, example_alert
from .stopwatch import percentiles

PAUSE = 0.01
"""Seconds between two measurements, in which all threads come to rest."""
LAMP = PinConfig(name="lamp", pin=17, hold=0.0, release=0.0)


T = TypeVar("T")
Events = queue.SimpleQueue[tuple[T, float]]
"""What happened, and when (``perf_counter``)."""


def measure_outputs(changes: int = 200) -> dict[str, Any]:
    """Returns percentiles of the milliseconds from a decision to the lamp's change, and from an alert to its request.

    Raises ``OutputError`` if an output does not do what it must.
    """
    return {
        "changes": changes,
        "pins": "gpiozero's simulated pins" if _has_gpiozero() else "no pins, because the extra gpio is missing",
        "lamp": percentiles(_lamp_delays(changes)),
        "webhook": percentiles(_webhook_delays(changes)),
    }


def _lamp_delays(changes: int) -> list[float]:
    """Lets somebody without a mask come and go before the real thread ``outputs``."""
    delays = []
    with _simulated_pins():
        lamp = TimedActuator(_open_lamp())
        with closing(Outputs([(LAMP, lamp)], [], [], _ignore)) as outputs:
            for number in range(changes):
                people = (Person("no_mask", 0.5, 0.5),) if number % 2 == 0 else ()
                decided = time.perf_counter()
                outputs.see(Presence(time.monotonic(), people, interval=TIMEOUT))
                delays.append(lamp.next_change(on=bool(people)) - decided)
                time.sleep(PAUSE)
    return delays


class TimedActuator:
    """Passes on to an actuator, if there is one, and notes when each change was done."""

    def __init__(self, actuator: Actuator | None) -> None:
        self._actuator = actuator
        self._changes = Events[bool]()

    def set(self, on: bool, situation: Situation) -> None:
        if self._actuator:
            self._actuator.set(on, situation)
        self._changes.put((on, time.perf_counter()))

    def close(self) -> None:
        if self._actuator:
            self._actuator.close()

    def next_change(self, on: bool) -> float:
        """Waits until it is on, or off; returns when it was (``perf_counter``)."""
        return _next(self._changes, on, "the lamp did not change")


def _open_lamp() -> Actuator | None:
    if not _has_gpiozero():
        return None
    from ..outputs.pins import PinOutput

    return PinOutput(LAMP)


def _has_gpiozero() -> bool:
    return importlib.util.find_spec("gpiozero") is not None


@contextmanager
def _simulated_pins() -> Iterator[None]:
    """Lets gpiozero simulate its pins: a measurement must not drive what is connected to this machine."""
    before = os.environ.get("GPIOZERO_PIN_FACTORY")
    os.environ["GPIOZERO_PIN_FACTORY"] = "mock"
    try:
        yield
    finally:
        del os.environ["GPIOZERO_PIN_FACTORY"]
        if before is not None:
            os.environ["GPIOZERO_PIN_FACTORY"] = before


def _webhook_delays(alerts: int) -> list[float]:
    """Sends alerts through a real outbox, as the loop does, to a web server of this process."""
    delays = []
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder, _server() as (url, received):
        config = Config(outputs=(WebhookConfig(name="webhook", url=url),))
        with closing(open_outputs(config, _ignore)) as outputs:
            with closing(Outbox(StateFiles(Path(folder)).outbox, Silent(), sinks=outputs.sinks)) as outbox:
                for _ in range(alerts):
                    alert = example_alert("bench")
                    decided = time.perf_counter()
                    outbox.put(OutboxMessage(alert.id, "alert", encode(alert)), broker=False)
                    delays.append(_next(received, alert.id, "the webhook got no request") - decided)
                    time.sleep(PAUSE)
    return delays


class Silent:
    """Listens to an outbox whose messages are for the webhook alone."""

    def outbox_restored(self, messages: list[OutboxMessage]) -> None: ...

    def outbox_written(self, problem: str | None) -> None: ...

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None: ...


@contextmanager
def _server() -> Iterator[tuple[str, Events[str]]]:
    """Serves on loopback; yields its address, and the id of each alert when its request was read."""
    received = Events[str]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put((json.loads(body)["id"], time.perf_counter()))
            self.send_response_only(204)
            self.end_headers()

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="webhook-server", daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/", received
        finally:
            server.shutdown()
            thread.join()


def _next(events: Events[T], expected: T, failure: str) -> float:
    """Waits for an event; returns when it happened. Raises ``OutputError`` with ``failure`` after ``TIMEOUT``."""
    while True:
        try:
            event, moment = events.get(timeout=TIMEOUT)
        except queue.Empty:
            raise OutputError(f"{failure} within {TIMEOUT:.0f} s") from None
        if event == expected:
            return moment


def _ignore(part: str, problem: str | None) -> None:
    """Takes a report to health, which a measurement does not have."""
