"""``[outputs.NAME]``: tables of a driver each, what contradicts, and what they name on this machine."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT
from support.reference import OUTPUTS

from edge.config.load import load
from edge.config.outputs import DRIVERS, FAULTS, CommandConfig, PinConfig, RelayConfig, WebhookConfig
from edge.config.schema import Config
from edge.errors import ConfigError

URL = "https://hook.lan/alerts"
Tables = dict[str, dict[str, Any]]


def outputs(**tables: Any) -> Any:
    return load(None, {"outputs": tables}).outputs


def refusal(**tables: Any) -> str:
    """The only line about the tables."""
    with pytest.raises(ConfigError) as caught:
        outputs(**tables)
    (line,) = str(caught.value).splitlines()
    return line


def test_without_a_table_there_is_no_output() -> None:
    assert load(None).outputs == () and outputs() == ()


def test_each_table_is_an_output_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_text(
        '[outputs.lamp]\ndriver = "led"\npin = 17\nzone = "left"\n[outputs.relay]\npin = 4\nopen_when = "mask"\n'
        '[outputs.tell]\ndriver = "command"\nprogram = ["/bin/echo", "", "a b"]\ntimeout = 3\n'
    )
    assert load(file).outputs == (
        PinConfig(name="lamp", zone="left", pin=17),
        RelayConfig(name="relay", pin=4, open_when="mask"),
        CommandConfig(name="tell", program=("/bin/echo", "", "a b"), timeout=3.0),
    )


def test_a_later_layer_changes_options_and_another_driver_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_text('[outputs.lamp]\ndriver = "led"\npin = 17\nhold = 3\n')
    (lamp,) = load(file, {"outputs": {"lamp": {"pin": 18}}}).outputs
    assert lamp == PinConfig(name="lamp", pin=18, hold=3.0)
    assert load(file, {"outputs": {"lamp": {"driver": "buzzer"}}}).outputs == (
        PinConfig(name="lamp", pin=17, hold=3.0),
    )
    (hook,) = load(file, {"outputs": {"lamp": {"driver": "webhook", "url": URL}}}).outputs
    assert hook == WebhookConfig(name="lamp", url=URL)


def test_the_reference_has_every_option_of_every_driver_with_its_default_in_order() -> None:
    text = (ROOT / "systemd" / "maskwatch.toml").read_text("utf-8")
    commented = text.partition(OUTPUTS)[2].replace("\n# ", "\n")
    tables = tomllib.loads(commented.removeprefix("# "))["outputs"]
    assert list(tables) == list(DRIVERS)
    for driver, table in tables.items():
        options = {entry.name: entry.default for entry in fields(DRIVERS[driver]) if "allowed" in entry.metadata}
        assert list(table) == ["driver", *options] and table == json.loads(json.dumps({"driver": driver, **options}))


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_option_has_a_help_text_and_an_acceptable_default(driver: str) -> None:
    options = {entry.name: entry for entry in fields(DRIVERS[driver]) if "allowed" in entry.metadata}
    assert all(entry.metadata["allowed"].help for entry in options.values())
    with pytest.raises(ConfigError) as caught:
        outputs(**{driver: {name: entry.default for name, entry in options.items()} | {"when": ["x"]}})
    assert len(str(caught.value).splitlines()) == 1, "the situation alone is wrong"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"lamp": {"pin": 17}}, "outputs.lamp.driver: must say what this output is (allowed: led, buzzer, relay,"),
        ({"lamp": {"driver": "lamp"}}, "outputs.lamp.driver = 'lamp': unknown (allowed: led, buzzer,"),
        ({"lamp": {"driver": 3}}, "outputs.lamp.driver = 3: must be text in quotes"),
        (
            {"Lamp": {"driver": "led"}},
            "outputs.'Lamp': not usable as the name of an output (allowed: 1 to 32 of a-z 0-9",
        ),
        ({"x" * 33: {"driver": "led"}}, "not usable as the name of an output"),
        ({"front lamp": {}}, "outputs.'front lamp': not usable as the name of an output (allowed: 1 to 32 of a-z 0-9"),
        ({"led": 17}, "outputs.led: must be a table of one output, for example [outputs.lamp] with driver and pin"),
        ({"led": [{"pin": 17}]}, "outputs.led: must be a table"),
        ({"led": {"name": "x"}}, "outputs.led.name: unknown; known: active, driver, hold"),
        ({"led": {"drvier": "led"}}, "outputs.led.drvier: unknown; did you mean driver?"),
        ({"led": {"url": URL}}, "outputs.led.url: unknown; only for driver webhook"),
        ({"led": {"pin": True}}, "outputs.led.pin = True: must be a whole number (allowed: 0 to 27)"),
        ({"led": {"pin": 28}}, "outputs.led.pin = 28: out of range (allowed: 0 to 27)"),
        ({"led": {"pin": -2}}, "outputs.led.pin = -2: out of range (allowed: 0 to 27)"),
        ({"led": {"open_when": "mask"}}, "outputs.led.open_when: unknown; only for driver relay"),
        ({"webhook": {"pin": 1}}, "outputs.webhook.pin: unknown; only for driver led, buzzer, relay, servo"),
        ({"led": {"pin": 17, "hold": -1}}, "outputs.led.hold = -1: out of range (allowed: 0 to 3600)"),
        ({"led": {"when": []}}, "outputs.led.when: must name at least one (allowed: no_mask, incorrect_mask, mask, no"),
        ({"led": {"when": ["masc"]}}, "outputs.led.when: 'masc' is unknown (allowed: no_mask"),
        ({"led": {"when": [1]}}, "outputs.led.when: must be a list of texts"),
        ({"webhook": {"when": ["mask"]}}, "outputs.webhook.when: 'mask' is unknown (allowed: no_mask, incorrect_mask)"),
        ({"relay": {"open_when": "no_mask"}}, "outputs.relay.open_when = 'no_mask': unknown (allowed: \"\", mask)"),
        ({"sound": {"quiet": "22-6"}}, "outputs.sound.quiet = '22-6': must have two digits for each hour and minute"),
        (
            {"sound": {"quiet": "22:00 - 06:00"}},
            "and no spaces, for example 22:00-06:00 (allowed: HH:MM-HH:MM or empty",
        ),
        ({"sound": {"quiet": "22:00-25:00"}}, "no times of day: hours are 00 to 23, minutes 00 to 59"),
        ({"sound": {"quiet": "22:00-22:00"}}, "the two times are the same"),
        ({"command": {"timeout": 0}}, "outputs.command.timeout = 0: out of range (allowed: 0.1 to 600)"),
        ({f"l{n}": {"driver": "led", "pin": 1} for n in range(33)}, "33 outputs; at most 32 are allowed"),
    ],
)
def test_a_wrong_table_is_one_line(tables: Tables, message: str) -> None:
    assert message in refusal(**tables)


def test_a_section_of_outputs_must_be_tables() -> None:
    with pytest.raises(ConfigError, match=r"outputs must be a section, \[outputs\]"):
        load(None, {"outputs": 5})  # type: ignore[dict-item]


def test_one_text_names_several_situations_and_is_one_program() -> None:
    """As typed on a command line. A program is never split: no shell is between."""
    lamp, tell = outputs(led={"pin": 1, "when": "mask, nobody"}, command={"program": "/bin/echo"})
    assert lamp.when == ("mask", "nobody") and tell.program == ("/bin/echo",)
    (tell,) = outputs(command={"program": "/bin/echo -n"})
    assert tell.program == ("/bin/echo -n",)


INTERLOCK = {"pin": 1, "open_when": "mask"}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"led": {}}, "outputs.led.pin is missing: give the GPIO pin by its BCM number"),
        ({"servo": {"on": 5}}, "outputs.servo.pin is missing"),
        ({"led": {"pin": 4}, "buzzer": {"pin": 4}}, "outputs.buzzer.pin = 4: outputs.led.pin is this pin already"),
        ({"relay": {**INTERLOCK, "release_pin": 1}}, "outputs.relay.release_pin = 1: outputs.relay.pin is this pin"),
        ({"relay": {**INTERLOCK, "release_pin": 5}, "led": {"pin": 5}}, "outputs.relay.release_pin is this pin"),
        ({"led": {"pin": 1, "pulse": 2, "hold": 3}}, "outputs.led.hold is more than outputs.led.pulse"),
        ({"servo": {"pin": 1, "on": 0, "off": 0}}, "outputs.servo.on and outputs.servo.off are the same angle"),
        ({"relay": {**INTERLOCK, "pulse": 3}}, "outputs.relay.pulse has no meaning with outputs.relay.open_when"),
        ({"relay": {**INTERLOCK, "when": ["mask"]}}, "outputs.relay.when has no meaning with"),
        ({"relay": {"pin": 1, "release_pin": 2}}, 'outputs.relay.release_pin needs outputs.relay.open_when = "mask"'),
        ({"relay": {"pin": 1, "fail": "open"}}, "outputs.relay.fail needs outputs.relay.open_when"),
        ({"relay": {**INTERLOCK, "release_active": "high"}}, "release_active needs outputs.relay.release_pin"),
        ({"webhook": {}}, "outputs.webhook.url and outputs.webhook.url_file are both empty; set one of them"),
        ({"webhook": {"url": URL, "url_file": "/x"}}, "outputs.webhook.url_file are both set; leave one out"),
        ({"webhook": {"url": "hook.lan"}}, "outputs.webhook.url: must begin with http:// or https://; use an"),
        ({"command": {}}, "outputs.command.program is missing: give a program"),
        ({"command": {"program": ["tell"]}}, "outputs.command.program must begin with an absolute path"),
        ({"command": {"program": ["~/tell"]}}, "outputs.command.program must begin with an absolute path"),
        ({"sound": {"languages": []}}, "outputs.sound.languages: must name 1 to 8 languages"),
        ({"sound": {"files": "/x", "languages": ["EN!"]}}, "outputs.sound.languages: 'EN!' must be a language such as"),
        (
            {"sound": {"languages": ["english"]}},
            "speaks no 'english'; choose from de, en, es, fr, it, zh, or name a folde",
        ),
        ({"sound": {"when": ["nobody"]}}, "outputs.sound.when: maskwatch says nothing in the situation nobody"),
        ({"sound": {"languages": ["tlh"]}}, "outputs.sound.languages: maskwatch speaks no 'tlh'; choose from"),
    ],
)
def test_a_contradiction_is_one_line(tables: Tables, message: str) -> None:
    assert message in refusal(**tables)


def test_what_is_wrong_is_named_at_once_with_the_file(tmp_path: Path) -> None:
    """Options that are refused, options that are missing, and what the command line adds."""
    file = tmp_path / "maskwatch.toml"
    file.write_text("[mqtt]\nuser = 'a'\n[outputs.led]\npin = 99\n[outputs.buzzer]\n[outputs.webhook]\nurl = 'x'\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {"mqtt": {"port": 1}, "decide": {"window": 0.1}})
    begins = [
        f"{file}: outputs.led.pin = 99",
        "command line: decide.seconds is more than decide.window",
        "command line: mqtt.port needs mqtt.host",
        f"{file}: mqtt.user and mqtt.tls need mqtt.host",
        f"{file}: outputs.buzzer.pin is missing",
        f"{file}: outputs.webhook.url: must begin",
    ]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(begins) and all(map(str.startswith, lines, begins)), lines


def test_two_outputs_of_one_name_are_told_apart_from_other_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_text("[outputs.led]\npin = 1\n[outputs.led]\npin = 2\n")
    with pytest.raises(ConfigError, match="a section, or an output, stands there twice: rename one"):
        load(file)


def test_a_short_pulse_needs_no_other_hold_and_each_output_its_own_pin() -> None:
    assert len(outputs(led={"pin": 0, "pulse": 0.2}, relay={**INTERLOCK, "release_pin": 2}, servo={"pin": 27})) == 3


values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["/bin/sh", URL, *DRIVERS, *FAULTS]),
    lambda inner: st.lists(inner, max_size=3),
)
keys = st.sampled_from(sorted({entry.name for kind in DRIVERS.values() for entry in fields(kind)} | {"driver"}))


@given(st.dictionaries(st.sampled_from(list(DRIVERS)) | st.text(), st.dictionaries(keys | st.text(), values) | values))
def test_any_tables_give_a_config_or_a_config_error(tables: dict[str, Any]) -> None:
    try:
        assert isinstance(load(None, {"outputs": tables}), Config)
    except ConfigError as error:
        assert str(error)
