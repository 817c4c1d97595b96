"""edge.config.load: layers, defaults, and all faults reported at once; the reference file for users."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import ROOT
from support.reference import reference

from edge.config.load import load
from edge.config.schema import Config, options
from edge.errors import ConfigError

EXAMPLE = ROOT / "systemd" / "maskwatch.toml"
ZONE = [[0.2, 0.1], [0.8, 0.1], [0.8, 1.0]]
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "maskwatch.toml"
        path.write_text(text, "utf-8")
        return path

    return written


def refusal(path: Path | None, overrides: dict[str, dict[str, Any]] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return str(caught.value).splitlines()


def test_without_a_file_every_option_has_its_default() -> None:
    assert load(None) == Config()


def test_the_command_line_overrides_the_file(write: Write) -> None:
    path = write('[device]\nname = "back-door"\n[source]\nfps = 5\nwidth = 800\n[mqtt]\nhost = "a"\ntls = true\n')
    config = load(path, {"source": {"width": 1280}, "mqtt": {"host": "b"}})
    assert (config.device.name, config.source.fps, config.source.width) == ("back-door", 5.0, 1280)
    assert (config.mqtt.host, config.mqtt.tls, config.mqtt.port) == ("b", True, 1883)
    assert isinstance(config.source.fps, float)
    assert config.decide == Config().decide


def test_the_example_has_every_option_with_its_default_in_order() -> None:
    example = tomllib.loads(EXAMPLE.read_text("utf-8"))
    real = {name: {**section} for name, section in asdict(Config()).items() if name != "outputs"}
    real = json.loads(json.dumps(real))  # tuples become lists
    assert example == real
    order = [(section, key) for section, values in example.items() for key in values]
    assert order == [(section, key) for section, key, _, _ in options()]
    assert load(EXAMPLE) == Config()


def test_the_example_is_the_reference_with_every_help_text_and_limit() -> None:
    """tests/support/reference.py writes the file."""
    assert EXAMPLE.read_text("utf-8") == reference()


def test_every_option_has_a_help_text_and_an_acceptable_default() -> None:
    for section, key, default, allowed in options():
        assert allowed.help, f"{section}.{key}"
        given = {section: {key: default} | ({"host": ""} if section == "mqtt" else {})}
        assert load(None, given) == Config()


def test_all_faults_of_file_and_command_line_are_reported_at_once(write: Write) -> None:
    path = write('[source]\nwidht = 640\nfps = "fast"\n[decide]\nthreshold = 1.5\n[mqqt]\nhost = "a"\n')
    lines = refusal(path, {"device": {"name": "Front Door"}})
    assert len(lines) == 5
    assert lines[0] == f"{path}: source.widht: unknown; did you mean width?"
    assert "source.fps = 'fast'" in lines[1] and "a number" in lines[1]
    assert "decide.threshold = 1.5: out of range (allowed: 0.5 to 1)" in lines[2]
    assert "unknown section [mqqt]; did you mean mqtt?" in lines[3]
    assert lines[4].startswith("command line: device.name = 'Front Door'") and "a-z" in lines[4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("source = 3", "must be a section", id="a value where a section belongs"),
        pytest.param("[source]\nzebra = 1", "known: ca_file, fps", id="nothing near"),
        pytest.param("[source]\nwidth = 640.0", "a whole number", id="float for int"),
        pytest.param("[source]\nwidth = true", "a whole number", id="bool for int"),
        pytest.param("[source]\nrealtime = 1", "true or false", id="int for bool"),
        pytest.param("[device]\nname = 7", "text in quotes", id="int for text"),
        pytest.param("[source]\nfps = nan", "out of range", id="nan"),
        pytest.param("[source]\nfps = inf", "out of range", id="infinity"),
        pytest.param("[mqtt]\nport = 0", "1 to 65535", id="below the range"),
        pytest.param("[mqtt]\nport = 65536", "1 to 65535", id="above the range"),
        pytest.param('[device]\nname = ""', "topic", id="empty name"),
        pytest.param('[device]\nname = "a/b"', "topic", id="topic separator"),
        pytest.param('[device]\nname = "a\\n"', "topic", id="name with line end"),
        pytest.param('[mqtt]\nprefix = "a+b"', "topic", id="topic wildcard"),
        pytest.param('[mqtt]\nhost = "a\\u0000b"', "control characters", id="control character"),
        pytest.param("not toml", "is not TOML", id="not TOML"),
        pytest.param("[a]\n[a]", "is not TOML", id="section twice"),
        pytest.param("x = " + "[" * 50_000, "is not TOML", id="nested too deep"),
        pytest.param("[source]\nfps = 1" + "0" * 400, "source.fps", id="a number beyond floats"),
        pytest.param("[source]\nwidth = 1" + "0" * 5000, "is not TOML", id="a number beyond Python's limit"),
    ],
)
def test_an_invalid_file_is_refused(write: Write, text: str, message: str) -> None:
    assert message in refusal(write(text))[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none.toml") in refusal(tmp_path / "none.toml")[0]
    assert "cannot be read" in refusal(tmp_path)[0]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('[device]\nname = "tür"'.encode("latin-1"))
    assert "line 2 is not UTF-8" in refusal(tmp_path / "latin.toml")[0]


def test_zones_become_polygons(write: Write) -> None:
    assert load(write(f"[detect]\nzones = [{ZONE}]")).detect.zones == (((0.2, 0.1), (0.8, 0.1), (0.8, 1.0)),)


def test_a_zone_may_have_a_name(write: Write) -> None:
    corners = [[0.2, 0.1], [0.8, 0.1], [0.8, 1.0]]
    path = write(f'[detect]\nzones = [{corners}, {{name = "left door", corners = {corners}}}]')
    plain, named = load(path).detect.zones
    assert (plain.name, named.name) == ("", "left door")
    assert plain.plain == corners and named.plain == {"name": "left door", "corners": corners} and plain != named


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        pytest.param([ZONE] * 33, "at most 32", id="too many zones"),
        pytest.param([[[0.5, 0.5]] * 65], "at most 64", id="too many corners"),
        pytest.param([{"name": "a\nb", "corners": ZONE}], "one line", id="a name of two lines"),
        pytest.param([{"corners": ZONE, "colour": "red"}], "list of polygons", id="an unknown key"),
        pytest.param(ZONE, "list of polygons", id="one polygon without the list"),
        pytest.param([ZONE[:2]], "3 corners", id="two corners"),
        pytest.param([[[0, 0], [0, 2], [1, 1]]], "0 to 1", id="pixels"),
        pytest.param([[[0, 0], [0, float("nan")], [1, 1]]], "0 to 1", id="nan"),
        pytest.param([[[0, 0, 0], [0, 1], [1, 1]]], "list of polygons", id="three numbers"),
        pytest.param(1, "list of polygons", id="a number"),
        pytest.param("", "list of polygons", id="empty text"),
        pytest.param({}, "list of polygons", id="a table"),
        pytest.param([[["0.1", "0.2"], [0, 1], [1, 1]]], "list of polygons", id="numbers in quotes"),
        pytest.param([[[0, 10**400], [0, 1], [1, 1]]], "zones", id="a number beyond floats"),
    ],
)
def test_invalid_zones_are_refused(zones: Any, message: str) -> None:
    assert message in refusal(None, {"detect": {"zones": zones}})[0]


FILE = __file__
"""An existing file, so that only the contradiction is reported."""


@pytest.mark.parametrize(
    ("mqtt", "message"),
    [
        pytest.param({"host": "a b"}, "without spaces", id="spaces in the host"),
        pytest.param({"host": "a", "user": "u", "password_file": "/nowhere/p"}, "/nowhere/p", id="no such file"),
        pytest.param({"host": "a", "password_file": FILE}, "mqtt.user", id="password without user"),
        pytest.param({"host": "a", "tls": True, "key_file": FILE}, "mqtt.cert_file", id="key without certificate"),
        pytest.param({"host": "a", "ca_file": FILE}, "mqtt.tls = true", id="authority without TLS"),
        pytest.param({"user": "u"}, "mqtt.host", id="user without broker"),
        pytest.param({"tls": True}, "mqtt.host", id="TLS without broker"),
        pytest.param({"port": 1884}, "mqtt.port needs mqtt.host", id="port without broker"),
        pytest.param({"port": 1883}, "mqtt.port needs mqtt.host", id="the usual port without broker"),
        pytest.param({"host": "", "port": 8883}, "mqtt.port needs mqtt.host", id="port with an empty broker"),
        pytest.param({"host": "broker:1883"}, "mqtt.port", id="port in the host"),
        pytest.param({"host": "[::1]"}, "mqtt.host", id="IPv6 address in brackets"),
    ],
)
def test_contradictory_mqtt_options_are_refused(mqtt: dict[str, Any], message: str) -> None:
    lines = refusal(None, {"mqtt": mqtt})
    assert len(lines) == 1 and message in lines[0]


def test_a_port_and_a_broker_may_come_from_different_places(write: Write) -> None:
    assert load(write("[mqtt]\nport = 1884\n"), {"mqtt": {"host": "b"}}).mqtt.port == 1884
    assert load(write('[mqtt]\nhost = "fe80::1%eth0"\n'), {"mqtt": {"port": 1884}}).mqtt.port == 1884
    assert load(write('[mqtt]\nhost = ""\nport = 1883\n')) == Config(), "as in the example"


def test_decide_seconds_longer_than_the_window_are_refused() -> None:
    assert "decide.window" in refusal(None, {"decide": {"seconds": 2.0, "window": 1.0}})[0]


toml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=4)
)
keys = st.sampled_from(sorted({key for _, key, _, _ in options()})) | st.text()
sections = st.sampled_from(sorted({section for section, _, _, _ in options()})) | st.text()


@given(st.dictionaries(sections, st.dictionaries(keys, toml_values) | toml_values))
def test_any_data_give_a_config_or_a_config_error(data: dict[str, Any]) -> None:
    try:
        assert isinstance(load(None, data), Config)
    except ConfigError as error:
        assert str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text("[]{}='\"\n#.0aé", max_size=200).map(str.encode))
def test_any_bytes_give_a_config_or_a_config_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fuzz.toml"
    path.write_bytes(content)
    try:
        assert isinstance(load(path), Config)
    except ConfigError as error:
        assert str(path) in str(error)
