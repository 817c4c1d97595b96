"""Many doors on one broker: simulated cameras that say what real ones say, and when the alerts arrive.

All of it stays on this machine: mosquitto is started on loopback, and ends with the measurement.
"""

import heapq
import os
import random
import resource
import selectors
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ..errors import BrokerError, ConfigError
from ..monitor.machine import resident_mb
from ..mqtt.embedded_broker import HOST
from ..mqtt.messages import Health, State, Stats, encode
from ..mqtt.topics import Topics
from .brokers import Broker, mosquitto
from .delivery import Listener, an_alert
from .stopwatch import percentiles

MOST = 5000
ALERT_EVERY, STATE_EVERY, STATS_EVERY = 60.0, 5.0, 30.0
"""Seconds between two of a door's messages: a busy door, with somebody bare every minute."""
SECONDS = 20.0
"""Seconds of traffic, after every door has connected."""
STATS = Stats(15.0, 100_000, 0, 12.0, 1.5, 14.0, 52.3, False, 98.0, 0, 86_400)

Progress = Callable[[str, int], None]


class SimulatedDoor:
    """A camera's MQTT side without the camera: last will, availability, commands, alerts, states and statistics."""

    def __init__(self, number: int, broker: Broker) -> None:
        self._topics = Topics("maskwatch", f"door{number}")
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"maskwatch-door{number}", protocol=broker.protocol
        )
        self.up = False
        self.client.on_connect = self._greet
        self.client.will_set(self._topics.status, b"offline", qos=1, retain=True)
        self.client.connect(HOST, broker.port, keepalive=120)

    def _greet(self, client: paho.Client, *_: Any) -> None:
        self.up = True
        client.subscribe(self._topics.enabled_set, 1)
        client.publish(self._topics.status, b"online", 1, retain=True)
        client.publish(self._topics.health, encode(Health("ok", "mask")), 1, retain=True)

    def say(self, what: str, sent: dict[str, float]) -> None:
        """One message; of an alert, the moment is noted."""
        if what == "alert":
            message = an_alert(self._topics.device)
            sent[message.id] = time.perf_counter()
            self.client.publish(self._topics.alert, encode(message), 1)
        elif what == "state":
            self.client.publish(self._topics.state, encode(State(people=random.randrange(3))), 1, retain=True)
        else:
            self.client.publish(self._topics.stats, encode(STATS), 0)


class Fleet:
    """All doors in one thread: a thread each would measure this machine's scheduler."""

    def __init__(self, count: int, broker: Broker, progress: Progress) -> None:
        self.doors: list[SimulatedDoor] = []
        self._selector = selectors.DefaultSelector()
        for number in range(count):
            door = SimulatedDoor(number, broker)
            self.doors.append(door)
            connection: Any = door.client.socket()
            self._selector.register(connection, selectors.EVENT_READ, door)
            self.turn(0)
            progress("connecting", number + 1)
        deadline = time.monotonic() + 60
        while not all(door.up for door in self.doors):
            self.turn(0.05)
            if time.monotonic() > deadline:
                raise BrokerError(f"{sum(not door.up for door in self.doors)} of {count} doors cannot connect")

    def turn(self, wait: float) -> None:
        """Takes what the broker sent, for at most ``wait`` seconds if there is nothing."""
        for key, _ in self._selector.select(wait):
            key.data.client.loop_read()
        for door in self.doors:
            if door.client.want_write():
                door.client.loop_write()

    def run(self, seconds: float, sent: dict[str, float], progress: Progress) -> None:
        """Every door says what it says, each at moments of its own."""
        every = {"alert": ALERT_EVERY, "state": STATE_EVERY, "stats": STATS_EVERY}
        due = [(random.random() * pause, n, what) for n in range(len(self.doors)) for what, pause in every.items()]
        heapq.heapify(due)
        started = time.monotonic()
        while (now := time.monotonic() - started) < seconds:
            while due[0][0] <= now:
                moment, number, what = heapq.heappop(due)
                self.doors[number].say(what, sent)
                heapq.heappush(due, (moment + every[what], number, what))
            self.turn(max(0.0, min(due[0][0] - now, 0.02)))
            progress("seconds", int(now))

    def close(self) -> None:
        for door in self.doors:
            door.client.disconnect()
        self.turn(0.1)
        self._selector.close()


def fleet(count: int, seconds: float = SECONDS, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """What ``count`` doors (at most ``MOST``) cost one mosquitto. Raises ``BrokerError`` when that is not installed."""
    if count > MOST:
        raise ConfigError(f"{count} doors are more than one process can play: at most {MOST}")
    _allow_files(count + 200)
    sent, heard = dict[str, float](), dict[str, float]()
    with mosquitto() as broker, closing(Listener(broker, heard)):
        with closing(Fleet(count, broker, progress)) as doors:
            before, started = _cpu(broker.pid), time.monotonic()
            doors.run(seconds, sent, progress)
            lasted, cpu = time.monotonic() - started, _cpu(broker.pid) - before
            deadline = time.monotonic() + 10
            while len(heard) < len(sent) and time.monotonic() < deadline:
                doors.turn(0.01)
            memory = resident_mb(broker.pid)
    found = [heard[name] - moment for name, moment in sent.items() if name in heard]
    return {
        "doors": count,
        "seconds": lasted,
        "alerts": len(sent),
        "lost": len(sent) - len(found),
        "messages_a_second": count * (1 / ALERT_EVERY + 1 / STATE_EVERY + 1 / STATS_EVERY),
        "broker": broker.name,
        "broker_cores": cpu / lasted,
        "broker_rss_mb": memory,
    } | percentiles(found)


def _allow_files(wanted: int) -> None:
    """Raises ``BrokerError`` when this user may not open so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BrokerError(f"so many doors need {wanted} open files, and this user may have {hard}: fewer doors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _cpu(pid: int) -> float:
    """Processor seconds that a process has used: fields 14 and 15 of proc(5)'s stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
