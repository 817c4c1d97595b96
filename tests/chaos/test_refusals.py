"""Brokers that refuse, lie or are cut off half: the reason is said once, nothing is lost, and it heals by itself."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.raising import TOPIC, ids, raise_alerts, raised
from chaos.relay import Relay
from support import until

from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

LOGIN = {"user": "door", "password": "right"}


@pytest.fixture
def relay() -> Iterator[Any]:
    made: list[Relay] = []

    def make(port: int) -> Relay:
        made.append(Relay(port))
        return made[-1]

    yield make
    for each in made:
        each.close()


def with_password(folder: Path) -> str:
    """A broker's configuration that knows the user ``door``."""
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "door", "right"], check=True, timeout=60)
    file.chmod(0o644)
    return f"allow_anonymous false\npassword_file {file}\nuser root"


def certificate(folder: Path, name: str, *, ca: Path | None = None, host: str = "localhost", days: int = 30) -> Path:
    """``NAME.crt`` and ``NAME.key``: an authority of its own, or signed by ``ca``; ``days`` below 0: expired."""
    crt, key = folder / f"{name}.crt", folder / f"{name}.key"
    begin, end = ("20200101000000Z", "20200201000000Z") if days < 0 else ("20200101000000Z", "20990101000000Z")
    config = folder / f"{name}.cnf"
    config.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndir={folder}\ndatabase={folder}/{name}.index\nnew_certs_dir={folder}\nserial={folder}/"
        f"{name}.serial\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        f"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={host}\n"
        f"[leaf]\nsubjectAltName=DNS:{host}\n[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"
    )
    (folder / f"{name}.index").write_text("")
    (folder / f"{name}.serial").write_text("01\n")

    def openssl(*args: object) -> None:
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60)

    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", folder / f"{name}.csr", "-config", config)
    signer = ["-selfsign", "-keyfile", key] if ca is None else ["-cert", ca, "-keyfile", ca.with_suffix(".key")]
    openssl(
        "ca", "-batch", "-config", config, "-in", folder / f"{name}.csr", "-out", crt, "-notext", *signer,
        "-extensions", "root" if ca is None else "leaf", "-startdate", begin, "-enddate", end,
    )  # fmt: skip
    key.chmod(0o644)
    return crt


def test_a_wrong_password_is_said_once_leaks_no_alert_and_heals(
    maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto(with_password(tmp_path)).start()
    between = relay(broker.port)
    heard = subscriber(broker.port, **LOGIN)
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    login = ("--user", "door", "--password-file", secret)
    door = raise_alerts(maskwatch, between.port, tmp_path / "state", 5, "--stay", *login)
    door.wait_for("refuses the connection: Not authorized")
    time.sleep(8)  # several attempts
    assert door.err.count("Not authorized") == 1
    assert bytes(between.sent).count(b"MQTT") >= 2, "it tries on"
    assert b"no_mask" not in between.sent and b"alert" not in between.sent
    secret.write_text("right\n")
    assert ids(heard.wait_for(TOPIC, 5)) == raised(door)
    assert "well broker" in door.err
    assert door.end(signal.SIGTERM) == 0


def test_certificates_that_do_not_fit_are_named_and_heal(maskwatch: Any, mosquitto: Any, tmp_path: Path) -> None:
    ca, other = certificate(tmp_path, "ca", host="ca"), certificate(tmp_path, "other", host="other")
    served = tmp_path / "served"
    tls = f"allow_anonymous true\nuser root\ncertfile {served}.crt\nkeyfile {served}.key\n"
    broker = mosquitto(tls)
    door = None
    for name, reason in (
        ("stranger", "self-signed certificate|unable to get local issuer"),
        ("expired", "certificate has expired"),
        ("elsewhere", "Hostname mismatch"),
        ("good", ""),
    ):
        signer = other if name == "stranger" else ca
        host = "elsewhere.example" if name == "elsewhere" else "localhost"
        made = certificate(tmp_path, name, ca=signer, host=host, days=-1 if name == "expired" else 30)
        for ending in (".crt", ".key"):
            served.with_suffix(ending).write_bytes(made.with_suffix(ending).read_bytes())
        broker.kill()
        broker.start()
        if door is None:
            door = raise_alerts(maskwatch, broker.port, tmp_path / "state", 3, "--stay", "--ca", ca)
        if reason:
            said = door  # for the closure below
            until(lambda said=said, reason=reason: any(part in said.err for part in reason.split("|")), timeout=60)
    assert door is not None
    door.wait_for("well broker")
    assert door.err.count("certificate has expired") <= 2, "not once per attempt"
    until(lambda: peek(tmp_path / "state" / "outbox.db")[0] == [], timeout=30)
    assert door.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("broken", ["mute", "deaf"])
def test_a_line_that_is_broken_one_way_is_noticed_and_nothing_is_lost(
    broken: str, maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    between = relay(broker.port)
    heard = subscriber(broker.port)
    door = raise_alerts(maskwatch, between.port, tmp_path / "state", 150, "--pace", "0.1", "--stay")
    heard.wait_for(TOPIC, 5)
    setattr(between, broken, True)
    cut = time.monotonic()
    door.wait_for("trouble broker", 60)
    noticed = time.monotonic() - cut
    print(f"noticed after {noticed:.1f} s")
    setattr(between, broken, False)
    heard.wait_for(TOPIC, 150)
    deadline = time.monotonic() + 90
    while len(ids(heard.on(TOPIC))) < 150 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert noticed <= 35
    payloads = heard.on(TOPIC)
    assert ids(payloads) == raised(door)
    assert len(set(payloads)) == 150, "a redelivery is byte-identical"
    assert len(payloads) - 150 <= 20, "one window of duplicates"
    assert door.end(signal.SIGTERM) == 0


def test_poison_is_set_aside_and_the_next_alert_leaves_soon(
    maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto()
    between = relay(broker.port)
    door = raise_alerts(maskwatch, between.port, tmp_path / "state", 30, "--stay")
    until(lambda: len(raised(door)) == 30, timeout=60)
    poison = raised(door)[10]
    between.poison = poison.encode()
    broker.start()
    heard = subscriber(broker.port)
    until(lambda: len(ids(heard.on(TOPIC))) >= 10, 60)
    started = time.monotonic()
    heard.wait_for(TOPIC, 29)
    print(f"the next left {time.monotonic() - started:.1f} s later")
    assert time.monotonic() - started <= 30
    assert ids(heard.on(TOPIC)) == [one for one in raised(door) if one != poison]
    door.wait_for("trouble alerts 1 alerts refused")
    assert peek(tmp_path / "state" / "outbox.db")[1][0][0] == poison
    assert door.end(signal.SIGTERM) == 0
