"""edge.cli.arguments: a broker's address as it is typed."""

from typing import Any

import pytest

from edge.cli.arguments import parse_broker_address
from edge.config.load import load
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("broker", {"host": "broker"}),
        ("10.0.0.5:1884", {"host": "10.0.0.5", "port": 1884}),
        ("user@broker", {"host": "broker", "user": "user"}),
        ("mqtt://cam@broker:1", {"host": "broker", "port": 1, "user": "cam", "tls": False}),
        ("mqtt://broker/", {"host": "broker", "port": 1883, "tls": False}),
        ("mqtts://broker", {"host": "broker", "port": 8883, "tls": True}),
        ("mqtts://broker:884", {"host": "broker", "port": 884, "tls": True}),
        ("[::1]", {"host": "::1"}),
        ("mqtt://[fe80::1]:1885", {"host": "fe80::1", "port": 1885, "tls": False}),
        ("MQTTS://[fe80::1%25eth0]", {"host": "fe80::1%eth0", "port": 8883, "tls": True}),
        ("cam%40home@broker", {"host": "broker", "user": "cam@home"}),
        ("mqtt://c%C3%A4m%2Fa%3a100%@b", {"host": "b", "user": "cäm/a:100%", "port": 1883, "tls": False}),
    ],
)
def test_broker_addresses(address: str, values: dict[str, Any]) -> None:
    assert parse_broker_address(address) == values
    assert load(None, {"mqtt": values}).mqtt.host == values["host"]


@pytest.mark.parametrize(
    "address",
    ["", "::1", "[::1", "a:", "a:x", "a:123456", "http://a", "mqtt://a/b", "a b", "a@b@c", "a\n", "a%ff@b", "b?c"],
)
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match="use host"):
        parse_broker_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "mqtt://cam:hunter2@broker",
        "cam:hunter2@broker:1883",
        "mqtt://cam:a@hunter2@broker",
        "mqtt://cam:a/hunter2@broker",
        "mqtt:/cam:hunter2@broker",
        "cam:hunter2",
        "mqtt://broker/hunter2",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError, match="mqtt.password_file") as caught:
        parse_broker_address(address)
    assert "hunter2" not in str(caught.value)
