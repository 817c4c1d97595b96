"""The outbox against a model: any order of puts, deliveries, refusals, restarts and kills."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support import until
from support.outboxes import RecordingOutbox, RecordingSink, copy

from edge.outbox.reading import peek, resend
from edge.outbox.sql import OutboxMessage


class OutboxMachine(RuleBasedStateMachine):
    """Everything that can happen to an outbox, compared with a model of two dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.path = self.folder / "0" / "outbox.db"
        self.alerts: dict[str, OutboxMessage] = {}
        self.dead_letters: dict[str, tuple[OutboxMessage, str]] = {}
        self.copies = 0
        self.recording = self._open()

    @rule(number=st.integers(0, 30), payload=st.binary(max_size=40))
    def put(self, number: int, payload: bytes) -> None:
        new = OutboxMessage(f"id-{number}", "t", payload)
        self.recording.outbox.put(new)
        self._is_kept(new)

    def _is_kept(self, new: OutboxMessage) -> None:
        self.alerts.setdefault(new.id, new)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        delivered = self.alerts.pop(data.draw(st.sampled_from(sorted(self.alerts))))
        self.recording.outbox.delivered(delivered)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), reason=st.text(st.characters(codec="utf-8"), max_size=10))
    def refuse(self, data: st.DataObject, reason: str) -> None:
        refused = self.alerts.pop(data.draw(st.sampled_from(sorted(self.alerts))))
        self.recording.outbox.refused(refused, reason)
        self.dead_letters.pop(refused.id, None)
        self.dead_letters[refused.id] = (refused, reason)

    @rule()
    def reopen(self) -> None:
        self.recording.close()
        self._compare_restored()

    @rule()
    def kill(self) -> None:
        """Continues with the files as they are on disk at this moment, without what ``close`` would write."""
        until(self._equals_model)
        self.copies += 1
        copy = self.folder / str(self.copies)
        copy.mkdir()
        for file in self.path.parent.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        self.recording.close()
        self.path = copy / "outbox.db"
        self._compare_restored()

    @rule()
    def resend(self) -> None:
        until(self._equals_model)
        assert resend(self.path) == len(self.dead_letters)
        for id, (resent, _) in self.dead_letters.items():
            self.alerts.setdefault(id, resent)
        self.dead_letters.clear()

    @invariant()
    def has_no_problem(self) -> None:
        assert not any(self.recording.problems)

    def _open(self) -> RecordingOutbox:
        return RecordingOutbox(self.path)

    def _compare_restored(self) -> None:
        self.recording = self._open()
        assert self.recording.restored == ([list(self.alerts.values())] if self.alerts else [])
        assert self.recording.outbox.dead_letters == len(self.dead_letters)
        assert self._equals_model()

    def _equals_model(self) -> bool:
        expected = [(id, reason) for id, (_, reason) in self.dead_letters.items()]
        return peek(self.path) == (list(self.alerts.values()), expected)

    def teardown(self) -> None:
        until(self._equals_model)
        self.recording.close()
        shutil.rmtree(self.folder)


class SinkMachine(OutboxMachine):
    """The same with a sink, which takes and refuses copies whatever becomes of the alerts themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.recording.close()
        self.recording = self._open()

    def _open(self) -> RecordingOutbox:
        self.sink = RecordingSink("hook", lambda payload: len(payload) % 3 > 0)
        return RecordingOutbox(self.path, [self.sink])

    def _is_kept(self, new: OutboxMessage) -> None:
        super()._is_kept(new)
        if self.sink.wants(new.payload):
            super()._is_kept(copy(new))

    def _compare_restored(self) -> None:
        self.recording = self._open()
        of_sink, of_broker = [], []
        for one in self.alerts.values():
            (of_sink if "@" in one.id else of_broker).append(one)
        assert self.recording.restored == ([of_broker] if of_broker else [])
        assert self.sink.restored == ([of_sink] if of_sink else [])
        assert self.recording.outbox.dead_letters == sum("@" not in id for id in self.dead_letters)
        assert self._equals_model()


TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSinks = SinkMachine.TestCase
TestSinks.settings = settings(TestOutbox.settings, max_examples=10)
