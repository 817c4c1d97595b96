"""Measures many doors on one broker: simulated cameras send what real ones send, and the arrival of alerts is timed.

Everything stays on this machine: mosquitto runs on loopback and ends with the measurement.
"""

import heapq
import os
import random
import resource
import selectors
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ..errors import BrokerError, ConfigError
from ..monitor.machine import resident_mb
from ..mqtt.embedded_broker import HOST
from ..mqtt.messages import Health, State, Stats, encode
from ..mqtt.topics import Topics
from ..timing import wait_until
from .brokers import Broker, mosquitto
from .delivery import AlertListener, example_alert
from .progress import Progress, no_progress
from .stopwatch import percentiles

MAX_DOORS = 5000
MessageKind = Literal["alert", "state", "stats"]
INTERVALS: dict[MessageKind, float] = {"alert": 60.0, "state": 5.0, "stats": 30.0}
"""Seconds between two messages of a door: a busy door, with somebody without a mask every minute."""
DURATION = 20.0
"""Seconds of traffic after every door has connected."""
CONNECT_TIMEOUT = 60.0
DRAIN_TIMEOUT = 10.0
SPARE_FILES = 200
"""Open files beside the doors' connections."""
STATS = Stats(15.0, 100_000, 0, 12.0, 1.5, 14.0, 52.3, False, 98.0, 0, 86_400)


class SimulatedDoor:
    """The MQTT side of a camera: last will, availability, commands, alerts, states and statistics."""

    def __init__(self, number: int, broker: Broker) -> None:
        self._topics = Topics("maskwatch", f"door{number}")
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"maskwatch-door{number}", protocol=broker.protocol
        )
        self.connected = False
        self.client.on_connect = self._on_connect
        self.client.will_set(self._topics.status, b"offline", qos=1, retain=True)
        self.client.connect(HOST, broker.port, keepalive=120)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        self.connected = True
        client.subscribe(self._topics.enabled_set, 1)
        client.publish(self._topics.status, b"online", 1, retain=True)
        client.publish(self._topics.health, encode(Health("ok", "mask")), 1, retain=True)

    def publish(self, kind: MessageKind, sent: dict[str, float]) -> None:
        """Publishes one message; ``sent`` gets the time of an alert by its id."""
        if kind == "alert":
            message = example_alert(self._topics.device)
            sent[message.id] = time.perf_counter()
            self.client.publish(self._topics.alert, encode(message), 1)
        elif kind == "state":
            self.client.publish(self._topics.state, encode(State(people=random.randrange(3))), 1, retain=True)
        else:
            self.client.publish(self._topics.stats, encode(STATS), 0)


class Fleet:
    """Runs all doors in the calling thread, because a thread per door would measure this machine's scheduler.

    Raises ``BrokerError`` if not all doors can connect.
    """

    def __init__(self, count: int, broker: Broker, progress: Progress) -> None:
        self.doors: list[SimulatedDoor] = []
        self._selector = selectors.DefaultSelector()
        for number in range(count):
            door = SimulatedDoor(number, broker)
            self.doors.append(door)
            connection: Any = door.client.socket()
            self._selector.register(connection, selectors.EVENT_READ, door)
            self.exchange(0)
            progress("connecting", number + 1)
        if not wait_until(self._all_connected, CONNECT_TIMEOUT, pause=0):
            missing = sum(not door.connected for door in self.doors)
            raise BrokerError(f"{missing} of {count} doors did not connect within {CONNECT_TIMEOUT:.0f} s")

    def _all_connected(self) -> bool:
        self.exchange(0.05)
        return all(door.connected for door in self.doors)

    def exchange(self, timeout: float) -> None:
        """Reads what the broker has sent and writes what waits; waits for at most ``timeout`` seconds."""
        for key, _ in self._selector.select(timeout):
            key.data.client.loop_read()
        for door in self.doors:
            if door.client.want_write():
                door.client.loop_write()

    def run(self, duration: float, sent: dict[str, float], progress: Progress) -> None:
        """Publishes the messages of every door, each kind at its interval from a random start."""
        due = [
            (random.random() * interval, number, kind)
            for number in range(len(self.doors))
            for kind, interval in INTERVALS.items()
        ]
        heapq.heapify(due)
        started = time.monotonic()
        while (now := time.monotonic() - started) < duration:
            while due[0][0] <= now:
                moment, number, kind = heapq.heappop(due)
                self.doors[number].publish(kind, sent)
                heapq.heappush(due, (moment + INTERVALS[kind], number, kind))
            self.exchange(max(0.0, min(due[0][0] - now, 0.02)))
            progress("seconds", int(now))

    def close(self) -> None:
        """Disconnects all doors."""
        for door in self.doors:
            door.client.disconnect()
        self.exchange(0.1)
        self._selector.close()


def measure_fleet(count: int, duration: float = DURATION, progress: Progress = no_progress) -> dict[str, Any]:
    """Measures what ``count`` doors (at most ``MAX_DOORS``) cost one mosquitto.

    Raises ``ConfigError`` for too many doors and ``BrokerError`` if mosquitto is not installed.
    """
    if count > MAX_DOORS:
        raise ConfigError(f"{count} doors are more than one process can simulate: at most {MAX_DOORS}")
    _raise_file_limit(count + SPARE_FILES)
    sent: dict[str, float] = {}
    with mosquitto() as broker, closing(AlertListener(broker)) as listener:
        with closing(Fleet(count, broker, progress)) as fleet:
            cpu_before, started = _cpu_seconds(broker.pid), time.monotonic()
            fleet.run(duration, sent, progress)
            elapsed, cpu = time.monotonic() - started, _cpu_seconds(broker.pid) - cpu_before

            def all_arrived() -> bool:
                fleet.exchange(0.01)
                return len(listener.received) >= len(sent)

            wait_until(all_arrived, DRAIN_TIMEOUT, pause=0)
            memory = resident_mb(broker.pid)
    received = listener.received
    delays = [received[alert_id] - moment for alert_id, moment in sent.items() if alert_id in received]
    return {
        "doors": count,
        "seconds": elapsed,
        "alerts": len(sent),
        "lost": len(sent) - len(delays),
        "messages_a_second": count * sum(1 / interval for interval in INTERVALS.values()),
        "broker": broker.name,
        "broker_cores": cpu / elapsed,
        "broker_rss_mb": memory,
    } | percentiles(delays)


def _raise_file_limit(needed: int) -> None:
    """Raises the soft limit of open files. Raises ``BrokerError`` if the hard limit is lower than ``needed``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BrokerError(f"this many doors need {needed} open files, and this user may have {hard}: use fewer doors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))


def _cpu_seconds(pid: int) -> float:
    """Returns the processor seconds that a process has used: fields 14 and 15 of proc(5)'s ``stat``."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
