"""edge.serving.guard and edge.serving.passwords: login, other sites, and what the page may change."""

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Client, Watched

from edge.config.load import load
from edge.errors import ConfigError
from edge.serving.limiter import MAX_TRIES
from edge.serving.passwords import hash_password, matches

PASSWORD = "correct horse"


@pytest.fixture
def locked(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, f'password_hash = "{hash_password(PASSWORD)}"\n', "--print")) as door:
        yield door


@pytest.fixture
def open_page(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def log_in(client: Client, password: str = PASSWORD) -> Any:
    answer = client.ask(
        "/login", "POST", f"password={password}".encode(), Content_Type="application/x-www-form-urlencoded"
    )
    if answer.status == 200:
        client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    return answer


def test_without_the_password_nothing_is_served(locked: Watched) -> None:
    client = locked.client
    for path in ("/api/now", "/api/alerts", "/live.mjpeg", "/live.jpg", "/events", "/metrics", "/js/page.js"):
        assert client.ask(path).status == 401, path
    assert client.ask("/api/check", "POST", b"x").status == 401
    assert client.post("/api/settings", {"detect": {"min_face": 30}}).status == 401
    assert client.ask("/").status == 303 and client.ask("/").headers["Location"] == "login"
    assert client.ask("/healthz").json in ({"status": "ok"}, {"status": "problem"}), "healthz needs no password"


def test_logging_in_and_out(locked: Watched) -> None:
    client = locked.client
    answer = log_in(client, "wrong")
    assert answer.status == 401 and "Set-Cookie" not in answer.headers
    cookie = log_in(client).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    assert client.ask("/api/now").json["device"] == "entrance"
    assert client.ask("/logout", "POST").status == 200
    assert client.ask("/api/now").status == 401, "the old cookie is no longer valid"
    text = locked.process.err + locked.process.out
    assert PASSWORD not in text and "scrypt" not in text


def test_guesses_are_limited(locked: Watched) -> None:
    codes = [log_in(locked.client, f"guess {number}").status for number in range(MAX_TRIES + 1)]
    assert codes == [401] * MAX_TRIES + [429]
    answer = log_in(locked.client)
    assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0, "the right one must wait too"


def test_basic_authentication_is_accepted(locked: Watched) -> None:
    right = "Basic " + base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()
    assert "maskwatch_frames_total" in locked.until(
        lambda: "frames_total" in (text := locked.client.ask("/metrics", Authorization=right).text) and text, "frames"
    )
    assert locked.client.ask("/metrics", Authorization="Basic !").status == 401
    assert "Basic" in locked.client.ask("/metrics").headers["WWW-Authenticate"]


def test_other_names_and_other_sites_are_refused(open_page: Watched) -> None:
    client = open_page.client
    host = f"127.0.0.1:{open_page.port}"
    assert client.ask("/api/now", Host="evil.example").status == 421, "DNS rebinding"
    for name in (host, f"localhost:{open_page.port}", f"192.168.1.7:{open_page.port}", f"[::1]:{open_page.port}"):
        assert client.ask("/api/now", Host=name).status == 200
    change = {"detect": {"min_face": 50}}
    assert client.post("/api/settings", change, Origin="http://evil.example").status == 403
    assert client.post("/api/settings", change, Origin="null").status == 403
    assert client.post("/api/settings", change, Sec_Fetch_Site="cross-site").status == 403
    assert client.post("/api/settings", change, Origin=f"http://{host}").status == 200
    foreign = {"Sec_Fetch_Site": "cross-site"}
    assert client.ask("/live.mjpeg", Sec_Fetch_Mode="no-cors", **foreign).status == 403, "an image elsewhere"
    assert client.ask("/", Sec_Fetch_Mode="navigate", **foreign).status == 200, "a link to the page"


def test_the_security_headers_are_in_every_response(open_page: Watched) -> None:
    for path in ("/", "/login", "/js/page.js", "/api/now", "/live.jpg", "/nowhere"):
        headers = open_page.client.ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        kept = "no-cache" if path in ("/", "/login", "/js/page.js") else "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] in (kept, "no-store")
    files = ("/", "/js/page.js", "/js/zones.js", "/style.css", "/login")
    page = "".join(open_page.client.ask(path).text for path in files)
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page


def test_only_some_options_can_be_changed_on_the_page(open_page: Watched) -> None:
    before = open_page.file.read_text()
    for change, text in (
        ({"mqtt": {"host": "evil"}}, "mqtt.host cannot be changed on the page"),
        ({"web": {"password_hash": "x"}}, "web.password_hash cannot"),
        ({"detect": {"min_face": 1}}, "allowed: 24 to 1000"),
        ({"detect": {"zones": [[[0, 0], [2, 0], [1, 1]]]}}, "0 to 1"),
        ({"detect": 3}, "send sections"),
        ([], "send sections"),
    ):
        answer = open_page.client.post("/api/settings", change)
        assert answer.status == 400 and text in answer.json["error"], answer.text
    assert open_page.client.ask("/api/settings", "POST", b"{").status == 400
    assert open_page.file.read_text() == before


def test_a_page_served_to_the_network_needs_a_password() -> None:
    with pytest.raises(ConfigError, match="needs a password"):
        load(None, {"web": {"enabled": True, "host": "0.0.0.0"}})
    load(None, {"web": {"enabled": True, "host": "0.0.0.0", "password_hash": hash_password(PASSWORD)}})
    with pytest.raises(ConfigError, match="web.password_hash is not a valid hash"):
        load(None, {"web": {"password_hash": PASSWORD}})


def test_passwords_are_stored_as_salted_hashes() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second and PASSWORD not in first
    assert matches(PASSWORD, first) and matches(PASSWORD, second) and not matches("wrong horse", first)
    assert not matches(PASSWORD, "scrypt$x") and not matches(PASSWORD, first.replace("16384", "99999999999"))
    with pytest.raises(ValueError, match="8 or more"):
        hash_password("short")
