"""The sign at the door: what it says, its link, its texts and its logo, over real HTTP from a real process."""

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.browsing import Watched, events_of

from edge.config.load import load
from edge.config.signs import BUNDLED, MESSAGES, message_for, read_texts
from edge.errors import ConfigError
from edge.serving.passwords import hash_password
from edge.web.sign_link import hash_key

KEY = "k" * 32
LOCKED = f'password_hash = "{hash_password("correct horse")}"\n[sign]\nlink_hash = "{hash_key(KEY)}"\n'


@pytest.fixture
def locked(maskwatch: Any, tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, LOCKED, "--print")) as door:
        yield door


def said(door: Watched, wanted: str, path: str = "/sign/events") -> None:
    """Waits until the sign says something."""
    with door.client.stream(path) as stream:
        for kind, data in islice(events_of(stream), 60):
            if kind == "message" and data == wanted:
                return
    raise AssertionError(f"the sign never said {wanted}")


def test_the_sign_helps_the_worst_protected_person() -> None:
    assert message_for(people=0, masked=0, bare=0) == "idle"
    assert message_for(people=3, masked=3, bare=0) == "mask"
    assert message_for(people=3, masked=2, bare=0) == "incorrect_mask"
    assert message_for(people=3, masked=1, bare=1) == "no_mask"


def test_the_sign_follows_the_door_and_knows_nobody_while_paused(maskwatch: Any, tmp_path: Path) -> None:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        said(door, "no_mask")
        assert door.client.post("/api/pause", {"paused": True}).status == 200
        said(door, "unknown")
        assert door.client.post("/api/pause", {"paused": False}).status == 200
        said(door, "no_mask")
        door.camera.close()
        said(door, "unknown")


def test_the_link_opens_the_sign_and_nothing_else(locked: Watched) -> None:
    client = locked.client
    said(locked, "no_mask", f"/sign/events?key={KEY}")
    assert client.ask(f"/sign?key={KEY}").status == 200
    assert client.ask(f"/sign/logo?key={KEY}").status == 404, "no logo is set"
    for path in ("/sign.css", "/js/sign.js"):
        assert client.ask(path).status == 200
    for path in ("/api/now", "/events", "/live.jpg", "/api/alerts", "/report", "/api/settings", "/sign/../api/now"):
        assert client.ask(f"{path}?key={KEY}").status == 401, path
    assert client.post(f"/sign?key={KEY}", {}).status == 401
    for wrong in ("", "?key=", "?key=k", "?key=%ff", f"?key={hash_key(KEY)}"):
        assert client.ask(f"/sign/events{wrong}").status == 401, wrong
        assert client.ask(f"/sign{wrong}", Accept="text/html").status == 303, wrong
    assert KEY not in locked.process.err + locked.process.out


def test_the_events_tell_nothing_but_the_message(locked: Watched) -> None:
    with locked.client.stream(f"/sign/events?key={KEY}") as stream:
        (_, sign), *messages = islice(events_of(stream), 4)
    assert set(sign) == {"version", "texts", "logo"}
    assert all(kind == "message" and data in (*MESSAGES, "unknown") for kind, data in messages)


def test_set_makes_a_link_that_replaces_the_earlier_one(maskwatch: Any, tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[web]\nenabled = true\nport = 8099\n")
    links = []
    for _ in range(2):
        done = maskwatch("set", "--config", file, "--sign-link")
        assert done.end() == 0, done.err
        assert "the sign will be at http://127.0.0.1:8099/sign?key=" in done.out
        links.append(done.out.partition("?key=")[2].split()[0])
        assert hash_key(links[-1]) == load(file).sign.link_hash and links[-1] not in file.read_text()
    assert links[0] != links[1]


@pytest.mark.parametrize("file", sorted(BUNDLED.glob("*.json")), ids=lambda file: file.stem)
def test_every_language_has_every_text(file: Path) -> None:
    texts = json.loads(file.read_text("utf-8"))
    assert tuple(texts) == MESSAGES and all(0 < len(text) <= 40 for text in texts.values())


def test_own_texts_replace_ours_and_add_languages(tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text('{"mask": "Cheers"}')
    (tmp_path / "nl.json").write_text(json.dumps(dict.fromkeys(MESSAGES, "Dank u"), ensure_ascii=False))
    file = tmp_path / "door.toml"
    file.write_text(f'[sign]\nlanguages = ["nl", "en", "nl"]\ntexts = "{tmp_path}"\n')
    texts = read_texts(load(file).sign)
    assert list(texts) == ["nl", "en"] and texts["nl"]["mask"] == "Dank u"
    assert texts["en"]["mask"] == "Cheers" and texts["en"]["no_mask"] == "Please put on a mask"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("languages = []", "sign.languages: must name 1 to 8 languages"),
        ('languages = ["xx"]', "there are no texts for 'xx'; choose from de, en, es, fr, it, zh, or write xx.json"),
        ('languages = ["../../x"]', "must be a language such as en, fr or pt-BR"),
        ('texts = "/no/such"', "must be a folder that can be read"),
        ('logo = "/no/such.png"', "the file cannot be read"),
        ('link_hash = "secret"', "sign.link_hash is not a valid hash; let `maskwatch set --sign-link` write it"),
    ],
)
def test_options_that_cannot_be_used(options: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text(f"[sign]\n{options}\n")
    with pytest.raises(ConfigError) as error:
        load(file)
    assert message in str(error.value) and "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "must be JSON in UTF-8"),
        (b"[" * 9000, "must be JSON in UTF-8"),
        (b'["x"]', "must have texts for idle, no_mask, incorrect_mask, mask and nothing else"),
        (b'{"hello": "x"}', "must have texts for idle"),
        (b'{"mask": ""}', "mask must be a text of 1 to 80 characters on one line"),
        (b'{"mask": 7}', "mask must be a text"),
        (b'{"mask": "a\\nb"}', "mask must be a text"),
        (b'{"mask": "' + b"x" * 81 + b'"}', "mask must be a text"),
    ],
)
def test_own_texts_that_cannot_be_used(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "en.json").write_bytes(content)
    file = tmp_path / "door.toml"
    file.write_text(f'[sign]\ntexts = "{tmp_path}"\n')
    with pytest.raises(ConfigError) as error:
        load(file)
    assert f"{tmp_path}/en.json: {message}" in str(error.value)


@pytest.mark.parametrize(
    "text", ["Merci\u00a0!", "Merci\u202f!", "謝謝\u3000您", "می\u200cخواهیم", "👩\u200d⚕️ thanks", "Mund\u00adschutz"]
)
def test_own_texts_have_the_spaces_and_joiners_of_their_language(text: str, tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text(json.dumps({"mask": text}), "utf-8")
    file = tmp_path / "door.toml"
    file.write_text(f'[sign]\ntexts = "{tmp_path}"\n')
    assert read_texts(load(file).sign)["en"]["mask"] == text
    (tmp_path / "en.json").write_text(json.dumps({"mask": "\u200d\u00a0"}), "utf-8")
    with pytest.raises(ConfigError, match="mask must be a text"):
        load(file)


def test_a_new_language_needs_every_text(tmp_path: Path) -> None:
    (tmp_path / "nl.json").write_text('{"mask": "Dank u"}')
    file = tmp_path / "door.toml"
    file.write_text(f'[sign]\nlanguages = ["nl"]\ntexts = "{tmp_path}"\n')
    with pytest.raises(ConfigError, match="nl.json: idle, no_mask, incorrect_mask must be there too"):
        load(file)


@pytest.mark.parametrize(("ending", "kind"), [(".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp")])
def test_a_logo_is_served_with_its_type(ending: str, kind: str, maskwatch: Any, tmp_path: Path) -> None:
    logo = tmp_path / f"logo{ending}"
    cv2.imwrite(str(logo), np.full((20, 40, 3), 200, np.uint8))
    with closing(Watched(maskwatch, tmp_path, f'[sign]\nlogo = "{logo}"\n', "--print")) as door:
        answer = door.client.ask("/sign/logo")
    assert answer.headers["Content-Type"] == kind and answer.body == logo.read_bytes()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("content", [b"<svg onload='alert(1)'/>", b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(2**20)])
def test_a_logo_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(content)
    file = tmp_path / "door.toml"
    file.write_text(f'[sign]\nlogo = "{tmp_path / "logo"}"\n')
    with pytest.raises(ConfigError, match="must be a PNG, JPEG or WebP image|it has more than 1 MiB"):
        load(file)
