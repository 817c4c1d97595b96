"""A webhook at a real HTTP server: what is posted, what each answer means, and what is read anew."""

import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.certificates import make_pair
from support.outboxes import RecordingOutbox
from support.phone import Server, SilentServer, alert

from edge.config.outputs import WebhookConfig
from edge.outbox.reading import peek
from edge.outbox.sql import OutboxMessage
from edge.outputs.driver import Failure
from edge.outputs.sink import SinkWorker
from edge.outputs.webhook import SIGNATURE, Webhook
from edge.timing import Backoff


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def webhook(url: str, **options: Any) -> Webhook:
    return Webhook(WebhookConfig(name="hook", url=url, **options))


def secret(folder: Path, text: str, name: str = "secret") -> str:
    file = folder / name
    file.write_text(text)
    file.chmod(0o640)
    return str(file)


def test_the_body_is_the_alert_as_published_byte_for_byte(server: Server) -> None:
    payload = alert("door", model="m@ünï")
    assert webhook(server.url).deliver(payload) is None
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/secret-door", payload)
    assert request.headers["Content-Type"] == "application/json"
    assert SIGNATURE not in request.headers and "Authorization" not in request.headers


def test_a_key_signs_the_body_and_a_token_is_sent(server: Server, tmp_path: Path) -> None:
    files = {"secret_file": secret(tmp_path, " kéy\n"), "token_file": secret(tmp_path, "tk_1\n", "token")}
    assert webhook(server.url, **files).deliver(alert("door")) is None
    (request,) = server.requests
    digest = hmac.new("kéy".encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Maskwatch-Signature-256"] == f"sha256={digest}"
    assert request.headers["Authorization"] == "Bearer tk_1"


def test_a_redirect_to_the_same_server_keeps_body_and_signature(server: Server, tmp_path: Path) -> None:
    server.answers = [(302, {"Location": "/moved"})]
    assert webhook(server.url, secret_file=secret(tmp_path, "key")).deliver(alert("door")) is None
    first, second = server.requests
    assert second.path == "/moved" and second.method == "POST"
    assert (first.body, first.headers[SIGNATURE]) == (second.body, second.headers[SIGNATURE])


@pytest.mark.parametrize(("form", "header"), [("ntfy", "Title"), ("plain", ""), ("json", "")])
def test_the_texts_of_the_phone_are_one_case_of_it(server: Server, form: str, header: str) -> None:
    assert webhook(server.url, format=form).deliver(alert("door")) is None
    (request,) = server.requests
    assert "door: no mask" in request.body.decode() and (not header or header in request.headers)
    if form == "json":
        assert json.loads(request.body)["device"] == "door"


def test_a_text_cannot_be_made_of_a_damaged_alert(server: Server) -> None:
    failure = webhook(server.url, format="ntfy").deliver(b'{"schema": 1}')
    assert failure and not failure.retry and server.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "failure"),
    [
        (404, {}, Failure("127.0.0.1 answers 404; check the path of the address", retry=False)),
        (413, {}, Failure("127.0.0.1 answers 413", retry=False)),
        (500, {}, Failure("127.0.0.1 answers 500", retry=True)),
        (429, {"Retry-After": "7"}, Failure("127.0.0.1 answers 429", retry=True, pause=7.0)),
        (401, {}, Failure("127.0.0.1 answers 401: check the login or token", retry=True)),
        (
            302,
            {"Location": "http://example.org/x"},
            Failure(
                "127.0.0.1 answers 302 and redirects to another server, example.org; if it is the right one, give its "
                "address in outputs.hook.url",
                retry=True,
            ),
        ),
    ],
)
def test_an_answer_says_whether_the_alert_is_tried_again(
    server: Server, status: int, headers: dict[str, str], failure: Failure
) -> None:
    server.code, server.headers = status, headers
    assert webhook(server.url).deliver(alert("door")) == failure


def test_a_corrected_token_and_address_count_without_a_restart(server: Server, tmp_path: Path) -> None:
    server.answer = lambda posted: (200 if posted.headers["Authorization"] == "Bearer right" else 401, {})
    token, url = secret(tmp_path, "wrong"), secret(tmp_path, "http://127.0.0.1:9/gone", "url")
    hook = Webhook(WebhookConfig(name="hook", url_file=url, token_file=token))
    failure = hook.deliver(alert("door"))
    assert failure and failure.retry and "cannot be reached" in failure.reason and "gone" not in failure.reason
    secret(tmp_path, server.url, "url")
    failure = hook.deliver(alert("door"))
    assert failure and "answers 401" in failure.reason
    secret(tmp_path, "right")
    assert hook.deliver(alert("door")) is None
    Path(token).unlink()
    failure = hook.deliver(alert("door"))
    assert failure and failure.retry and "outputs.hook.token_file" in failure.reason and "right" not in failure.reason


def test_tls_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = make_pair(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server()
    server.start(context)
    url = server.url.replace("http:", "https:")
    failure = webhook(url).deliver(alert("door"))
    assert failure and failure.retry and "CERTIFICATE_VERIFY_FAILED" in failure.reason and server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert webhook(url).deliver(alert("door")) is None and len(server.accepted) == 1
    server.stop()


@pytest.mark.parametrize("drips", [False, True])
def test_a_server_that_hangs_is_left_at_the_end(drips: bool) -> None:
    server, results = SilentServer(drips), list[Failure | None]()
    hook = webhook(server.url)
    thread = threading.Thread(target=lambda: results.append(hook.deliver(alert("door"))))
    thread.start()
    assert server.connected.wait(10)
    until(lambda: hook.close() or not thread.is_alive(), pause=0.1)
    assert results[0] and results[0].retry
    assert hook.deliver(alert("door")) == Failure("maskwatch ends", retry=True)
    server.close()


def test_an_hour_of_faults_loses_nothing_and_keeps_the_order(server: Server, tmp_path: Path) -> None:
    """Down, answering 500, redirecting elsewhere, asking for patience, refusing the login: then it takes all."""
    config, problems = WebhookConfig(name="hook", url=server.url), list[str | None]()
    worker = SinkWorker(config, Webhook(config), (), lambda _, text: problems.append(text), backoff=Backoff(0.01, 0.02))
    recording = RecordingOutbox(tmp_path / "outbox.db", [worker])
    server.stop()
    server.answers = [(500, {})] * 3 + [(302, {"Location": "http://example.org/"}), (408, {}), (403, {}), (503, {})]
    for number in range(30):
        payload = alert("door", id=str(number))
        recording.outbox.put(OutboxMessage(str(number), "maskwatch/door/alert", payload), broker=False)
    until(lambda: problems)
    assert "cannot be reached" in str(problems[0])
    server.start()
    until(lambda: len(server.accepted) == 30)
    recording.close()
    assert [json.loads(posted.body)["id"] for posted in server.accepted] == [str(number) for number in range(30)]
    assert peek(tmp_path / "outbox.db") == ([], []) and problems[-1] is None
