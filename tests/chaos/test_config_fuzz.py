"""Ten thousand damaged configuration files: each gives a ConfigError or a usable configuration."""

import random
from pathlib import Path

import pytest

from edge.config.load import load
from edge.config.schema import Config, options
from edge.errors import ConfigError

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

FILES = 10_000
EXAMPLE = (Path(__file__).parents[2] / "systemd" / "maskwatch.toml").read_bytes()
VALUES = [
    b"0", b"-1", b"1e308", b"nan", b"inf", b"-inf", b"9" * 400, b'""', b'"\\u0000"', b"[]", b"[[[0,0],[1,0],[1,1]]]",
    b"{}", b"true", b"1979-05-27", b"'''x'''", b'"' + b"a" * 5000 + b'"', b"[[[[[]]]]]", b"0x", b'"\xff"', b"=",
    b"[" * 3000,
]  # fmt: skip


SECRETS = b"""[source]
source = "rtsp://admin:Kanari@10.0.0.7:554/user=admin_password=Kanari_channel=1"
[mqtt]
host = "broker.lan"
user = "cam"
[homeassistant]
page = "https://page.lan/"
[web]
password_hash = "scrypt$1$1$1$Kanari$Kanari"
"""


def damaged(chance: random.Random, data: bytes = EXAMPLE) -> bytes:
    """A file with one to four faults: wrong values, wrong keys, wrong bytes, or a missing end."""
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(4)
        if kind == 0:
            section, key, *_ = chance.choice(options())
            data += b"\n[%s]\n%s = %s\n" % (section.encode(), key.encode(), chance.choice(VALUES))
        elif kind == 1:
            lines = data.split(b"\n")
            at = chance.randrange(len(lines))
            lines[at] = lines[at].split(b"=")[0] + b"= " + chance.choice(VALUES)
            data = b"\n".join(lines)
        elif kind == 2:
            at = chance.randrange(max(1, len(data)))
            data = data[:at] + chance.randbytes(chance.randint(1, 3)) + data[at + chance.randint(0, 3) :]
        else:
            data = data[: chance.randint(1, max(1, len(data)))]
    return data


def test_every_damaged_file_gives_a_config_or_a_config_error(tmp_path: Path) -> None:
    chance, refused, path = random.Random(4), 0, tmp_path / "door.toml"
    for _ in range(FILES):
        path.write_bytes(damaged(chance))
        try:
            assert isinstance(load(path), Config)
        except ConfigError as error:
            refused += 1
            for line in str(error).splitlines():
                assert str(path) in line or "." in line, line
    assert FILES / 2 < refused < FILES, "some files must be invalid, and some valid"


def test_no_message_about_a_damaged_file_shows_a_secret(tmp_path: Path) -> None:
    chance, refused, path = random.Random(5), 0, tmp_path / "door.toml"
    for _ in range(FILES):
        path.write_bytes(damaged(chance, SECRETS))
        try:
            load(path)
        except ConfigError as error:
            refused += 1
            assert "Kanari" not in str(error), path.read_bytes()
    assert FILES / 2 < refused
