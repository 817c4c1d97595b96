"""``maskwatch watch --store``: where the address comes from, what is refused and never shown, and what it does."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.phone import alert
from support.processes import after

from edge.config.load import build
from edge.config.store import StoreConfig
from edge.errors import ConfigError
from edge.store.opening import store_address

CANARY = "c4n4ry"
ADDRESS = f"postgresql://maskwatch:{CANARY}@db.example.org/doors"


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which systemd hands credentials over."""
    (tmp_path / "credentials").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    yield tmp_path / "credentials"


def test_the_address_is_given_or_in_a_file_or_configured_or_a_credential(tmp_path: Path, credentials: Path) -> None:
    file = secret(tmp_path / "address", f"\ufeff{ADDRESS}\r\n")
    other = secret(tmp_path / "other", "sqlite:/var/lib/doors.db\n")
    secret(credentials / "store", "postgresql://u:p@third.example.org/doors\n")
    for given, configured, value in (
        (ADDRESS, "", ADDRESS),
        (str(file), "", ADDRESS),
        (str(file), str(other), ADDRESS),
        ("", str(other), "/var/lib/doors.db"),
        ("", "", "postgresql://u:p@third.example.org/doors"),
        ("sqlite:doors.db", "", "doors.db"),
    ):
        found = store_address(given, StoreConfig(address_file=configured))
        assert found.value == value and CANARY not in f"{found} {found.shown}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (f"mysql://maskwatch:{CANARY}@db/doors", "postgresql://"),
        (f"maskwatch:{CANARY}@db/doors", "neither an address (postgresql://... or sqlite:...) nor a file"),
        (f"postgresql://maskwatch:{CANARY}", "postgresql://user:password@host/database"),
        (f"postgresql://maskwatch:{CANARY}@x@db/doors", "%40"),
        ("sqlite:", "names no file"),
    ],
)
def test_what_is_no_address_is_refused_and_never_shown(given: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        store_address(given, StoreConfig())
    assert message in str(refused.value) and CANARY not in str(refused.value), str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (ADDRESS, 0o644, "can be read by every user; chmod 640 it"),
        ("", 0o600, "the file is empty; write the address"),
        (f"{ADDRESS}\n{ADDRESS}", 0o600, "cannot be read; write postgresql://"),
    ],
)
def test_a_file_without_one_private_address_is_refused(content: str, mode: int, message: str, tmp_path: Path) -> None:
    file = secret(tmp_path / "address", content, mode)
    with pytest.raises(ConfigError) as refused:
        store_address(str(file), StoreConfig())
    assert message in str(refused.value) and CANARY not in str(refused.value), str(refused.value)


def test_without_any_address_it_says_where_one_may_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the file with --store FILE or in store.address_file"):
        store_address("", StoreConfig())
    with pytest.raises(ConfigError, match="store.address_file is empty: "):
        store_address("", StoreConfig(address_file=str(secret(tmp_path / "empty", "\n"))))
    for address in (ADDRESS, f"sqlite:/{CANARY}"):
        with pytest.raises(ConfigError, match="must name a file that contains the address") as refused:
            build(("a file", {"store": {"address_file": address}}))
        assert CANARY not in str(refused.value)


def test_alerts_are_printed_and_stored_and_a_database_that_is_away_is_waited_for(
    broker: Any, subscriber: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """The folder of the SQLite file comes late, as a file system that is not mounted yet."""
    folder, client = tmp_path / "mounted", subscriber(broker.port)
    address = secret(tmp_path / "address", f"sqlite:{folder}/doors.db\n")
    folder.write_text("in its place")
    watch = maskwatch("watch", "--broker", broker.address, "--store", address)
    watch.wait_for(f"the store: sqlite:{folder}/doors.db cannot be written: Not a directory; make the folder {folder}")
    watch.wait_for("store connected to the broker")
    assert "is stored in" not in watch.err
    until(lambda: client.publish("maskwatch/porch/alert", alert("porch")) or "porch  NO MASK" in watch.out, pause=0.2)
    client.publish("maskwatch/porch/alert", alert("porch", id="last"))
    folder.unlink()
    folder.mkdir()
    watch.wait_for("takes messages again")
    watch.wait_for(f"what all doors say is stored in sqlite:{folder}/doors.db")

    def stored() -> list[str]:
        with closing(sqlite3.connect(folder / "doors.db")) as db:
            return [id for (id,) in db.execute("SELECT id FROM alerts WHERE door = 'porch'")]

    until(lambda: "last" in stored())
    assert len(set(stored())) == len(stored()) == watch.out.count("porch  NO MASK")
    second = maskwatch("watch", "--broker", broker.address, "--store", address)
    assert second.end() == 2 and "another `maskwatch watch --store` uses" in second.err
    assert watch.end(signal.SIGTERM) == 0 and "Traceback" not in watch.err


def test_without_the_extra_it_names_it(maskwatch: Any) -> None:
    lacking = maskwatch("watch", "--store", ADDRESS, program=after("sys.modules['psycopg'] = None"))
    assert lacking.end() == 2 and "PostgreSQL needs the extra store" in lacking.err and CANARY not in lacking.err
    assert "Traceback" not in lacking.err
