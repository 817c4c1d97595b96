"""An outbox with the queue of one webhook, and a receiver that answers as it is told."""

import json
import threading
from pathlib import Path
from typing import Any

from support.outboxes import RecordingOutbox
from support.phone import alert

from edge.config.outputs import WebhookConfig
from edge.config.zone import Zone
from edge.outbox.reading import peek
from edge.outbox.sql import OutboxMessage
from edge.outputs.driver import Failure
from edge.outputs.sink import SinkWorker
from edge.timing import Backoff

LATER, NEVER = Failure("answers 503", retry=True), Failure("answers 404", retry=False)


class Receiver:
    """Takes alerts; ``answers`` are given first, and ``blocked`` makes it wait until it is closed."""

    def __init__(self) -> None:
        self.answers: list[Failure | None | Exception] = []
        self.attempts: list[str] = []
        self.taken: list[str] = []
        self.payloads: list[bytes] = []
        self.blocked = False
        self.closed = threading.Event()

    def deliver(self, payload: bytes) -> Failure | None:
        id = json.loads(payload)["id"]
        self.payloads.append(payload)
        self.attempts.append(id)
        if self.blocked:
            self.closed.wait(30)
            return Failure("maskwatch ends", retry=True)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            self.taken.append(id)
        return answer

    def close(self) -> None:
        self.closed.set()


class SinkDoor:
    """An outbox with one sink."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outbox.db"
        self.problems: list[str | None] = []
        self.receiver = Receiver()

    def open(self, zones: tuple[Zone, ...] = (), capacity: int = 100, **options: Any) -> "SinkDoor":
        self.receiver = Receiver()
        self.sink = SinkWorker(
            WebhookConfig(name="hook", **options),
            self.receiver,
            zones,
            lambda part, problem: self.problems.append(problem),
            backoff=Backoff(0.01, 0.02),
            capacity=capacity,
        )
        self.recording = RecordingOutbox(self.path, [self.sink])
        return self

    def raise_alert(self, id: str, **values: Any) -> None:
        payload = alert("door", id=id, **values)
        self.recording.outbox.put(OutboxMessage(id, "maskwatch/door/alert", payload), broker=False)

    def close(self) -> None:
        self.recording.close()

    @property
    def waiting(self) -> list[str]:
        return [message.id for message in peek(self.path)[0]]

    @property
    def dead(self) -> list[tuple[str, str]]:
        return peek(self.path)[1]
