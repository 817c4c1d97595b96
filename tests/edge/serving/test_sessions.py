"""edge.serving.sessions: who is logged in, over restarts of the process and of the machine, whatever the date is."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched
from support.users import open_folder, run_without_rights

from edge.serving.passwords import hash_password
from edge.serving.sessions import DAY, IDLE, LONGEST, Sessions, Tokens

PASSWORD = "correct horse"
HASH = "the hash of the password"


def edited(file: Path, **changes: Any) -> None:
    """Changes the file of the sessions as time, or another machine's clock, would have."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.json"


@pytest.fixture
def logged_in(file: Path) -> str:
    """A token of a session in the file."""
    sessions = Sessions(file, HASH)
    token = sessions.logins.create()
    sessions.write(sessions.content())
    return token


def aged(file: Path, seconds: float) -> None:
    """Makes everything in the file older."""
    kept = json.loads(file.read_text())
    older = {key: [age + seconds for age in ages] for key, ages in kept["sessions"].items()}
    edited(file, sessions=older)


def is_valid(file: Path, token: str, password_hash: str = HASH) -> bool:
    return Sessions(file, password_hash).logins.is_valid(token)


def test_a_session_is_kept_as_a_hash_that_only_the_owner_may_read(file: Path, logged_in: str) -> None:
    assert is_valid(file, logged_in) and not is_valid(file, logged_in + "x")
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert logged_in not in text and HASH not in text


def test_a_session_ends_after_its_last_use_and_in_any_case(file: Path, logged_in: str) -> None:
    aged(file, IDLE - 60)
    assert is_valid(file, logged_in)
    aged(file, 120)
    assert not is_valid(file, logged_in)
    (key,) = json.loads(file.read_text())["sessions"]
    edited(file, sessions={key: [LONGEST + 60, 0]})
    assert not is_valid(file, logged_in), "used a moment ago, but too old"


@pytest.mark.parametrize("years", [-50, -6, 6, 50])
def test_a_date_that_jumps_ends_no_session(file: Path, logged_in: str, years: int) -> None:
    edited(file, date=json.loads(file.read_text())["date"] - years * 365 * DAY)
    assert is_valid(file, logged_in), "the process was restarted"
    edited(file, boot="another start of the machine")
    assert is_valid(file, logged_in), "the machine was restarted"


def test_a_date_that_jumps_keeps_no_session_for_ever(file: Path, logged_in: str) -> None:
    for _ in range(6):
        edited(file, boot="another start of the machine", date=0)
        sessions = Sessions(file, HASH)
        sessions.write(sessions.content())
    assert is_valid(file, logged_in), "each restart counts as one day"
    for _ in range(2):
        edited(file, boot="another start of the machine", date=0)
        sessions = Sessions(file, HASH)
        sessions.write(sessions.content())
    assert not is_valid(file, logged_in)


def test_another_password_ends_every_session_but_knows_the_browsers(file: Path) -> None:
    sessions = Sessions(file, HASH)
    session, device = sessions.logins.create(), sessions.devices.create()
    sessions.write(sessions.content())
    again = Sessions(file, "another hash")
    assert not again.logins.is_valid(session) and again.devices.is_valid(device)
    again.write(again.content())
    assert not is_valid(file, session), "the first password again does not bring them back"


def test_the_number_is_bounded_and_the_one_used_longest_ago_ends() -> None:
    tokens = Tokens(60, 60, limit=2)
    first, second = tokens.create(), tokens.create()
    assert tokens.is_valid(first)
    third = tokens.create()
    assert [tokens.is_valid(token) for token in (first, second, third)] == [True, False, True]
    tokens.end(third)
    assert not tokens.is_valid(third) and not tokens.is_valid("")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"[" * 90_000, b"\xff\xfe", b"{}", b'{"sessions": 3}', b"x" * 200_000]
    + [json.dumps(kept).encode() for kept in (
        {"boot": "", "running": "x", "date": 0, "devices": {}, "password": "", "sessions": {}},
        {"boot": "", "running": 0, "date": 0, "devices": {"a" * 64: "x"}, "password": "", "sessions": {}},
        {"boot": "", "running": 0, "date": 0, "devices": {"a" * 64: [None, 1]}, "password": "", "sessions": {}},
        {"boot": "", "running": 0, "date": 0, "devices": {"a" * 64: []}, "password": "", "sessions": {}},
        {"boot": "", "running": 10**400, "date": 0, "devices": {}, "password": "", "sessions": {}},
        {"boot": "", "running": 0, "date": 0, "devices": {"a" * 64: [10**400, 1]}, "password": "", "sessions": {}},
    )],
)  # fmt: skip
def test_a_damaged_file_is_said_once_and_written_anew(
    file: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file.write_bytes(content)
    sessions = Sessions(file, HASH)
    assert "must log in" in caplog.text and caplog.text.count("\n") == 1
    token = sessions.logins.create()
    sessions.write(sessions.content())
    assert is_valid(file, token)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_keeps_no_session_for_ever(file: Path, logged_in: str, number: float) -> None:
    """A session with such an age also kept all sessions from being written."""
    kept = json.loads(file.read_text())
    edited(file, sessions=dict.fromkeys(kept["sessions"], [number, number]))
    assert not is_valid(file, logged_in)
    edited(file, **kept | {"running": number, "date": number})
    sessions = Sessions(file, HASH)
    sessions.write(sessions.content())
    ages = json.loads(file.read_text())["sessions"].values()
    assert all(0 <= age <= DAY + 60 for both in ages for age in both)


def test_a_pipe_in_place_of_the_file_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    sessions = Sessions(file, HASH)
    token = sessions.logins.create()
    sessions.write(sessions.content())
    assert file.is_file() and is_valid(file, token)


def test_without_a_folder_sessions_are_in_memory(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "nowhere" / "sessions.json", HASH)
    token = sessions.logins.create()
    sessions.write(sessions.content())
    assert sessions.logins.is_valid(token) and not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_written_is_said_once() -> None:
    code = (
        "s = Sessions(Path(sys.argv[1]), 'hash'); t = s.logins.create()\n"
        "for _ in range(3): s.write(s.content())\n"
        "assert s.logins.is_valid(t)"
    )
    with open_folder() as folder:
        done = run_without_rights(
            "import sys; from pathlib import Path; from edge.serving.sessions import Sessions",
            code,
            folder / "sessions.json",
        )
    assert done.returncode == 0 and done.stderr.count("cannot be written") == 1, done.stderr


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    text = f'password_hash = "{hash_password(PASSWORD)}"\n[state]\nfolder = "{tmp_path / "state"}"\n'
    (tmp_path / "state").mkdir()  # with --print, maskwatch makes none
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        yield door


def log_in(door: Watched) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    answer = door.client.ask("/login", "POST", f"password={PASSWORD}".encode(), **form)
    assert answer.status == 200, answer.text
    door.client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]


def status(door: Watched) -> int:
    door.process.wait_for("the page is at")
    return door.client.ask("/api/now").status


def test_who_is_logged_in_stays_logged_in_over_a_restart_and_a_kill(door: Watched) -> None:
    log_in(door)
    door.again()
    assert status(door) == 200
    os.kill(door.process.popen.pid, 9)
    door.process.end()
    door.process = door._start()
    assert status(door) == 200
    assert door.client.ask("/logout", "POST").status == 200
    os.kill(door.process.popen.pid, 9)
    door.process.end()
    door.process = door._start()
    assert status(door) == 401, "a session that was ended stays ended, also after a kill"


def test_another_password_ends_the_sessions(door: Watched) -> None:
    log_in(door)
    door.file.write_text(
        door.file.read_text().replace("password_hash = ", f'password_hash = "{hash_password("another one")}" #')
    )
    door.again()
    assert status(door) == 401


def test_what_is_open_ends_with_its_session(door: Watched) -> None:
    log_in(door)
    with door.client.stream("/events") as events, door.client.stream("/live.mjpeg") as live:
        assert events.status == live.status == 200 and events.readline() and live.readline()
        assert door.client.ask("/logout", "POST").status == 200
        for stream in (events, live):
            try:
                while stream.readline():
                    pass
            except OSError:
                continue
