"""The way to a network camera: login from a file or credential, and the check of its certificate."""

import base64
import logging
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cameras import NetworkCamera

from edge.camera.access import address_with_login
from edge.camera.capture import Capture
from edge.camera.source import open_source
from edge.config.schema import SourceConfig
from edge.errors import ConfigError, SourceError

USER, PASSWORD = "door:cam/é", "a@b:c/d#e?f% g+h&"
"""Every character that has a meaning in an address."""


class TalkingCamera:
    """Accepts connections, keeps the requests, and answers each with what ``answer`` returns."""

    def __init__(self, answer: Callable[[bytes], bytes], context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._answer, self._context = answer, context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            stream = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            while request := stream.recv(4096):
                self.requests.append(request)
                stream.sendall(self._answer(request))
            stream.close()
        except OSError:
            connection.close()

    def close(self) -> None:
        self._socket.close()


def refuse(request: bytes) -> bytes:
    """Asks for a login in RTSP; a request with one is told that there is no such stream."""
    number = re.search(rb"CSeq: (\d+)", request)
    status = b"404 Not Found" if b"Authorization" in request else b"401 Unauthorized"
    asks = b'WWW-Authenticate: Basic realm="camera"\r\n' if b"401" in status else b""
    return b"RTSP/1.0 %s\r\nCSeq: %s\r\n%s\r\n" % (status, number[1] if number else b"1", asks)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", "utf-8")
    path.chmod(0o640)
    return path


def logins(camera: TalkingCamera) -> set[str]:
    found = re.findall(rb"Authorization: Basic (\S+)", b"".join(camera.requests))
    return {base64.b64decode(login).decode() for login in found}


@pytest.mark.parametrize("by_credential", [False, True])
def test_a_stream_is_given_user_and_password_of_the_options(
    by_credential: bool, password_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = USER.replace(":", "")  # basic authentication has no colon in a user name
    config = SourceConfig(user=user, password_file="" if by_credential else str(password_file))
    if by_credential:
        password_file.rename(tmp_path / "camera-password")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    camera = TalkingCamera(refuse)
    with pytest.raises(SourceError) as caught:
        open_source(f"rtsp://127.0.0.1:{camera.port}/stream", config)
    assert logins(camera) == {f"{user}:{PASSWORD}"}
    assert not any(part in str(caught.value) for part in (PASSWORD, "a@b", "a%40b", user))
    camera.close()


@pytest.mark.parametrize("address", ["rtsp://cam:a@b:c@127.0.0.1:{}/", "rtsp://cam:a%40b%3Ac@127.0.0.1:{}/"])
def test_a_login_in_the_address_works_and_raw_characters_give_a_hint(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    camera = TalkingCamera(refuse)
    raw = "%" not in address
    with pytest.raises(SourceError) as caught, caplog.at_level(logging.INFO):
        open_source(address.format(camera.port), SourceConfig())
    assert logins(camera) == {"cam:a@b:c"}
    for text in (str(caught.value), caplog.text):
        assert ("write %40 %3A %2F %23 %3F for it, or set source.user" in text) == raw
        assert "b:c" not in text and "a@" not in text
    camera.close()


def test_a_new_password_counts_at_the_next_opening(password_file: Path) -> None:
    config = SourceConfig(user="cam", password_file=str(password_file))
    assert address_with_login("rtsp://cam.lan/", config).startswith("rtsp://cam:a%40b")
    password_file.write_text("second", "utf-8")
    assert address_with_login("rtsp://cam.lan/", config) == "rtsp://cam:second@cam.lan/"


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_an_address_that_is_not_utf8_is_refused(scheme: str) -> None:
    """OpenCV would crash the process."""
    with pytest.raises(SourceError, match="127.0.0.1:9/...: characters that cannot stand in an address"):
        open_source(f"{scheme}://admin:p\udce4ss@127.0.0.1:9/video", SourceConfig())


def test_a_password_file_that_everybody_may_read_is_refused(password_file: Path) -> None:
    password_file.chmod(0o644)
    config = SourceConfig(user="cam", password_file=str(password_file))
    for wait in (False, True):  # waiting for the camera would not mend it
        with pytest.raises(ConfigError, match=r"source.password_file \S+ can be read by every user; chmod 640 it"):
            open_source("rtsp://127.0.0.1:9/", config, retry_opening=wait)


def make_certificate(folder: Path, name: str) -> Path:
    """A certificate for a host name, and its key, in one file."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=camera -addext subjectAltName=DNS:{name}"
    command += f" -keyout {key} -out {certificate}"
    try:
        subprocess.run(command.split(), check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    return certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


def server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def rtsps(certificate: Path) -> Iterator[TalkingCamera]:
    camera = TalkingCamera(refuse, server(certificate))
    yield camera
    camera.close()


def reached(camera: TalkingCamera, host: str, config: SourceConfig) -> bool:
    """Whether the handshake succeeds, so that the camera is sent a request."""
    before = len(camera.requests)
    with pytest.raises(SourceError):
        Capture(f"rtsps://{host}:{camera.port}/stream", config)
    return len(camera.requests) > before


def test_an_encrypted_stream_is_checked_only_on_request(rtsps: TalkingCamera, certificate: Path) -> None:
    ours = SourceConfig(verify=True, ca_file=str(certificate))
    assert reached(rtsps, "localhost", SourceConfig()), "as cameras have certificates of their own"
    assert not reached(rtsps, "localhost", SourceConfig(verify=True)), "nobody has signed it"
    assert reached(rtsps, "localhost", ours) and reached(rtsps, "127.0.0.1", ours)
    assert reached(rtsps, "localhost", SourceConfig()), "the check is of one opening"


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "other.lan")
    camera = TalkingCamera(refuse, server(certificate))
    assert not reached(camera, "localhost", SourceConfig(verify=True, ca_file=str(certificate)))
    assert reached(camera, "localhost", SourceConfig())
    camera.close()


@pytest.mark.parametrize(("verify", "warned"), [(False, True), (True, False)])
def test_an_unchecked_camera_is_named_once(verify: bool, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(SourceError) as caught:
        open_source("https://a:Kanari@localhost:9/video?b=Kanari", SourceConfig(verify=verify))
    assert caplog.text.count("https://localhost:9/...: the camera's certificate is not checked") == warned
    assert ("its certificate may not be signed by source.ca_file" in str(caught.value)) == verify
    assert "Kanari" not in caplog.text + str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_pictures_over_https_are_checked_too(host: str, certificate: Path) -> None:
    camera = NetworkCamera()
    assert camera._server is not None
    camera._server.socket = server(certificate).wrap_socket(camera._server.socket, server_side=True)
    url = f"https://{host}:{camera.port}/"
    try:
        for config in (SourceConfig(), SourceConfig(verify=True, ca_file=str(certificate))):
            source = open_source(url, config)
            assert next(iter(source)).image.size
            source.close()
        with pytest.raises(SourceError):
            open_source(url, SourceConfig(verify=True))
    finally:
        camera.close()
