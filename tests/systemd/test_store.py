"""The store as an installed service: its address, its sandbox, and what it keeps of the door beside it.

The first test installs what is not installed yet; test_upgrades.py continues on the same machine, without a store.
"""

from collections.abc import Iterator

import pytest
from support.brokers import Subscriber
from systemd.machine import LIKE_A_CAMERA, MARKS, SECRET, Machine

pytestmark = MARKS
UNIT = "maskwatch-store@maskwatch"
FILE = "/var/lib/maskwatch/maskwatch/doors.db"
ADDRESS = "/etc/maskwatch/maskwatch.store"
COUNT = f"import sqlite3; print(sqlite3.connect('{FILE}').execute('SELECT count(*) FROM alerts').fetchone()[0])"


@pytest.fixture(scope="module", autouse=True)
def without_a_store_afterwards(machine: Machine) -> Iterator[None]:
    yield
    machine.run(f"systemctl disable --now {UNIT}; rm -f {ADDRESS} /root/store {FILE}*")


def alerts(machine: Machine) -> int:
    done = machine.try_run(f'python3 -c "{COUNT}"')
    return int(done.stdout) if done.returncode == 0 else 0


def test_an_address_that_is_none_is_refused_before_anything_is_done(machine: Machine) -> None:
    machine.write("/root/store", f"mysql://maskwatch:{SECRET}@127.0.0.1/doors\n", "600")
    for option, message in (("/root/store", "the first line must be postgresql://"), ("/nowhere", "no file that can")):
        done = machine.try_run(f"/src/systemd/install.sh --store {option}")
        assert done.returncode == 2 and message in done.stdout and "== " not in done.stdout, done.stdout
        assert SECRET not in done.stdout


def test_while_the_database_is_away_alerts_wait_in_the_sandbox(machine: Machine, received: Subscriber) -> None:
    """Nothing listens at this port. psycopg comes from the lock, with a libpq of its own."""
    machine.write("/root/store", f"postgresql://maskwatch:{SECRET}@127.0.0.1:1/doors\n", "600")
    done = machine.install("--source", "demo", "--broker", f"mqtt://door@127.0.0.1:{machine.port}", "--no-start")
    assert done.returncode == 0, done.stdout
    machine.run(f"maskwatch set {LIKE_A_CAMERA}; printf {SECRET} > /etc/maskwatch/maskwatch.password")
    done = machine.install("--store", "/root/store")
    assert done.returncode == 0 and SECRET not in done.stdout, done.stdout
    assert machine.run(f"stat -c '%a %U' {ADDRESS}").strip() == "600 root"
    machine.until(lambda: "messages wait in" in machine.journal(UNIT), "a database that is away", timeout=60)
    received.wait_for("maskwatch/entrance/alert", count=2)
    log = machine.journal(UNIT)
    assert "127.0.0.1:1" in log and "refused" in log and "store connected to the broker" in log, log
    assert "NO MASK" not in log, "the journal keeps no alerts"
    pid = machine.pid(UNIT)
    shown = machine.run(
        f"systemctl show {UNIT}; tr '\\0' '\\n' < /proc/{pid}/environ; tr '\\0' ' ' < /proc/{pid}/cmdline"
    )
    assert SECRET not in log + shown


def test_what_waited_is_written_when_the_database_can_be_used(machine: Machine, received: Subscriber) -> None:
    machine.write(ADDRESS, f"sqlite:{FILE}\n", "600")
    machine.run(f"systemctl restart {UNIT}")
    machine.until(lambda: alerts(machine) >= 2, "the alerts that waited", timeout=60)
    pid, count = machine.pid(UNIT), alerts(machine)
    machine.run(f"kill -KILL {pid}")
    machine.until(lambda: machine.pid(UNIT) not in (0, pid), "a new process", timeout=60)
    machine.until(lambda: alerts(machine) > count + 1, "further alerts", timeout=90)


def test_root_reads_reports_of_all_doors_with_the_service_s_address(machine: Machine) -> None:
    done = machine.try_run("maskwatch report --store --by door")
    assert done.returncode == 0 and "Traceback" not in done.stdout, done.stdout


def test_an_upgrade_goes_on_with_it_and_it_stops_with_its_camera(machine: Machine) -> None:
    done = machine.install()
    assert done.returncode == 0, done.stdout
    assert machine.show(UNIT, "ActiveState")["ActiveState"] == "active"
    machine.run("systemctl stop maskwatch")
    machine.until(lambda: machine.show(UNIT, "ActiveState")["ActiveState"] == "inactive", "its end", timeout=30)
    machine.run("systemctl start maskwatch")
    machine.until(lambda: machine.show(UNIT, "ActiveState")["ActiveState"] == "active", "its start", timeout=30)
