"""Doors that raise alerts and count at a real broker, and what a store must have of them at the end."""

import json
import random
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import date
from typing import Any

import paho.mqtt.client as paho
from support.phone import alert

from edge.mqtt.day_counts import SLOT_COLUMNS
from edge.record.counts import SLOT_S

DOORS = [f"door{number}" for number in range(8)]
MODEL = "m@1"


class RaisingDoors:
    """Raises an alert every ``pace`` seconds, each at one of ``DOORS``, as long as it is not closed.

    Like the outbox of a door, it sends an alert again, with the same id, until the broker has acknowledged it. Every
    connection has a client of its own, which begins with what was not acknowledged.
    """

    def __init__(self, port: int, pace: float) -> None:
        self.raised: dict[str, str] = {}
        self.watched = dict.fromkeys(DOORS, 0)
        self._day = str(date.today())  # one day, and one slot of it, whatever time it is
        self._slot = int(time.time()) // SLOT_S * SLOT_S
        self._port = port
        self._pace = pace
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._sent: dict[int, str] = {}
        self._answers: deque[int] = deque()
        self._stopping = threading.Event()
        self._client: paho.Client | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """The alerts that the broker has not acknowledged."""
        return len(self._waiting)

    def stop_raising(self) -> None:
        """Raises nothing more, and goes on to send what waits."""
        self._stopping.set()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()

    def _run(self) -> None:
        while not self._stopping.is_set() or self._waiting:
            if self._client is None or not self._client.is_connected():
                self._connect()
            if not self._stopping.is_set():
                self._raise()
            time.sleep(self._pace)
            while self._answers:
                self._waiting.pop(self._sent.pop(self._answers.popleft(), ""), None)

    def _connect(self) -> None:
        if self._client:
            self._client.loop_stop()
        self._sent.clear()
        self._answers.clear()
        self._client = client = paho.Client(paho.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.on_publish = lambda c, u, mid, reason, p: self._answers.append(mid)
        accepted = threading.Event()
        client.on_connect = lambda *_: accepted.set()
        with suppress(OSError):
            client.connect("127.0.0.1", self._port)
            client.loop_start()
        if accepted.wait(2):
            for id, (door, payload) in self._waiting.items():
                self._send(id, door, payload)
            for door in DOORS:  # as a real door does on every connection: the broker may have lost them
                self._say_counts(door)

    def _raise(self) -> None:
        door = random.choice(DOORS)
        payload = alert(door)
        id = json.loads(payload)["id"]
        self.raised[id] = door
        self._waiting[id] = door, payload
        self._send(id, door, payload)
        self.watched[door] += 1
        self._say_counts(door)

    def _send(self, id: str, door: str, payload: bytes) -> None:
        assert self._client is not None
        self._sent[self._client.publish(f"maskwatch/{door}/alert", payload, 1).mid] = id

    def _say_counts(self, door: str) -> None:
        assert self._client is not None
        self._client.publish(f"maskwatch/{door}/counts/{self._day}", self.counts(door), 1, retain=True)

    def counts(self, door: str) -> bytes:
        """The day's counts of a door, which grow with each alert."""
        values = dict.fromkeys(SLOT_COLUMNS, 0) | {"start": self._slot, "people": self.watched[door]}
        values["watched_s"] = min(self.watched[door], SLOT_S)
        series = [{"detector": "haar", "model": MODEL, "slots": [list(values.values())]}]
        day: dict[str, Any] = {"day": self._day, "detector": "haar", "model": MODEL, "config": "", "hours": []}
        return json.dumps({"schema": 1, **day, "series": series}).encode()
