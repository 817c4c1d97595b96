"""``maskwatch set``: changing options in a file that users edit by hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

from edge.config import edit as settings
from edge.config.load import load
from edge.errors import ConfigError
from edge.serving.passwords import hash_password


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "maskwatch.toml"
    shutil.copy(ROOT / "systemd" / "maskwatch.toml", path)
    path.chmod(0o640)
    return path


def maskwatch_set(*args: str, state: str = "/nonexistent") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", "set", *args],
        cwd=ROOT, env={**os.environ, "STATE_DIRECTORY": state}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_options_are_changed_in_place_and_the_rest_of_the_file_is_kept(file: Path) -> None:
    before = file.read_text().splitlines()
    address = "rtsp://user:a%23b=c@camera/1"
    done = maskwatch_set(
        "--config", str(file), "--broker", "mqtts://door@broker.lan", f"source.source={address}", "decide.cool_down=10"
    )
    assert done.returncode == 0, done.stderr
    assert address not in done.stdout, "an address may hold a password"
    after = file.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split("=")[0].strip() for line in changed] == ["source", "cool_down", "host", "port", "user", "tls"]
    assert all("#" in line for line in changed), "the comments are kept"
    config = load(file)
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.user, config.mqtt.tls) == (
        "broker.lan", 8883, "door", True
    )  # fmt: skip
    assert (config.source.source, config.decide.cool_down) == (address, 10.0)
    assert file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(file.parent) == [file.name], "no other file is left in the folder"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[mqtt]\nhost = 'a' # note\n", id="another section"),
        pytest.param("[detect]\nmin_face = 'wrong'\n", id="a mistake that this mends"),
        pytest.param("detect.scale_step = 1.2\n", id="dotted"),
        pytest.param("detect = { scale_step = 1.2 }\n", id="inline"),
        pytest.param("[detect]\nzones = [\n  [[0, 0], [1, 0], # upper\n   [1, 1]],\n]\n\n[mqtt]\n", id="over lines"),
        pytest.param("[detect]\r\nscale_step = 1.2\r\n", id="Windows"),
    ],
)
def test_files_in_other_formats_can_be_changed(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    settings.write(file, {"detect": {"min_face": 60}})
    assert load(file).detect.min_face == 60
    settings.write(file, {"detect": {"zones": [[[0, 0], [1, 0], [0.5, 1]]]}})
    assert load(file).detect.zones == (((0, 0), (1, 0), (0.5, 1)),)
    assert "note" in file.read_text() or "note" not in text


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("detect.min_fase=60", "did you mean min_face?"),
        ("detect.min_face=6", "allowed: 24 to 1000"),
        ("detect.min_face=many", "must be a whole number"),
        ("detect.min_face", "section.option=value"),
        ("min_face=60", "section.option=value"),
        ("mqtt.user=me", "need mqtt.host"),
    ],
)
def test_an_invalid_value_is_refused_and_the_file_is_unchanged(file: Path, assignment: str, message: str) -> None:
    before = file.read_bytes()
    done = maskwatch_set("--config", str(file), assignment)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ["detect = 5 # why\n", "[[detect]]\nscale_step = 1.2\n"])
def test_a_section_of_the_wrong_kind_is_not_overwritten(file: Path, text: str) -> None:
    file.write_text(text)
    done = maskwatch_set("--config", str(file), "detect.min_face=60")
    assert done.returncode == 2 and "detect must be a section, [detect]" in done.stderr
    assert file.read_text() == text


def test_a_missing_file_or_value_is_reported(file: Path, tmp_path: Path) -> None:
    assert "--config FILE" in maskwatch_set("detect.min_face=60").stderr
    assert "nothing to change" in maskwatch_set("--config", str(file)).stderr
    assert "cannot be read" in maskwatch_set("--config", str(tmp_path / "none"), "detect.min_face=60").stderr


def test_set_replaces_the_value_that_was_set_on_the_page(file: Path, tmp_path: Path) -> None:
    """The sandboxed service may not write its file, so the settings of its page override the file."""
    state = tmp_path / "state"
    state.mkdir()
    page = state / "page.toml"
    page.write_text("# of the page\n[detect]\nmin_face = 40\nzones = [[[0, 0], [1, 0], [1, 1]]]\n")
    done = maskwatch_set("--config", str(file), "detect.min_face=60", "decide.cool_down=10", state=str(state))
    assert done.returncode == 0 and done.stdout.endswith("what was set on the page: detect.min_face\n"), done
    config = settings.SettingsStore(file, lambda config: state, {}).load()
    assert (config.detect.min_face, config.decide.cool_down, len(config.detect.zones)) == (60, 10.0, 1)
    assert "# of the page" in page.read_text() and sorted(os.listdir(state)) == ["audit.jsonl", "page.toml"]
    done = maskwatch_set("--config", str(file), "detect.min_face=70", state=str(state))
    assert done.returncode == 0 and "set on the page" not in done.stdout
    page.write_text("detect = 5 # by hand")
    done = maskwatch_set("--config", str(file), "detect.min_face=80", state=str(state))
    assert done.returncode == 0 and "set on the page" not in done.stdout and "Traceback" not in done.stderr


def test_the_password_that_was_set_on_the_page_is_enough_to_open_it_to_the_network(file: Path, tmp_path: Path) -> None:
    page, password_hash = tmp_path / "page.toml", hash_password("correct horse")
    page.write_text(f'[web]\npassword_hash = "{password_hash}"\n')
    done = maskwatch_set("--config", str(file), "web.enabled=true", "web.host=0.0.0.0", state=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert load(file).web.password_hash == password_hash and "password_hash" not in page.read_text()
    assert password_hash not in done.stdout


def test_what_the_command_line_gives_is_not_changed_on_the_page(file: Path) -> None:
    store = settings.SettingsStore(file, lambda config: file.parent, {"device": {"name": "front"}})
    before = file.read_text()
    with pytest.raises(ConfigError, match="device.name is given on the command line"):
        store.keep({"device": {"name": "back"}})
    assert file.read_text() == before and store.load().device.name == "front"


def test_a_symbolic_link_remains_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    settings.write(link, {"device": {"name": "porch"}})
    assert link.is_symlink() and load(file).device.name == "porch"


def test_a_folder_that_cannot_be_written_is_an_error(file: Path) -> None:
    """An open file can be read after its folder is deleted, and not even root can write into a deleted folder."""
    folder = file.parent / "gone"
    folder.mkdir()
    shutil.copy(file, folder)
    with (folder / file.name).open() as opened:
        shutil.rmtree(folder)
        with pytest.raises(ConfigError, match="cannot be written"):
            settings.write(Path(f"/dev/fd/{opened.fileno()}"), {"device": {"name": "porch"}})


def test_a_file_keeps_its_line_endings_and_its_encoding(file: Path) -> None:
    file.write_bytes("# Tür\r\n[device]\r\nname = 'a'\r\n".encode())
    code = "import sys; from pathlib import Path; from edge.config.edit import write\n"
    code += "write(Path(sys.argv[1]), {'device': {'name': 'b'}})"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, env=environment, check=True, timeout=60)
    assert file.read_bytes() == '# Tür\r\n[device]\r\nname = "b"\r\n'.encode()
    settings.write(file, {"device": {"name": "c"}, "web": {"port": 81}})
    added = file.read_bytes()
    assert added.count(b"\n") == added.count(b"\r\n") > 3, "what is added has the line ends of the file"


def test_the_file_is_read_once_at_the_start(tmp_path: Path) -> None:
    """A pipe gives its content once: a second reading would wait for ever, or read nothing."""
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    code = "import sys; from pathlib import Path; from edge.config.edit import SettingsStore\n"
    code += "store = SettingsStore(Path(sys.argv[1]), lambda config: Path(sys.argv[2]), {})\n"
    code += "print(store.load().device.name)\n"
    code += "kept = store.keep({'detect': {'min_face': 70}})\n"
    code += "print(kept.device.name, kept.detect.min_face)"
    command = [sys.executable, "-c", code, pipe, tmp_path / "state"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        pipe.write_text('[device]\nname = "porch"\n')
        assert process.communicate(timeout=60)[0] == "porch\nporch 70\n"
    assert "min_face = 70" in (tmp_path / "state" / "page.toml").read_text()


def test_the_place_of_the_page_s_settings_is_fixed_at_the_start(tmp_path: Path) -> None:
    """Another process may own the folder of the name that the file has been given since."""
    file = tmp_path / "door.toml"
    file.write_text("[device]\nname = 'kitchen'\n")
    store = settings.SettingsStore(tmp_path / "door.toml", lambda config: tmp_path / config.device.name, {})
    assert store.load().device.name == "kitchen"
    file.write_text("[device]\nname = 'hall'\n")
    assert store._load(with_page=False)[1] == tmp_path / "kitchen" / "page.toml"


@pytest.mark.parametrize(("typed", "code"), [("correct horse\n", 0), ("short\n", 2), ("", 2)])
def test_the_password_of_the_page_is_saved_as_a_hash(file: Path, typed: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge", "set", "--config", file, "--web-password"],
        cwd=ROOT, input=typed, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    saved = load(file).web.password_hash
    assert saved.startswith("scrypt$") if code == 0 else saved == "" and "8 or more" in done.stderr
    assert "horse" not in file.read_text() + done.stdout + done.stderr


@pytest.mark.parametrize(
    "text", ["", "[detect]\nmin_face = 50 # kept\n", "[detect]\n[[detect.zones]]\ncorners = [[0, 0], [1, 0], [1, 1]]\n"]
)
def test_named_zones_stay_in_their_section(tmp_path: Path, text: str) -> None:
    file = tmp_path / "door.toml"
    file.write_text(text)
    zones = [{"name": "left", "corners": [[0, 0], [1, 0], [0.5, 1]]}]
    settings.write(file, {"detect": {"zones": zones}})
    settings.write(file, {"detect": {"score": 0.7}, "web": {"port": 9000}})
    config = load(file)
    assert config.detect.zones[0].name == "left" and (config.detect.score, config.web.port) == (0.7, 9000)
