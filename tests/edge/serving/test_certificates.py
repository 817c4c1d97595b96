"""The page over https: certificates of all kinds, one that is made, one that is renewed, and plain HTTP at its port."""

import json
import os
import shutil
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.browsing import Watched
from support.certificates import make_pair
from support.commands import maskwatch as command

from edge.errors import ConfigError
from edge.serving.certificates import load_pair
from edge.serving.passwords import hash_password

PASSWORD = "correct horse"


def test_a_pair_says_when_it_ends_and_for_whom(tmp_path: Path) -> None:
    pair = load_pair(*map(str, make_pair(tmp_path)))
    assert pair.names == {"localhost", "127.0.0.1"} and 29 < (pair.expires - time.time()) / 86400 <= 30


def test_one_file_may_have_both(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    both.chmod(0o640)
    assert load_pair(str(both), "").names


def broken(kind: str, folder: Path) -> tuple[Path, Path]:
    """Makes a pair that cannot be used."""
    certificate, key = make_pair(
        folder, days=-1 if kind == "expired" else 30, passphrase="x" * 8 if kind == "locked" else ""
    )
    match kind:
        case "missing":
            certificate.unlink()
        case "folder":
            key.unlink()
            key.mkdir()
        case "public":
            key.chmod(0o644)
        case "other":
            key = make_pair(folder / "other")[1]
        case "text":
            certificate.write_text("no certificate\n")
        case "empty":
            key.write_text("")
        case "swapped":
            certificate.chmod(0o600)
            return key, certificate
    return certificate, key


BROKEN = {
    "missing": "cannot be read: No such file",
    "folder": "cannot be read: it is a folder",
    "public": "can be read by every user; chmod 640 it",
    "other": "does not belong to the certificate",
    "text": "are no certificate and key in PEM",
    "empty": "are no certificate and key in PEM",
    "swapped": "are no certificate and key in PEM",
    "expired": "has expired; renew it",
    "locked": "has a passphrase; save it without one",
}


@pytest.mark.parametrize(("kind", "text"), BROKEN.items())
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, kind: str, text: str) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[web]\n")
    certificate, key = broken(kind, tmp_path / "pair")
    with pytest.raises(ConfigError, match=text) as error:
        load_pair(str(certificate), str(key))
    assert "\n" not in str(error.value) and (str(certificate) in str(error.value) or str(key) in str(error.value))
    done = command("set", "--config", file, "--web-certificate", certificate, key)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and text.encode() in done.stderr
    assert file.read_text() == "[web]\n", "nothing was changed"


def trusting(*certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for certificate in certificates:
        context.load_verify_locations(certificate)
    return context


def answer(port: int, context: ssl.SSLContext, path: str = "/healthz") -> int:
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"https://localhost:{port}{path}", timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def https(maskwatch: Callable[..., Any], folder: Path, certificate: Path, key: Path, more: str = "") -> Watched:
    return Watched(maskwatch, folder, f'certificate = "{certificate}"\nkey = "{key}"\n{more}', "--print")


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    more = f'password_hash = "{hash_password(PASSWORD)}"\n'
    with closing(https(maskwatch, tmp_path, *make_pair(tmp_path / "pair"), more)) as door:
        yield door


def test_the_page_over_https(door: Watched, tmp_path: Path) -> None:
    assert f"the page is at https://127.0.0.1:{door.port}/" in door.process.err
    context = trusting(tmp_path / "pair" / "localhost.crt")
    assert answer(door.port, context) in (200, 503) and answer(door.port, context, "/api/now") == 401
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        answer(door.port, ssl.create_default_context())
    request = urllib.request.Request(
        f"https://localhost:{door.port}/login",
        f"password={PASSWORD}".encode(),
        {"Origin": f"https://localhost:{door.port}"},
    )
    with urllib.request.urlopen(request, timeout=60, context=context) as response:
        assert all("Secure" in cookie for cookie in response.headers.get_all("Set-Cookie"))
    request.add_header("Origin", f"http://localhost:{door.port}")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=60, context=context)


def test_plain_http_at_its_port_leads_to_https(door: Watched) -> None:
    redirected = door.client.ask("/api/now?x=1", Host=f"localhost:{door.port}")
    assert redirected.status == 308 and redirected.headers["Location"] == f"https://localhost:{door.port}/api/now?x=1"
    assert door.client.ask("/login", "POST", b"password=x", Host="evil.example").status == 421


def test_what_speaks_no_tls_leaves_nothing_behind(door: Watched, tmp_path: Path) -> None:
    folder = f"/proc/{door.process.popen.pid}/fd"
    before = len(os.listdir(folder))
    context = trusting(tmp_path / "pair" / "localhost.crt")
    with ExitStack() as stack:
        for number in range(600):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", door.port), 60))
            one.sendall((b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00", b"\x16" * 300)[number % 4])
        assert len(os.listdir(folder)) < before + 80
        assert answer(door.port, context) in (200, 503)
    until(lambda: len(os.listdir(folder)) <= before + 2, "all of them are closed")
    assert "Traceback" not in door.process.err and door.process.err.count("\n") < 50, door.process.err


def test_a_renewed_certificate_is_taken_without_a_restart(door: Watched, tmp_path: Path) -> None:
    old, new = trusting(tmp_path / "pair" / "localhost.crt"), make_pair(tmp_path / "new")
    certificate, key = tmp_path / "pair" / "localhost.crt", tmp_path / "pair" / "localhost.key"

    def is_served(context: ssl.SSLContext) -> bool:
        try:
            return answer(door.port, context) in (200, 503)
        except urllib.error.URLError:
            return False

    os.replace(new[0], certificate)
    door.process.wait_for("does not belong to the certificate")
    assert is_served(old), "half a renewal: the old pair goes on"
    os.replace(new[1], key)
    door.until(lambda: is_served(trusting(certificate)), "the new certificate")


@pytest.mark.parametrize("kind", ["expired", "public", "missing"])
def test_the_door_is_watched_without_a_page_and_says_why(
    maskwatch: Callable[..., Any], mosquitto: Any, subscriber: Any, tmp_path: Path, kind: str
) -> None:
    certificate, key = broken(kind, tmp_path / "pair")
    broker = mosquitto().start()
    file = tmp_path / "door.toml"
    file.write_text(f'[web]\nenabled = true\ncertificate = "{certificate}"\nkey = "{key}"\n')
    process = maskwatch("run", "--config", file, "--source", "demo", "--realtime", "--broker", broker.address)
    process.wait_for("watching")
    received = subscriber(broker.port)

    def problem() -> str:
        states = [payload for topic, payload, *_ in received.messages if topic.endswith("/health")]
        return str(json.loads(states[-1])["problem"]) if states else ""

    until(lambda: BROKEN[kind] in problem(), lambda: f"the reason in health; it is {problem()!r}")
    assert problem().startswith("the page is not served: ") and process.popen.poll() is None
    doctor = maskwatch("doctor", "--config", file, "--source", "demo", "--broker", broker.address)
    assert doctor.end() == 1 and BROKEN[kind] in doctor.out
    shutil.rmtree(tmp_path / "pair")
    make_pair(tmp_path / "pair")
    until(lambda: problem() == "None", lambda: f"it heals; health says {problem()!r}", 90)


def test_doctor_warns_before_a_certificate_expires(maskwatch: Callable[..., Any], tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path / "pair", days=5)
    file = tmp_path / "door.toml"
    file.write_text(f'[web]\nenabled = true\ncertificate = "{certificate}"\nkey = "{key}"\n')
    doctor = maskwatch("doctor", "--config", file, "--source", "demo")
    doctor.end()
    assert "warn  page" in doctor.out and "the page's certificate expires on 20" in doctor.out, doctor.out
