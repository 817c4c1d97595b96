"""``maskwatch watch --metrics``: what is served, to whom, and what is refused."""

import base64
import signal
from pathlib import Path
from typing import Any

from support import until
from support.brokers import free_port
from support.browsing import Client
from support.many_doors import Doors

from edge.serving.passwords import hash_password


def test_watch_serves_all_doors_beside_the_page_and_ends(maskwatch: Any, mosquitto: Any) -> None:
    broker, port, page = mosquitto().start(), free_port(), free_port()
    process = maskwatch("watch", "--broker", broker.address, "--metrics", port, "--web", "--web-port", page)
    process.wait_for(f"the metrics page is at http://127.0.0.1:{port}/")
    client = Client(port)
    with Doors(broker.port) as simulated:
        simulated.announce("front", today={"people": 40, "mask": 38, "alerts": 2})
        simulated.announce("back")
        until(lambda: client.ask("/metrics").text.count("\nmaskwatch_online{") == 2, "both doors are told", 30)
    answer = client.ask("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'maskwatch_today_people_total{door="front"} 40.0' in answer.text
    assert client.ask("/healthz").json == {"status": "ok"} and client.ask("/nowhere").status == 404
    assert client.ask("/").status == 307 and client.ask("/metrics", Host="evil.example").status == 421
    assert Client(page).ask("/api/doors").json["broker"]["connected"]
    broker.kill()
    until(lambda: "maskwatch_broker_connected 0.0" in client.ask("/metrics").text, "the broker is away", 30)
    assert client.ask("/healthz").status == 503
    assert process.end(signal.SIGTERM, 15) == 0


def test_a_password_is_asked_for_by_basic_authentication(maskwatch: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    file.write_text(f'[web]\nhost = "0.0.0.0"\npassword_hash = "{hash_password("correct horse")}"\n')
    port = free_port()
    process = maskwatch("watch", "--config", file, "--broker", f"127.0.0.1:{free_port()}", "--metrics", port)
    process.wait_for("the metrics page is at")
    client = Client(port)
    for accept in ("*/*", "text/html"):
        answer = client.ask("/metrics", Accept=accept, Sec_Fetch_Mode="navigate")
        assert answer.status == 401 and "Basic" in answer.headers["WWW-Authenticate"], "there is no login page here"
    right = "Basic " + base64.b64encode(b"prometheus:correct horse").decode()
    assert "maskwatch_broker_connected 0.0" in client.ask("/metrics", Authorization=right).text
    assert client.ask("/healthz").status == 503, "needs no password"


def test_options_that_cannot_be_meant_are_refused(maskwatch: Any) -> None:
    refused = maskwatch("watch", "--metrics", "9765", "--metrics-host", "0.0.0.0")
    assert refused.end() == 2 and "the metrics need a password: maskwatch set --web-password" in refused.err
    refused = maskwatch("watch", "--metrics", "99999")
    assert refused.end() == 2 and "'99999' is not a port: a whole number from 1 to 65535" in refused.err
    refused = maskwatch("watch", "--metrics-host", "127.0.0.1")
    assert refused.end() == 2 and "--metrics-host needs --metrics PORT" in refused.err
    refused = maskwatch("watch", "--web", "--web-port", "8099", "--metrics", "8099")
    assert refused.end() == 2 and "--metrics 8099 is the port of the page; choose another one" in refused.err


def test_a_port_that_is_in_use_is_told_with_the_option_to_change(maskwatch: Any, mosquitto: Any) -> None:
    broker = mosquitto().start()
    process = maskwatch("watch", "--broker", broker.address, "--metrics", broker.port)
    process.wait_for(
        f"the metrics page cannot use port {broker.port}: in use by another program; set another --metrics, or end that"
    )
