"""What ``maskwatch set`` writes into the audit trail: each change, who made it, and never a secret."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from support.canaries import CAMERA, HOOK, KEY, PATH, QUERY, assert_clean, private
from support.commands import maskwatch
from support.mounts import remount, small_disk
from support.trails import command, trail
from support.users import NOBODY, open_folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def file(state: Path) -> Path:
    path = state.parent / "door.toml"
    path.write_text(f'[state]\nfolder = "{state}"\n')
    return path


def set_options(file: Path, *words: str) -> str:
    """Changes options; returns what the command prints."""
    code, out = command("set", "--config", str(file), *words)
    assert code == 0
    return out


def test_set_writes_a_line_for_each_option(file: Path, state: Path) -> None:
    set_options(file, "detect.min_face=60", "outputs.lamp.driver=led", "outputs.lamp.pin=17", "--detector", "yunet")
    lines = trail(state)
    assert {line["option"]: (line["old"], line["new"]) for line in lines} == {
        "detect.min_face": (48, 60),
        "detect.detector": ("haar", "yunet"),
        "outputs.lamp.driver": (None, "led or buzzer"),
        "outputs.lamp.pin": (None, 17),
    }
    assert {(line["what"], line["via"], len(line["config"])) for line in lines} == {("change", "set", 8)}
    assert all(re.fullmatch(r"\w+( as root)?", line["by"]) for line in lines)
    set_options(file, "detect.min_face=60")
    assert len(trail(state)) == 4, "nothing was changed"


def test_a_list_that_is_replaced_is_printed_and_nothing_else(file: Path, state: Path) -> None:
    assert " -> " not in set_options(file, "detect.min_face=60", "detect.zones=[[[0, 0], [1, 0], [1, 1]]]")
    shifts = '["früh 06:00-14:00", "late 14:00-22:00"]'
    assert f"report.shifts: [] -> {shifts}\n" in set_options(file, f"report.shifts={shifts}")
    output = ("outputs.tell.driver=command", 'outputs.tell.program=["/bin/echo", "a"]')
    out = set_options(file, "report.shifts=late 14:00-22:00", *output)
    assert out.count(" -> ") == 1 and f'report.shifts: {shifts} -> ["late 14:00-22:00"]\n' in out
    out = set_options(file, 'outputs.tell.program=["/bin/cat", "b"]')
    assert 'outputs.tell.program: ["/bin/echo", "(secret)"] -> ["/bin/cat", "(secret)"]\n' in out


def test_set_notes_a_new_password_without_its_hash(file: Path, state: Path) -> None:
    done = maskwatch("set", "--config", str(file), "--web-password", input=b"correct horse\n")
    assert done.returncode == 0, done.stderr
    (line,) = trail(state)
    assert (line["option"], line["old"], line["new"]) == ("web.password_hash", "", "(secret)")
    assert "scrypt" not in (state / "audit.jsonl").read_text() and "horse" not in (state / "audit.jsonl").read_text()


def test_no_secret_of_any_option_gets_into_the_trail(file: Path, state: Path, tmp_path: Path) -> None:

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
    assert len(trail(state)) > 5
    assert_clean({"trail": (state / "audit.jsonl").read_bytes(), "printed": command("audit", "--config", str(file))[1]})


def test_a_broken_file_that_is_mended_has_no_known_value_before(file: Path, state: Path) -> None:
    file.write_text(file.read_text() + "[detect]\nmin_face = 7\nscore = 0.7\n")
    set_options(file, "detect.min_face=60")
    assert [(line["option"], line["old"], line["new"]) for line in trail(state)] == [("detect.min_face", "unknown", 60)]


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
