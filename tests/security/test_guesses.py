"""Guesses of the page's password: each costs the same work and gets the same answer, whoever and whatever is named."""

import base64
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.serving.limiter import MAX_TRIES
from edge.serving.passwords import hash_password, matches

pytestmark = pytest.mark.security
PASSWORD = "correct horse"
GUESSES = ("", "c", "correct hors", "correct horsE", PASSWORD, "x" * 4000, "\x00", "ü", "\ud800")


def work_of(guess: str, password_hash: str) -> list[str]:
    """Returns the functions in C that the check of a guess calls."""
    called: list[str] = []
    sys.setprofile(lambda frame, event, function: event == "c_call" and called.append(function.__qualname__))
    try:
        matches(guess, password_hash)
    finally:
        sys.setprofile(None)
    return [name for name in called if name != "setprofile"]


def test_each_guess_costs_the_same_work() -> None:
    password_hash = hash_password(PASSWORD)
    first = work_of(PASSWORD, password_hash)
    assert first.count("scrypt") == 1 and "compare_digest" in first
    assert all(work_of(guess, password_hash) == first for guess in GUESSES)


def test_no_answer_tells_users_apart(maskwatch: Callable[..., Any], tmp_path: Path) -> None:
    """Any user is as good as another: there are no names to be found out."""
    text = f'password_hash = "{hash_password(PASSWORD)}"\ntrusted_proxies = ["127.0.0.1"]\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        answers = []
        for number, guess in enumerate(("admin:", "admin:wrong", ":", "no such user:wrong", f"{PASSWORD}:x", "root")):
            login = "Basic " + base64.b64encode(guess.encode()).decode()
            answer = door.client.ask("/metrics", Authorization=login, X_Forwarded_For=f"203.0.113.{number}")
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            answers.append((answer.status, headers, answer.text))
        assert answers[0][0] == 401 and all(answer == answers[0] for answer in answers)


def test_the_owner_changes_the_password_while_somebody_guesses(maskwatch: Callable[..., Any], tmp_path: Path) -> None:
    """From the same address even: behind a router, the owner and the guesser may have one."""
    text = f'password_hash = "{hash_password(PASSWORD)}"\n'
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        answer = door.client.ask("/login", "POST", f"password={PASSWORD}".encode(), **form)
        cookies = "; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie"))
        for number in range(MAX_TRIES + 1):
            guessed = door.client.ask("/login", "POST", f"password={number}".encode(), **form)
        assert guessed.status == 429
        change = {"current": PASSWORD, "new": "battery staple"}
        assert door.client.post("/api/password", change, Cookie=cookies).status == 200
