"""edge.serving.limiter: guesses are slowed down, and nobody else is locked out."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Answer, Watched

from edge.serving.limiter import MAX_TRIES, MAX_TRIES_IN_ALL, Limiter
from edge.serving.passwords import hash_password

PASSWORD = "correct horse"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


def test_visitors_are_counted_apart_and_strangers_in_all() -> None:
    limiter = Limiter(tries=2, tries_in_all=4, window=60)
    for address in ("a", "a", "b"):
        limiter.count_wrong(address)
    assert limiter.seconds_to_wait("a") > 0 and limiter.seconds_to_wait("b") == 0
    limiter.uncount("a")
    assert limiter.seconds_to_wait("a") == 0
    for address in ("c", "d"):
        limiter.count_wrong(address)
    assert limiter.seconds_to_wait("e") > 0, "all strangers together are limited too"
    assert limiter.seconds_to_wait("known", known=True) == 0, "whoever is known is not"
    for _ in range(2):
        limiter.count_wrong("known", known=True)
    assert limiter.seconds_to_wait("known", known=True) > 0, "but for mistakes of its own"


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "state").mkdir()
    text = (
        f'password_hash = "{hash_password(PASSWORD)}"\ntrusted_proxies = ["127.0.0.1"]\n'
        f'[state]\nfolder = "{tmp_path / "state"}"\n'
    )
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        yield door


def log_in(door: Watched, address: str, password: str = PASSWORD, cookie: str = "") -> Answer:
    headers = {"X_Forwarded_For": address, **({"Cookie": cookie} if cookie else {}), **FORM}
    return door.client.ask("/login", "POST", f"password={password}".encode(), **headers)


def cookies(answer: Answer) -> str:
    return "; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie"))


def test_only_the_guesser_is_locked_out(door: Watched) -> None:
    codes = [log_in(door, "203.0.113.9", f"guess {number}").status for number in range(MAX_TRIES + 1)]
    assert codes == [401] * MAX_TRIES + [429]
    assert log_in(door, "203.0.113.9").status == 429
    assert log_in(door, "198.51.100.7").status == 200
    assert log_in(door, "evil, 203.0.113.9").status == 429, "what the visitor writes in front counts for nothing"
    assert log_in(door, "198.51.100.8, 203.0.113.9").status == 429


def test_a_network_of_ipv6_counts_as_one_visitor(door: Watched) -> None:
    codes = [log_in(door, f"2001:db8:1:2::{number}", "guess").status for number in range(1, MAX_TRIES + 2)]
    assert codes == [401] * MAX_TRIES + [429]
    assert log_in(door, "2001:db8:1:3::1").status == 200


def test_a_browser_that_has_logged_in_before_is_never_locked_out(door: Watched) -> None:
    known = cookies(log_in(door, "198.51.100.7"))
    for number in range(MAX_TRIES_IN_ALL + 5):
        answer = log_in(door, f"203.0.113.{number}", "guess")
    assert answer.status == 429, "somebody guesses from changing addresses"
    stranger = log_in(door, "198.51.100.20")
    assert stranger.status == 429 and int(stranger.headers["Retry-After"]) > 0
    assert log_in(door, "198.51.100.7", cookie=known).status == 200
    door.again()
    door.process.wait_for("the page is at")
    for number in range(MAX_TRIES_IN_ALL + 5):
        log_in(door, f"203.0.113.{number}", "guess")
    assert log_in(door, "203.0.113.1", cookie=known).status == 200, "also after a restart, and from a guesser's address"
    invented = "; ".join(f"{pair.partition('=')[0]}=invented" for pair in known.split("; "))
    assert log_in(door, "198.51.100.20", cookie=invented).status == 429
    for _ in range(MAX_TRIES):
        assert log_in(door, "198.51.100.7", "guess", known).status == 401
    assert log_in(door, "198.51.100.7", "guess", known).status == 429, "whoever steals the cookie is limited as well"
