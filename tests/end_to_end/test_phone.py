"""``maskwatch watch --post`` as the phone service runs it: a real broker, a real HTTP server, real doors."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import free_port
from support.browsing import Client
from support.notified import Systemd
from support.phone import Server, configured, waiting


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def test_two_phones_of_one_store_do_not_run_at_once(server: Server, mosquitto: Any, maskwatch: Any) -> None:
    broker = mosquitto().start()
    first = maskwatch("watch", "--broker", broker.address, "--post", server.url)
    first.wait_for("connected to the broker")
    second = maskwatch("watch", "--broker", broker.address, "--post", server.url)
    assert second.end() == 2 and "stop it, or give this one a [state] folder" in second.err
    plain = maskwatch("watch", "--broker", broker.address)  # without a phone there is nothing to share
    plain.wait_for("connected to the broker")
    assert first.end(signal.SIGTERM) == plain.end(signal.SIGTERM) == 0


def test_a_picture_goes_with_the_text_unless_its_faces_are_not_blurred(
    server: Server, mosquitto: Any, maskwatch: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    page = "http://{device}.local:8080/"
    watch = maskwatch("watch", "--broker", broker.address, "--post", server.url, "--config", configured(
        tmp_path, page=page, burst=0))  # fmt: skip
    watch.wait_for("connected to the broker")
    for mode in ("blurred", "full"):
        door = tmp_path / f"{mode}.toml"
        door.write_text(f"[snapshots]\nmode = '{mode}'\n[device]\nname = '{mode}'\n")
        assert maskwatch("run", "--source", "demo", "--broker", broker.address, "--config", door).end() == 0
    until(lambda: len(server.accepted) == 8, lambda: f"8 texts; {server.messages}", 60)
    assert watch.end(signal.SIGTERM) == 0
    for posted in server.accepted:
        device = posted.headers["Title"].partition(":")[0]
        assert posted.headers["Click"] == f"http://{device}.local:8080/"
        assert posted.headers["Priority"] == "4" and posted.headers["Title"] == f"{device}: no mask"
        if device == "blurred":
            assert posted.body.startswith(b"\xff\xd8\xff") and posted.headers["Filename"] == "snapshot.jpg"
            assert posted.headers["Message"].startswith("blurred: no mask, ")
        else:
            assert posted.body.startswith(b"full: no mask, ")


def test_a_door_that_is_offline_rings_by_option_and_only_once(
    server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    client = subscriber(broker.port)
    config = configured(tmp_path, fault_after=2)
    options = ("watch", "--broker", broker.address, "--post", server.url, "--config", config)
    for device, status in (("well", b"online"), ("gone", b"offline"), ("blind", b"online"), ("blip", b"offline")):
        client.publish(f"maskwatch/{device}/status", status, retain=True)
    client.publish("maskwatch/blind/health", b'{"schema":1,"camera":"lost","model":"m","problem":null}', retain=True)
    watch = maskwatch(*options)
    watch.wait_for("blip  is offline")
    client.publish("maskwatch/blip/status", b"online", retain=True)
    until(lambda: len(server.texts) == 2)
    until(lambda: not waiting(tmp_path))  # a kill before an answer is noted would repeat that text
    watch.end(signal.SIGKILL)
    watch = maskwatch(*options)
    watch.wait_for("gone  is offline")
    client.publish("maskwatch/gone/status", b"online", retain=True)
    until(lambda: len(server.texts) == 3)
    assert watch.end(signal.SIGTERM) == 0
    assert sorted(text.rpartition(",")[0] for text in server.messages[:2]) == [
        "blind has lost its camera", "gone is offline: no power, no network, or stopped"
    ]  # fmt: skip
    assert server.messages[2].startswith("gone works again")


def test_systemd_learns_that_it_is_ready_when_the_subscription_stands(
    server: Server, mosquitto: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """So the camera's unit, which starts after it, sends what waited to a broker that knows the phone."""
    broker = mosquitto().start()
    with closing(Systemd(str(tmp_path / "notify"))) as systemd:
        options = ("watch", "--broker", broker.address, "--post", server.url)
        watch = maskwatch(*options, env={"NOTIFY_SOCKET": systemd.address})
        until(lambda: "READY=1" in systemd.messages)
        assert "connected to the broker" in watch.err
        watch.end(signal.SIGTERM)
        systemd.messages.clear()
        broker.kill()
        watch = maskwatch(*options, env={"NOTIFY_SOCKET": systemd.address})
        assert until(lambda: "READY=1" in systemd.messages) > 4, "the camera waits a moment, not for ever"
        watch.end(signal.SIGTERM)


def test_the_client_id_stays_and_says_what_it_is_for(
    server: Server, mosquitto: Any, maskwatch: Any, tmp_path: Path
) -> None:
    broker = mosquitto("allow_anonymous true\nlog_type all").start()
    for _ in range(2):
        watch = maskwatch("watch", "--broker", broker.address, "--post", server.url)
        watch.wait_for("connected to the broker")
        assert watch.end(signal.SIGTERM) == 0
    host = re.sub(r"[^A-Za-z0-9-]", "", socket.gethostname())[:32]
    log = (tmp_path / "broker0" / "mosquitto.log").read_text()
    assert len(set(re.findall(rf"as (maskwatch-phone-{host}-[0-9a-f]{{8}})", log))) == 1


def test_the_page_s_button_sends_a_test(server: Server, mosquitto: Any, maskwatch: Any, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="needs the extra web")
    broker = mosquitto().start()
    watch = maskwatch("watch", "--broker", broker.address, "--post", server.url)
    watch.wait_for("connected to the broker")
    config = tmp_path / "door.toml"
    config.write_text(f"[web]\nport = {free_port()}\n[source]\nrepeat = true\n")
    run = maskwatch("run", "--source", "demo", "--realtime", "--web", "--broker", broker.address, "--config", config)
    watch.wait_for("is online")
    run.wait_for("the page is at")
    page = Client(int(config.read_text().split()[3]))
    answer = page.post("/api/test", {})
    assert answer.status == 200, answer.text
    until(lambda: any("entrance: a test, " in text for text in server.messages))
    broker.kill()
    run.wait_for("broker lost")
    answer = page.post("/api/test", {})
    assert answer.status == 503 and "no connection to a broker" in answer.json["error"]
    assert page.ask("/api/test", "POST", Origin="http://elsewhere").status == 403
    assert run.end(signal.SIGTERM) == watch.end(signal.SIGTERM) == 0
