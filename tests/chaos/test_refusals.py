"""Brokers that refuse, or that only one direction reaches: the reason is reported once, and no alert is lost."""

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
    for one in made:
        one.close()


def with_password(folder: Path) -> str:
    """The configuration of a broker with the user ``door``."""
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "door", "right"], check=True, timeout=60)
    file.chmod(0o644)
    return f"allow_anonymous false\npassword_file {file}\nuser root"


def certificate(folder: Path, name: str, *, ca: Path | None = None, host: str = "localhost", days: int = 30) -> Path:
    """Makes ``NAME.crt`` and ``NAME.key``, self-signed or signed by ``ca``; with ``days`` below 0 it has expired."""
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


def test_a_wrong_password_is_reported_once_and_no_alert_is_sent_until_it_is_corrected(
    maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto(with_password(tmp_path)).start()
    relay_to_broker = relay(broker.port)
    received = subscriber(broker.port, **LOGIN)
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    login = ("--user", "door", "--password-file", secret)
    door = raise_alerts(maskwatch, relay_to_broker.port, tmp_path / "state", 5, "--stay", *login)
    door.wait_for("refuses the connection: Not authorized")
    time.sleep(8)  # several attempts
    assert door.err.count("Not authorized") == 1
    assert bytes(relay_to_broker.sent).count(b"MQTT") >= 2, "it tries again"
    assert b"no_mask" not in relay_to_broker.sent and b"alert" not in relay_to_broker.sent
    secret.write_text("right\n")
    assert ids(received.wait_for(TOPIC, 5)) == raised(door)
    assert "well broker" in door.err
    assert door.end(signal.SIGTERM) == 0


def wait_for_any(process: Any, texts: list[str]) -> None:
    """Waits until the process has printed one of the texts."""
    until(lambda: any(text in process.err for text in texts), lambda: f"one of {texts} in:\n{process.err}", timeout=60)


def test_invalid_certificates_are_reported_until_a_valid_one_is_served(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
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
            wait_for_any(door, reason.split("|"))
    assert door is not None
    door.wait_for("well broker")
    assert door.err.count("certificate has expired") <= 2, "not once per attempt"
    until(lambda: peek(tmp_path / "state" / "outbox.db")[0] == [], "an empty outbox", timeout=30)
    assert door.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("fault", ["drops_from_broker", "drops_from_client"])
def test_a_connection_that_fails_in_one_direction_is_noticed_and_no_alert_is_lost(
    fault: str, maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    relay_to_broker = relay(broker.port)
    received = subscriber(broker.port)
    door = raise_alerts(maskwatch, relay_to_broker.port, tmp_path / "state", 150, "--pace", "0.1", "--stay")
    received.wait_for(TOPIC, 5)
    setattr(relay_to_broker, fault, True)
    cut = time.monotonic()
    door.wait_for("trouble broker", 60)
    noticed = time.monotonic() - cut
    print(f"noticed after {noticed:.1f} s")
    setattr(relay_to_broker, fault, False)
    received.wait_for(TOPIC, 150)
    until(lambda: len(ids(received.on(TOPIC))) >= 150, "150 different alerts", timeout=90, pause=0.1)
    assert noticed <= 35
    payloads = received.on(TOPIC)
    assert ids(payloads) == raised(door)
    assert len(set(payloads)) == 150, "a redelivery is byte-identical"
    assert len(payloads) - 150 <= 20, "one window of duplicates"
    assert door.end(signal.SIGTERM) == 0


def test_an_alert_that_ends_every_connection_becomes_a_dead_letter_and_the_next_are_delivered(
    maskwatch: Any, mosquitto: Any, subscriber: Any, relay: Any, tmp_path: Path
) -> None:
    broker = mosquitto()
    relay_to_broker = relay(broker.port)
    door = raise_alerts(maskwatch, relay_to_broker.port, tmp_path / "state", 30, "--stay")
    until(lambda: len(raised(door)) == 30, "30 raised alerts", timeout=60)
    poison = raised(door)[10]
    relay_to_broker.poison = poison.encode()
    broker.start()
    received = subscriber(broker.port)
    until(lambda: len(ids(received.on(TOPIC))) >= 10, "ten alerts", timeout=60)
    started = time.monotonic()
    received.wait_for(TOPIC, 29)
    print(f"the other alerts arrived {time.monotonic() - started:.1f} s later")
    assert time.monotonic() - started <= 30
    assert ids(received.on(TOPIC)) == [id for id in raised(door) if id != poison]
    door.wait_for("trouble alerts 1 alerts refused")
    assert peek(tmp_path / "state" / "outbox.db")[1][0][0] == poison
    assert door.end(signal.SIGTERM) == 0
