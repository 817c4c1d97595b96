"""``maskwatch purge --alerts-before``: what is deleted beside an outbox in use, what stays, and what is noted."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from support import until
from support.commands import maskwatch
from support.outboxes import RecordingOutbox
from support.recorded import alert
from support.trails import trail

from edge.mqtt.messages import AlertMessage, encode
from edge.outbox.reading import history, peek
from edge.outbox.sql import OutboxMessage
from edge.record.times import day_start

DAY = "2026-11-20"
MIDNIGHT = day_start(date.fromisoformat(DAY))


def purge(folder: Path, *words: str) -> list[str]:
    done = maskwatch("purge", *words, env={"STATE_DIRECTORY": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8").splitlines()


def message(one: AlertMessage) -> OutboxMessage:
    return OutboxMessage(one.id, "maskwatch/porch/alert", encode(one))


def test_alerts_of_before_a_day_are_deleted_beside_an_outbox_in_use(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    delivered, refused, waiting, of_the_day = (alert(MIDNIGHT + after) for after in (-9000.0, -60.0, -0.5, 0.0))
    recording = RecordingOutbox(path)
    for one in (delivered, refused, waiting, of_the_day):
        recording.outbox.put(message(one))
    recording.outbox.delivered(message(delivered))
    recording.outbox.refused(message(refused), "too long")
    recording.outbox.delivered(message(of_the_day))
    until(lambda: recording.outbox.undeleted == 0)
    aside = tmp_path / "outbox.db.damaged-1.read"
    aside.write_bytes(encode(delivered))
    lines = purge(tmp_path, "--alerts-before", DAY)
    assert lines[1] == f"3 alerts from before {DAY} deleted from {path}, and 1 from those that were refused"
    assert lines[2].startswith("of that time still waiting: 1, each deleted once it is delivered")
    assert history(path)[1] == [encode(of_the_day)]
    assert [one.id for one in peek(path)[0]] == [waiting.id] and peek(path)[1] == []
    recording.outbox.delivered(message(waiting))
    recording.outbox.put(message(later := alert(MIDNIGHT + 60)))
    recording.close()
    assert history(path)[1] == [encode(later), encode(of_the_day)]
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name != "audit.jsonl")
    assert not aside.exists() and delivered.id.encode() not in content and refused.id.encode() not in content
    (line,) = trail(tmp_path)
    assert line["what"] == "purge" and line["by"], "who"
    assert (line["snapshots"], line["alerts_before"], line["alerts"], line["refused"]) == (0, DAY, 3, 1)
    assert recording.problems[-1] is None and set(recording.problems) == {None}, "and nobody was held up"


def test_without_it_alerts_stay_and_a_deletion_of_all_snapshots_is_noted(tmp_path: Path) -> None:
    recording = RecordingOutbox(tmp_path / "outbox.db")
    recording.outbox.put(message(alert(MIDNIGHT)))
    recording.close()
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "1.jpg").write_bytes(b"a picture")
    purge(tmp_path)
    assert not (tmp_path / "audit.jsonl").exists(), "what happens every hour is not noted"
    assert purge(tmp_path, "--all") == [f"1 snapshots deleted from {tmp_path / 'snapshots'}"]
    assert [(line["what"], line["snapshots"]) for line in trail(tmp_path)] == [("purge", 1)]
    assert len(history(tmp_path / "outbox.db")[1]) == 1


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "20261127"])
def test_a_day_that_is_none_deletes_nothing(text: str, tmp_path: Path) -> None:
    done = maskwatch("purge", "--alerts-before", text, env={"STATE_DIRECTORY": str(tmp_path)})
    assert done.returncode == 2 and b"--alerts-before" in done.stderr and b"like 2026-11-27" in done.stderr


def test_an_outbox_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database" * 1000)
    done = maskwatch("purge", "--alerts-before", DAY, env={"STATE_DIRECTORY": str(tmp_path)})
    assert done.returncode != 0 and b"no alert was deleted: " in done.stderr and b"Traceback" not in done.stderr
    with pytest.raises(sqlite3.Error):
        history(tmp_path / "outbox.db")
