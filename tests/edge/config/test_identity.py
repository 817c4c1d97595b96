"""edge.config.identity: what is not a default, what has changed, and the id of it; never a secret."""

import json
from typing import Any

import pytest

from edge.config.identity import changes, config_id, edits, options_in_use
from edge.config.load import apply
from edge.config.schema import Config

CANARY = "Kanari"


def config(**sections: dict[str, Any]) -> Config:
    faults: list[str] = []
    applied = apply(Config(), [("file", sections)], faults)  # whether the options go together does not matter here
    assert not faults
    return applied


def test_the_defaults_have_an_id_and_no_options() -> None:
    assert options_in_use(Config()) == {} and len(config_id(Config())) == 8
    assert int(config_id(Config()), 16) >= 0


def test_the_id_depends_on_every_option_but_on_no_secret() -> None:
    ids = {
        config_id(config(**sections))
        for sections in (
            {},
            {"detect": {"min_face": 60}},
            {"detect": {"zones": [[[0, 0], [1, 0], [1, 1]]]}},
            {"detect": {"zones": [{"name": "a", "corners": [[0, 0], [1, 0], [1, 1]]}]}},
            {"report": {"shifts": ["early 06:00-14:00", "late 14:00-22:00"]}},
            {"outputs": {"lamp": {"driver": "led", "pin": 17}}},
            {"outputs": {"lamp": {"driver": "led", "pin": 18}}},
            {"outputs": {"sound": {}}},
        )
    }
    assert len(ids) == 8
    one, other = (config(web={"password_hash": f"$scrypt${CANARY}{n}"}) for n in "12")
    assert config_id(one) == config_id(other) != config_id(Config())


def test_the_id_stays_when_the_order_in_the_file_changes() -> None:
    one = config(detect={"min_face": 60}, decide={"threshold": 0.9})
    assert config_id(one) == config_id(config(decide={"threshold": 0.9}, detect={"min_face": 60}))


def test_a_change_has_the_old_and_the_new_value() -> None:
    before, after = config(decide={"frames": 5}), config(detect={"min_face": 60})
    assert changes(before, after) == [
        {"option": "detect.min_face", "old": 48, "new": 60},
        {"option": "decide.frames", "old": 5, "new": 4},
    ]
    assert changes(after, after) == []


def test_outputs_come_and_go() -> None:
    before = config(outputs={"lamp": {"driver": "led", "pin": 17}, "sound": {}})
    after = config(outputs={"lamp": {"driver": "led", "pin": 17, "hold": 2.0}, "relay": {"pin": 4}})
    assert changes(before, after) == [
        {"option": "outputs.lamp.hold", "old": 1.0, "new": 2.0},
        {"option": "outputs.sound.driver", "old": "sound", "new": None},
        {"option": "outputs.relay.driver", "old": None, "new": "relay"},
        {"option": "outputs.relay.pin", "old": None, "new": 4},
    ]


def test_a_change_of_a_secret_is_noticed_and_not_shown() -> None:
    before, after = (config(web={"password_hash": f"$scrypt${CANARY}{n}"}) for n in "12")
    assert changes(before, after) == [{"option": "web.password_hash", "old": "(secret)", "new": "(secret)"}]
    assert changes(Config(), after) == [{"option": "web.password_hash", "old": "", "new": "(secret)"}]


@pytest.mark.parametrize(
    "sections",
    [
        {"source": {"source": f"rtsp://admin:{CANARY}@10.0.0.7/stream"}},
        {"source": {"source": f"http://10.0.0.7/snap.cgi?password={CANARY}"}},
        {"source": {"source": "rtsp://10.0.0.7/", "user": "admin", "password_file": f"/etc/{CANARY}"}},
        {"homeassistant": {"page": f"https://page.lan/{CANARY}"}},
        {"web": {"password_hash": CANARY}},
        {"sign": {"link_hash": CANARY}},
        {"store": {"address_file": f"/{CANARY}"}},
        {"outputs": {"hook": {"driver": "webhook", "url": f"https://hook.lan/{CANARY}"}}},
        {"outputs": {"hook": {"driver": "webhook", "url": "https://hook.lan/", "token_file": f"/{CANARY}"}}},
        {"outputs": {"tell": {"driver": "command", "program": ["/bin/tell", f"--token={CANARY}"]}}},
        {"outputs": {"tell": {"driver": "command", "program": [f"/bin/tell --token={CANARY}"]}}},
    ],
    ids=str,
)
def test_no_secret_is_shown(sections: dict[str, Any]) -> None:
    after = config(**sections)
    texts = json.dumps([options_in_use(after), changes(Config(), after), changes(after, Config()), edits({}, after)])
    assert CANARY not in texts and len(options_in_use(after)) >= 1


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("report", {"shifts": ["early 06:00-14:00", "ward 4: late @ night 22:00-06:00"]}),
        ("detect", {"zones": [{"name": "left: the bed", "corners": [[0, 0], [1, 0], [1, 1]]}]}),
        ("web", {"allowed_hosts": ["door.example.org", "*.example.net", "[::1]"], "host": "::1", "base_path": "/door"}),
        ("web", {"trusted_proxies": ["127.0.0.1", "10.1.0.0/16", "fd00::/8"], "certificate": "/etc/door/web.pem"}),
        ("sign", {"languages": ["de", "zh"], "texts": "/etc/door/texts.toml", "logo": "logo.png"}),
        ("source", {"source": "/dev/v4l/by-path/platform-1000480000.usb-usb-0:1.4:1.0-video-index0", "user": "viewer"}),
        ("source", {"source": "usb:1"}),
        ("source", {"source": "rtsp://camera.lan:8554"}),
        ("mqtt", {"host": "broker.lan", "prefix": "ward-4", "ca_file": "/etc/ssl/certs/lan.pem"}),
        ("phone", {"quiet": "22:00-06:00", "format": "plain", "page": "https://door.lan/"}),
        ("outputs", {"tell": {"driver": "command", "program": ["/usr/local/bin/tell"], "when": ["no_mask"]}}),
        ("outputs", {"sound": {"device": "plughw:CARD=Device,DEV=0", "languages": ["de", "tr"], "zone": "in: left"}}),
        ("outputs", {"sound": {"quiet": "22:00-06:00", "files": "/srv/sounds", "every": 20.0}}),
    ],
    ids=str,
)
def test_what_is_no_secret_is_shown_as_it_is(section: str, values: dict[str, Any]) -> None:
    known = options_in_use(config(**{section: values}))
    if section == "outputs":
        ((section, values),) = ((f"outputs.{name}", options) for name, options in values.items())
    assert {name: known.get(f"{section}.{name}") for name in values} == values


def test_edits_are_what_the_known_options_do_not_explain() -> None:
    before = config(detect={"min_face": 60}, outputs={"lamp": {"driver": "led", "pin": 17}})
    known = json.loads(json.dumps(options_in_use(before)))
    assert edits(known, before) == []
    assert edits(known, config(decide={"frames": 5})) == [
        {"option": "detect.min_face", "old": 60, "new": 48},
        {"option": "decide.frames", "old": 4, "new": 5},
        {"option": "outputs.lamp.driver", "old": "led or buzzer", "new": None},
        {"option": "outputs.lamp.pin", "old": 17, "new": None},
    ]
    assert edits(known | {"gone.option": 1}, before) == [], "an option that this version does not have"
    zones = config(detect={"zones": [{"name": "a", "corners": [[0, 0], [1, 0], [1, 1]]}, [[0, 0], [1, 0], [1, 1]]]})
    assert edits(json.loads(json.dumps(options_in_use(zones))), zones) == []
