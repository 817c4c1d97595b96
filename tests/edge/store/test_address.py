"""The address of the database: which are taken, and that none is shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

from edge.errors import ConfigError
from edge.store.address import parse_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://maskwatch:sesam@db.example/doors", "postgresql://db.example/..."),
        (
            " postgres://maskwatch:se%40sam@db.example:5433/doors?sslmode=verify-full\n",
            "postgres://db.example:5433/...",
        ),
        ("postgresql:///doors", "postgresql://..."),
        ("postgresql:///doors?host=/run/postgresql&user=sesam", "postgresql://..."),
        ("postgresql://maskwatch:sesam@%2Frun%2Fpostgresql/doors", "postgresql://..."),
        ("postgresql://maskwatch:sesam@[::1]:5432/doors", "postgresql://[::1]:5432/..."),
        ("postgresql://maskwatch:sesam@one.example:5432,two.example/doors", "postgresql://..."),
    ],
)
def test_an_address_of_a_server_is_taken_as_it_is_and_shown_without_a_login(text: str, shown: str) -> None:
    address = parse_address(text)
    assert (address.kind, address.value, address.shown) == ("postgresql", text.strip(), shown)
    assert "sesam" not in repr(address)


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    assert parse_address(f"sqlite:{tmp_path}/a b.db").shown == f"sqlite:{tmp_path}/a b.db"
    assert parse_address("sqlite:~/doors.db").value == str(Path.home() / "doors.db")


@pytest.mark.parametrize(
    "text",
    [
        "", "doors", "mysql://u:sesam@h/d", "postgresql:sesam", "sqlite:", "sqlite:///doors.db",
        "sqlite:~nobody-here/x",
        "postgresql://u:sesam@5@h/d", "postgresql://u:ses/am@h/d", "postgresql://u:ses?am@h/d", "postgresql://u:ses#am@h/d",
        "postgresql://u:ses:am@h/d", "postgresql://u:sesam@h x/d", "postgresql://u:sesam@h/d\x00", "postgresql://u:sesam",
        "postgresql://u:se\nsam@h/d",
    ],
)  # fmt: skip
def test_any_other_text_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="the address of the store") as caught:
        parse_address(text)
    assert "ses" not in str(caught.value)


@pytest.mark.parametrize("missing", ["psycopg", "libpq"])
def test_what_postgresql_needs_is_named(missing: str) -> None:
    env = os.environ | ({"PSYCOPG_IMPL": "no such thing"} if missing == "libpq" else {})
    code = f"""import sys
if "{missing}" == "psycopg": sys.modules["psycopg"] = None
from edge.store.address import parse_address
from edge.store.engine import open_engine
open_engine(parse_address("sqlite:doors.db"), writes=True)
open_engine(parse_address("postgresql://u:sesam@h/d"), writes=True)"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert "ConfigError: PostgreSQL needs the extra store (" in done.stderr.splitlines()[-1]
    assert "sesam" not in done.stderr.replace('u:sesam@h/d")', "")
