"""The outbox against a model: any order of puts, deliveries, refusals, restarts and kills."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support import until
from support.outboxes import RecordingOutbox

from edge.outbox.reading import peek, resend
from edge.outbox.sql import OutboxMessage


class AnOutbox(RuleBasedStateMachine):
    """Anything that may happen to an outbox, beside a model of two dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.path = self.folder / "0" / "outbox.db"
        self.alerts: dict[str, OutboxMessage] = {}
        self.dead: dict[str, tuple[OutboxMessage, str]] = {}
        self.copies = 0
        self.recording = RecordingOutbox(self.path)

    @rule(number=st.integers(0, 30), payload=st.binary(max_size=40))
    def put(self, number: int, payload: bytes) -> None:
        new = OutboxMessage(f"id-{number}", "t", payload)
        self.recording.outbox.put(new)
        self.alerts.setdefault(new.id, new)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        gone = self.alerts.pop(data.draw(st.sampled_from(sorted(self.alerts))))
        self.recording.outbox.delivered(gone)

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), reason=st.text(st.characters(codec="utf-8"), max_size=10))
    def refuse(self, data: st.DataObject, reason: str) -> None:
        bad = self.alerts.pop(data.draw(st.sampled_from(sorted(self.alerts))))
        self.recording.outbox.refused(bad, reason)
        self.dead.pop(bad.id, None)
        self.dead[bad.id] = (bad, reason)

    @rule()
    def reopen(self) -> None:
        self.recording.close()
        self._look_again()

    @rule()
    def be_killed(self) -> None:
        """What is on disk at this moment goes on without what the process still had to say at its end."""
        until(self._is_as_the_model)
        self.copies += 1
        copy = self.folder / str(self.copies)
        copy.mkdir()
        for file in self.path.parent.iterdir():
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        self.recording.close()
        self.path = copy / "outbox.db"
        self._look_again()

    @rule()
    def resend(self) -> None:
        until(self._is_as_the_model)
        assert resend(self.path) == len(self.dead)
        for id, (back, _) in self.dead.items():
            self.alerts.setdefault(id, back)
        self.dead.clear()

    @invariant()
    def all_is_well(self) -> None:
        assert not any(self.recording.troubles)

    def _look_again(self) -> None:
        self.recording = RecordingOutbox(self.path)
        assert self.recording.restored == ([list(self.alerts.values())] if self.alerts else [])
        assert self.recording.outbox.dead_letters == len(self.dead)
        assert self._is_as_the_model()

    def _is_as_the_model(self) -> bool:
        expected = [(id, reason) for id, (_, reason) in self.dead.items()]
        return peek(self.path) == (list(self.alerts.values()), expected)

    def teardown(self) -> None:
        until(self._is_as_the_model)
        self.recording.close()
        shutil.rmtree(self.folder)


TestAnOutbox = AnOutbox.TestCase
TestAnOutbox.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
