"""edge.web.setup: the first run over HTTP. tests/browser/test_first_run.py walks through it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.serving.passwords import MAX_LENGTH

PASSWORD = "correct horse"


@pytest.fixture
def door(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as watched:
        yield watched


def change(door: Watched, current: str, new: str) -> Any:
    return door.client.post("/api/password", {"current": current, "new": new})


def log_in(door: Watched, password: str) -> int:
    form = f"password={password}".encode()
    return door.client.ask("/login", "POST", form, Content_Type="application/x-www-form-urlencoded").status


def test_a_password_is_set_and_changed_and_survives_a_restart(door: Watched) -> None:
    answer = change(door, "", PASSWORD)
    assert answer.status == 200 and answer.json["locked"] is True and PASSWORD not in answer.text
    assert "scrypt" not in answer.text
    door.client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    for wrong in ("", "a guess"):
        assert change(door, wrong, "another horse").status == 403
    assert change(door, PASSWORD, "another horse").status == 200
    door.client.headers.clear()
    assert change(door, "another horse", PASSWORD).status == 401, "without a login, not even with the password"
    door.again()
    assert log_in(door, PASSWORD) == 401 and log_in(door, "another horse") == 200
    assert PASSWORD not in door.file.read_text() + door.process.err


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"current": "", "new": "short"}, "the password has 5 characters; use 8 or more"),
        ({"current": "", "new": "x" * (MAX_LENGTH + 1)}, "use 256 or less"),
        ({"current": "", "new": 12345678}, "send current and new, each as text"),
        ({"new": PASSWORD}, "send current and new, each as text"),
        ([], "send current and new, each as text"),
        ({"current": "", "new": "\ud800" * 9}, "half of a character"),
    ],
)
def test_what_is_no_password_is_refused_in_one_sentence(door: Watched, data: Any, sentence: str) -> None:
    before = door.file.read_text()
    answer = door.client.post("/api/password", data)
    assert answer.status == 400 and sentence in answer.json["error"]
    assert door.file.read_text() == before and door.client.ask("/api/now").json["locked"] is False


def test_guesses_of_the_current_password_are_limited(door: Watched) -> None:
    answer = change(door, "", PASSWORD)
    door.client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    statuses = [change(door, f"guess {number}", "another horse").status for number in range(8)]
    assert statuses[0] == 403 and statuses[-1] == 429
    assert change(door, PASSWORD, "another horse").status == 429


def test_the_longest_password_can_log_in(door: Watched) -> None:
    longest = "\U0001f637" * MAX_LENGTH
    assert change(door, "", longest).status == 200
    body = b"password=" + b"".join(b"%%%02X" % byte for byte in longest.encode())
    answer = door.client.ask("/login", "POST", body, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 200


def test_a_name_counts_from_the_next_start_on(door: Watched) -> None:
    for name in ("Front Door", "", "x" * 65, "türe"):
        answer = door.client.post("/api/name", {"name": name})
        assert answer.status == 400 and "1 to 64 of a-z 0-9 _ -" in answer.json["error"], name
    answer = door.client.post("/api/name", {"name": "front"}).json
    assert (answer["device"], answer["next_name"]) == ("entrance", "front")
    assert door.client.post("/api/name", {"name": "entrance"}).json["next_name"] is None
    assert door.client.post("/api/name", {"name": "front"}).status == 200
    refused = door.client.post("/api/restart", {})
    assert refused.status == 409 and "restart it on the device" in refused.json["error"], "no systemd is here"
    door.again()
    assert json.loads(door.client.ask("/api/now").body)["device"] == "front"


def test_the_hint_of_the_aim_knows_faces_and_light(door: Watched) -> None:
    with door.client.stream("/live.mjpeg"):
        seen = door.until(lambda: (found := door.client.ask("/api/aim").json).get("widths") and found, "a face")
    assert seen["smallest"] == 48 and 48 <= max(seen["widths"]) < 640
    assert 0 < seen["light"] < 255 and 0 < seen["face_light"] < 255
