"""``maskwatch audit``: who changed what, and whether trail and counts are as they were written."""

import io
import os
import re
import sqlite3
import time
from contextlib import closing, redirect_stdout
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.canaries import assert_clean, private
from support.commands import ASCII, maskwatch
from support.mounts import remount, small_disk
from support.recorded import fill_counts
from support.users import NOBODY, open_folder

from edge.__main__ import parser
from edge.errors import ConfigError, FileError
from edge.record.audit import AuditTrail
from edge.record.audit_reading import entries, faults_of_chain, read_lines
from edge.record.counts import Counts
from edge.record.day_lines import bounds, day_values, kept_from
from edge.record.reading import read
from edge.record.sql import SLOTS_KEPT

TODAY = date.today()
DAYS = [TODAY - timedelta(days=age) for age in (3, 2, 1)]
CAME = Counts(people=3, mask=2, no_mask=1, alerts=1, watched=900.5)


def seal(folder: Path, day: date) -> None:
    values = day_values(day, read(folder / "record.db", *bounds(day)))
    AuditTrail(folder / "audit.jsonl").append("day", values | {"model": "mask@1", "config": "01234567"})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with counts and checksums of three days."""
    folder = tmp_path / "state"
    folder.mkdir()
    for day in DAYS:
        fill_counts(folder / "record.db", [(bounds(day)[0] + 3600 * hour, CAME) for hour in (0, 9, 23)])
        seal(folder, day)
    return folder


def audit(folder: Path, *words: str, **env: str) -> Any:
    """The command as a process."""
    return maskwatch("audit", *words, env={"STATE_DIRECTORY": str(folder)} | env)


def command(*words: str) -> tuple[int, str]:
    """A command in this process, which costs less; returns its exit code and what it prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        args = parser(words[0]).parse_args(words)
        code = args.run(args)
    return code, out.getvalue()


def verified(folder: Path) -> tuple[int, list[str]]:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("STATE_DIRECTORY", str(folder))
        code, out = command("audit", "--verify")
    return code, out.splitlines()


def execute(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "record.db")) as db, db:
        db.execute(statement)


def trail(folder: Path) -> list[dict[str, Any]]:
    lines = read_lines(folder / "audit.jsonl")
    assert list(faults_of_chain(lines)) == []
    return list(entries(lines))


@pytest.fixture
def state_is(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tells commands in this process which state folder is theirs."""
    return lambda folder: monkeypatch.setenv("STATE_DIRECTORY", str(folder))


# What is printed.


def test_lines_for_people(tmp_path: Path) -> None:
    made = AuditTrail(tmp_path / "audit.jsonl")
    start = {"version": "1.0", "model": "mask@1", "detector": "haar", "config": "01234567", "options": {}}
    edited = [{"option": "detect.score", "old": 0.6, "new": 0.7}]
    change = {"option": "detect.min_face", "old": 48, "new": 60, "by": "pi as root", "via": "set", "config": "x"}
    made.append("start", start | {"edited": edited})
    made.append("change", change)
    made.append("change", change | {"option": "web.password_hash", "old": "", "new": "(secret)"})
    made.append("pause", {"by": "on the page by ::1"})
    made.append("mute", {"by": "over MQTT", "output": "lamp"})
    made.append("day", {"day": "2026-11-26", "people": 9, "alerts": 3, "sha256": "ab", "model": "m", "config": "x"})
    made.append("pause", {"by": "Jürg"})
    made.append("\x1b[31m", {"by": "\x1b[31m\udce9", "edited": 7})
    for env, name in (({"PYTHONUTF8": "1"}, "Jürg"), (ASCII, "J\\xfcrg")):
        done = audit(tmp_path, **env)
        assert done.returncode == 0 and b"\x1b" not in done.stdout, done.stderr
        lines = done.stdout.decode().splitlines()
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d  ", line) for line in lines)
        texts = [re.sub(r" \(the clock was not synchronized\)$", "", line[27:]) for line in lines]
        assert texts == [
            "start    version 1.0, model mask@1, detector haar, configuration 01234567; edited otherwise: "
            "detect.score: 0.6 -> 0.7",
            "change   detect.min_face: 48 -> 60, by pi as root (set)",
            'change   web.password_hash: "" -> (secret), by pi as root (set)',
            "pause    by on the page by ::1",
            "mute     by over MQTT, output lamp",
            "day      2026-11-26: 9 people, 3 alerts, sha256 ab",
            f"pause    by {name}",
            "\\x1b[31m    by \\x1b[31m\\xe9, edited 7",
        ]


def test_lines_of_some_days_as_they_are_in_the_file(tmp_path: Path, state_is: Any) -> None:
    made = AuditTrail(tmp_path / "audit.jsonl")
    for age in (5, 3, 1):
        made.append("pause", {"age": age}, datetime(2026, 3, 29, 12).timestamp() - 86400 * age)
    state_is(tmp_path)
    _, out = command("audit", "--json", "--from", "2026-03-26", "--to", "2026-03-26")
    assert out.encode() == read_lines(tmp_path / "audit.jsonl")[1] + b"\n"
    assert command("audit", "--from", "2026-03-25")[1].count("\n") == 2
    assert command("audit", "--to", "2026-03-25")[1].count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--from", "yesterday"], "is not a date"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "exchange the two"),
        (["--verify", "--from", "2026-11-02"], "leave out --from and --to"),
    ],
)
def test_wrong_words_are_refused(words: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        command("audit", *words)


def test_without_a_trail(tmp_path: Path, state_is: Any) -> None:
    state_is(tmp_path)
    code, out = command("audit")
    assert code == 0 and "nothing was noted yet" in out
    assert command("audit", "--json") == (0, "")
    code, out = command("audit", "--verify")
    assert code == 1 and "nothing to check" in out
    assert os.listdir(tmp_path) == []


def test_a_trail_that_cannot_be_read(tmp_path: Path, state_is: Any) -> None:
    state_is(tmp_path)
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(FileError, match="cannot be read: it is no file$"):
        command("audit")


# What is checked.


def test_a_trail_and_counts_that_nobody_has_changed(state: Path) -> None:
    code, lines = verified(state)
    last = trail(state)[-1]["hash"]
    assert (code, lines) == (0, [f"3 lines and the counts of 3 days are as they were written; the last hash is {last}"])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counts SET mask = mask + 1 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET watched = watched + 0.001 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "DELETE FROM counts WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET slot = slot + 900 WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "UPDATE counts SET model = 'other' WHERE slot IN (SELECT slot FROM counts LIMIT 1)",
        "INSERT INTO counts SELECT NULL, slot + 900, detector, model, people, mask, no_mask, incorrect_mask, unsure, "
        "alerts, watched, paused, blind, unsynced FROM counts LIMIT 1",
    ],
)
def test_counts_that_were_changed_are_noticed(state: Path, statement: str) -> None:
    execute(state, statement)
    code, (fault,) = verified(state)
    assert code == 1 and fault.startswith(f"{DAYS[0]}: the counts are not those of its checksum any more: they were 3 ")


def test_each_fault_has_a_sentence(state: Path) -> None:
    execute(state, f"DELETE FROM counts WHERE slot >= {bounds(DAYS[1])[0]}")
    file = state / "audit.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"people":9', b'"people":8', 1))
    code, faults = verified(state)
    assert code == 1 and [fault.partition(":")[0].partition(" (")[0] for fault in faults] == [
        "line 1",
        str(DAYS[1]),
        str(DAYS[2]),
    ]
    (state / "record.db").unlink()
    assert verified(state)[1][1].endswith("record.db does not exist: the counts of 3 days are missing")


def test_a_day_to_which_counts_were_added_is_right_after_a_further_line(state: Path) -> None:
    fill_counts(state / "record.db", [(bounds(DAYS[2])[0] + 7200, CAME)])
    assert verified(state)[0] == 1
    seal(state, DAYS[2])
    assert verified(state)[0] == 0


def test_a_day_that_is_not_over_is_not_checked(state: Path) -> None:
    fill_counts(state / "record.db", [(time.time(), CAME)])
    seal(state, TODAY)
    fill_counts(state / "record.db", [(time.time(), CAME)])
    assert verified(state)[0] == 0


def test_days_are_those_of_the_time_zone_in_which_they_were_counted(state: Path) -> None:
    done = audit(state, "--verify", TZ="Asia/Kathmandu")
    assert done.returncode == 0, done.stdout


def test_counts_that_were_deleted_for_their_age_are_no_fault(state: Path) -> None:
    old = TODAY - timedelta(days=401)
    fill_counts(state / "record.db", [(bounds(old)[0], CAME)])
    seal(state, old)
    execute(state, f"DELETE FROM counts WHERE slot < {bounds(old)[1]}")
    assert verified(state)[0] == 0


def test_counts_may_be_deleted_for_their_number_only_where_there_are_so_many() -> None:
    """Two detectors in turn make more slots than there are in 400 days."""
    now, first = time.time(), bounds(DAYS[0])
    assert kept_from([int(first[0])] * SLOTS_KEPT, now) == first[1]
    assert kept_from([int(first[0])] * (SLOTS_KEPT - 1), now) == kept_from([], now) < first[0]


def test_a_damaged_record_is_said_in_one_sentence(state: Path) -> None:
    (state / "record.db").write_bytes(b"no database" * 100)
    with pytest.raises(FileError, match="cannot be read: file is not a database$"):
        verified(state)


# What maskwatch set writes.


@pytest.fixture
def file(state: Path) -> Path:
    path = state.parent / "door.toml"
    path.write_text(f'[state]\nfolder = "{state}"\n')
    return path


def set_options(file: Path, *words: str) -> str:
    code, out = command("set", "--config", str(file), *words)
    assert code == 0
    return out


def test_set_writes_a_line_for_each_option(file: Path, state: Path) -> None:
    set_options(file, "detect.min_face=60", "outputs.lamp.driver=led", "outputs.lamp.pin=17", "--detector", "yunet")
    lines = trail(state)[3:]
    assert {line["option"]: (line["old"], line["new"]) for line in lines} == {
        "detect.min_face": (48, 60),
        "detect.detector": ("haar", "yunet"),
        "outputs.lamp.driver": (None, "led or buzzer"),
        "outputs.lamp.pin": (None, 17),
    }
    assert {(line["what"], line["via"], len(line["config"])) for line in lines} == {("change", "set", 8)}
    assert all(re.fullmatch(r"\w+( as root)?", line["by"]) for line in lines)
    set_options(file, "detect.min_face=60")
    assert len(trail(state)) == 7, "nothing was changed"


def test_set_notes_a_new_password_without_its_hash(file: Path, state: Path) -> None:
    done = maskwatch("set", "--config", str(file), "--web-password", input=b"correct horse\n")
    assert done.returncode == 0, done.stderr
    (line,) = trail(state)[3:]
    assert (line["option"], line["old"], line["new"]) == ("web.password_hash", "", "(secret)")
    assert "scrypt" not in (state / "audit.jsonl").read_text() and "horse" not in (state / "audit.jsonl").read_text()


def test_no_secret_of_any_option_gets_into_the_trail(file: Path, state: Path, tmp_path: Path) -> None:
    from urllib.parse import quote

    from support.canaries import CAMERA, HOOK, KEY, PATH, QUERY

    secrets = [quote(one, safe="") for one in (CAMERA, PATH, QUERY, HOOK, KEY)]
    camera, path, query, hook, key = secrets
    set_options(
        file,
        f"source.source=rtsp://admin:{camera}@10.0.0.7/{path}?password={query}",
        "outputs.hook.driver=webhook",
        f"outputs.hook.url=https://hook.lan/{hook}",
        "outputs.tell.driver=command",
        f'outputs.tell.program=["/bin/sh", "-c", "{key}"]',
    )
    private(tmp_path / "password", "x")
    set_options(file, "source.source=rtsp://10.0.0.7/", "source.user=a", f"source.password_file={tmp_path}/password")
    set_options(file, "outputs.hook.url=https://hook.lan/", f'outputs.tell.program=["/bin/echo", "{hook}"]')
    assert len(trail(state)) > 8
    assert_clean({"trail": (state / "audit.jsonl").read_bytes(), "printed": command("audit", "--config", str(file))[1]})


def test_a_broken_file_that_is_mended_has_no_known_value_before(file: Path, state: Path) -> None:
    file.write_text(file.read_text() + "[detect]\nmin_face = 7\nscore = 0.7\n")
    set_options(file, "detect.min_face=60")
    assert [(line["option"], line["old"], line["new"]) for line in trail(state)[3:]] == [
        ("detect.min_face", "unknown", 60)
    ]


def test_before_the_first_start_there_is_no_trail(file: Path, tmp_path: Path) -> None:
    file.write_text(f'[state]\nfolder = "{tmp_path}/none"\n')
    assert "audit" not in set_options(file, "detect.min_face=60")
    assert not (tmp_path / "none").exists()


def test_a_new_name_is_noted_in_the_folder_of_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, old = tmp_path / "door.toml", tmp_path / "maskwatch" / "entrance"
    old.mkdir(parents=True)
    file.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    set_options(file, "device.name=kitchen")
    assert [(line["option"], line["new"]) for line in trail(old)] == [("device.name", "kitchen")]


def test_a_change_that_cannot_be_noted_is_made_all_the_same(file: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.chmod(0o755)
        folder = disk / "state"
        folder.mkdir()
        file.write_text(f'[state]\nfolder = "{folder}"\n')
        remount(disk, "ro")
        out = set_options(file, "detect.min_face=60")
        assert "min_face = 60" in file.read_text() and out.count("the audit trail") == 1
        assert f"because it cannot be written ({folder}/audit.jsonl: Read-only file system)\n" in out


def test_what_root_writes_belongs_to_the_owner_of_the_folder() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    with open_folder() as place:
        file, folder = place / "door.toml", place / "state"
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
        file.write_text(f'[state]\nfolder = "{folder}"\n')
        set_options(file, "detect.min_face=60")
        status = (folder / "audit.jsonl").stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (NOBODY, NOBODY, 0o600)
