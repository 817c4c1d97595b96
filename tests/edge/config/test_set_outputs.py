"""``maskwatch set outputs.NAME.option=value``, and zones of outputs where the page sets zones."""

from pathlib import Path

import pytest
from support import ROOT
from support.commands import maskwatch

from edge.config.edit import SettingsStore, names_of, parse, write
from edge.config.load import load
from edge.errors import ConfigError

LAMP = "[outputs.lamp] # at the door\ndriver = 'led' # red\npin = 3\n"
PORCH = {"name": "porch", "corners": [[0, 0], [1, 0], [1, 1]]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[mqtt]\nhost = 'a' # note\n", id="another section"),
        pytest.param(f"{LAMP}\n[mqtt]\nhost = 'a'\n", id="a table"),
        pytest.param(f"{LAMP}\n[mqtt]\nhost = 'a'\n\n[outputs.relay]\npin = 4\n", id="apart"),
        pytest.param(f"[outputs]\n\n{LAMP}[detect]\nmin_face = 50\n", id="with a header"),
        pytest.param("[outputs]\nlamp.driver = 'led' # red\nlamp.pin = 3\n", id="dotted"),
        pytest.param("[outputs]\nlamp = {driver = 'led', pin = 3} # red\n", id="inline"),
        pytest.param("outputs = {lamp = {driver = 'led', pin = 3}} # red\n", id="all inline"),
        pytest.param(LAMP.replace("\n", "\r\n"), id="Windows"),
        pytest.param(f"{LAMP}# [outputs.other]\n", id="a comment at the end"),
    ],
)
def test_options_of_outputs_are_changed_in_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_bytes(text.encode())
    write(file, parse(["outputs.lamp.driver=led", "outputs.lamp.pin=17", "outputs.lamp.when=mask,nobody"]))
    write(file, parse(["outputs.tell.driver=command", 'outputs.tell.program=["/bin/echo", "", "a b"]']))
    write(file, parse(["outputs.tell.timeout=3", "detect.min_face=70"]))
    config, written = load(file), file.read_bytes().decode()
    lamp, tell = (next(one for one in config.outputs if one.name == name) for name in ("lamp", "tell"))
    assert (lamp.pin, lamp.when) == (17, ("mask", "nobody"))  # type: ignore[attr-defined]
    assert (tell.program, tell.timeout) == (("/bin/echo", "", "a b"), 3.0)  # type: ignore[attr-defined]
    assert len(config.outputs) == 2 + ("relay" in text) and config.detect.min_face == 70
    assert written.count("#") == text.count("#") and written.count("\r") in (0, written.count("\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outputs = 5\n", "outputs must be a section, [outputs]"),
        ("[outputs]\nlamp = 5\n", "outputs.lamp: must be a table of one output"),
        ("outputs.siren.driver = 'led'\noutputs.siren.pin = 4\n[mqtt]\n", "cannot be changed by a program; change it"),
    ],
)
def test_what_cannot_be_changed_stays_as_it_is(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        write(file, parse(["outputs.lamp.driver=led", "outputs.lamp.pin=17"]))
    assert message in str(caught.value) and file.read_text() == text


def test_texts_need_no_quotes_and_names_are_said_in_full() -> None:
    typed = ["outputs.hook.url=https://a.b/c=d", "outputs.hook.zone=5", "outputs.lamp.pin=17", "mqtt.user=1"]
    values = parse(typed)
    hook = {"url": "https://a.b/c=d", "zone": "5"}
    assert values == {"outputs": {"hook": hook, "lamp": {"pin": 17}}, "mqtt": {"user": "1"}}
    assert names_of(values) == ["outputs.hook.url", "outputs.hook.zone", "outputs.lamp.pin", "mqtt.user"]


@pytest.mark.parametrize("typed", ["outputs.lamp=17", "outputs=17", "outputs.lamp.pin", "outputs"])
def test_an_output_needs_name_and_option(typed: str) -> None:
    with pytest.raises(ConfigError, match=r"outputs: use outputs\.NAME\.option=value, for example outputs\.lamp\.pin="):
        parse([typed])


def test_the_command_adds_an_output_to_a_copy_of_the_reference(tmp_path: Path) -> None:
    """The zone is one that the page has drawn: a sandboxed service keeps it in its state folder."""
    file, page = tmp_path / "maskwatch.toml", tmp_path / "state" / "page.toml"
    file.write_bytes((ROOT / "systemd" / "maskwatch.toml").read_bytes())
    page.parent.mkdir()
    page.write_text(f"[detect]\nzones = [{{name = 'porch', corners = {PORCH['corners']}}}]\n")
    changes = ["outputs.relay.pin=17", "outputs.relay.open_when=mask", "outputs.relay.zone=porch"]
    env = {"STATE_DIRECTORY": str(page.parent)}
    done = maskwatch("set", "--config", file, *changes, env=env)
    assert done.returncode == 0, done.stderr
    assert b"outputs.relay.pin, outputs.relay.open_when, outputs.relay.zone changed; restart" in done.stdout
    before = file.read_bytes()
    done = maskwatch("set", "--config", file, "outputs.relay.zone=prch", env=env)
    assert done.returncode == 2 and b"no zone of [detect] has this name; known: 'porch'" in done.stderr
    done = maskwatch("set", "--config", file, "detect.zones=[]", env=env)
    assert done.returncode == 2 and b"name a zone on the page or in detect.zones, or leave it empty" in done.stderr
    assert file.read_bytes() == before


def test_the_page_takes_no_zone_from_an_output(tmp_path: Path) -> None:
    """The output would not work any more, and nobody would be told why before."""
    file, state = tmp_path / "maskwatch.toml", tmp_path / "state"
    file.write_text(f"{LAMP}zone = 'porch'\n")
    store = SettingsStore(file, lambda config: state, {})
    assert store.load().outputs and store.keep({"detect": {"min_face": 70}}), "a zone that is lost is in nobody's way"
    file.write_text(f"{LAMP}zone = 'porch'\n[detect]\nzones = [{{name = 'porch', corners = {PORCH['corners']}}}]\n")
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"outputs\.lamp\.zone = 'porch'"):
        store.keep({"detect": {"zones": []}})
    assert file.read_bytes() == before and not state.exists()
    assert len(store.keep({"detect": {"zones": [PORCH, PORCH["corners"]]}}).detect.zones) == 2


def test_the_page_never_sets_outputs(tmp_path: Path) -> None:
    """Its file belongs to the service, and a command would run as whoever reads it."""
    file, page = tmp_path / "maskwatch.toml", tmp_path / "page.toml"
    file.write_text(LAMP)
    page.write_text(f"[detect]\nmin_face = 77\n[outputs.lamp]\npin = 5\n[outputs.tell]\nprogram = '{ROOT}/evil'\n")
    store = SettingsStore(file, lambda config: tmp_path, {})
    config = store.load()
    assert config.detect.min_face == 77 and config.outputs == load(file).outputs and len(config.outputs) == 1
    text = page.read_text()
    assert store.give_way({"outputs": {"lamp": {"pin": 6}}}) == [] and page.read_text() == text
