"""``maskwatch outbox``, and the check of ``maskwatch doctor``: what waits for outputs is told apart."""

from pathlib import Path

from support.commands import maskwatch
from support.outboxes import RecordingOutbox, RecordingSink, copy, fill_outbox, message

from edge.doctor.service import check_outbox


def outbox(folder: Path, *words: str) -> list[str]:
    done = maskwatch("outbox", *words, env={"STATE_DIRECTORY": str(folder)})
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8").splitlines()


def test_what_waits_for_an_output_is_listed_apart(tmp_path: Path) -> None:
    recording = RecordingOutbox(tmp_path / "outbox.db", [RecordingSink("hook"), RecordingSink("tell")])
    for number in range(3):
        recording.outbox.put(message(number))
        recording.outbox.delivered(message(number))
    recording.outbox.refused(copy(message(0), "hook"), "answers 404")
    recording.outbox.delivered(copy(message(1), "tell"))
    recording.outbox.delivered(copy(message(2), "tell"))
    recording.close()
    lines = outbox(tmp_path)
    assert lines[0].startswith("0 alerts wait for the broker, 0 were refused (")
    assert lines[1:3] == [
        "2 alerts wait for output hook, 1 was refused",
        "1 alert waits for output tell, 0 were refused",
    ]
    assert [line.split("  ")[0] for line in lines[3:-1]] == [
        "waiting for tell", "waiting for hook", "waiting for hook", "refused",
    ]  # fmt: skip
    assert lines[-2:] == [
        f"refused  {message(0).id}@hook  answers 404",
        "maskwatch outbox --resend puts the refused alerts back into the queue",
    ]
    both = ("hook", "tell")
    status, text = check_outbox(tmp_path / "outbox.db", both)
    assert status == "warn" and text.startswith("0 wait for the broker and 3 for outputs, 1 were refused")
    assert (
        outbox(tmp_path, "--resend")[0] == "1 refused alert is in the queue again, and sent when maskwatch starts next"
    )
    assert check_outbox(tmp_path / "outbox.db", both) == (
        "ok", "0 wait for the broker and 4 for outputs, 0 were refused"
    )  # fmt: skip


def test_what_waits_for_an_output_that_is_gone_can_be_deleted(tmp_path: Path) -> None:
    recording = RecordingOutbox(tmp_path / "outbox.db", [RecordingSink("hook"), RecordingSink("tell")])
    for number in range(3):
        recording.outbox.put(message(number))
    recording.outbox.refused(copy(message(0), "tell"), "answers 404")
    recording.close()
    status, text = check_outbox(tmp_path / "outbox.db", ["hook"])
    assert status == "warn" and "output tell of its alerts is not configured any more" in text
    assert text.endswith("or delete them: maskwatch outbox --discard tell") and "hook is" not in text
    lines = outbox(tmp_path, "--discard", "tell")
    assert lines[0] == "output tell: 2 alerts that waited and 1 that it had refused are deleted"
    assert lines[1].startswith("3 alerts wait for the broker, 0 were refused (")
    assert lines[2] == "3 alerts wait for output hook, 0 were refused" and not any("tell" in line for line in lines[3:])
    assert outbox(tmp_path, "--discard", "")[0].startswith("output : 0 alerts"), "never those of the broker"
    assert outbox(tmp_path)[0].startswith("3 alerts wait for the broker")


def test_what_waits_for_an_output_that_is_configured_stays(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text('[outputs.tell]\ndriver = "command"\nprogram = ["/bin/true"]\n')
    done = maskwatch("outbox", "--discard", "tell", "--config", str(file), env={"STATE_DIRECTORY": str(tmp_path)})
    assert done.returncode == 2 and b"output tell is configured, and gets its alerts; remove its table" in done.stderr


def test_without_outputs_it_is_as_it_was(tmp_path: Path) -> None:
    fill_outbox(tmp_path / "outbox.db", 2)
    lines = outbox(tmp_path)
    assert lines[0].startswith("2 alerts wait for the broker, 1 was refused (")
    assert [line.split("  ")[0] for line in lines[1:-1]] == ["waiting", "waiting", "refused"]
    assert check_outbox(tmp_path / "outbox.db")[1].startswith("2 wait for the broker, 1 were refused, the last one")
