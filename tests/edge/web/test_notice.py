"""The notice for the door: its sentences follow the options in use, in every language."""

import string
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.config.outputs import RelayConfig
from edge.config.schema import Config, PrivacyConfig, SnapshotsConfig, StoreConfig
from edge.config.signs import BUNDLED
from edge.config.web import WebConfig
from edge.web.notice import described, names, notices


def test_it_is_there_in_every_language_of_the_sign_with_the_same_sentences_and_values() -> None:
    assert notices().keys() == {file.stem for file in BUNDLED.glob("*.json")}
    for language, texts in notices().items():
        assert list(texts) == list(notices()["en"]), language
        for name, text in texts.items():
            used = [{field for _, field, *_ in string.Formatter().parse(one)} for one in (text, notices()["en"][name])]
            assert used[0] == used[1], (language, name)


def test_by_default_it_says_that_no_image_is_stored_or_sent() -> None:
    assert names(Config()) == ["looks", "identifies", "alerts", "images_off", "counts"]
    assert described(Config())["store_days"] is None and not described(Config())["shows_faces"]


@pytest.mark.parametrize("language", notices())
@pytest.mark.parametrize("blur", ["face", "eyes"])
@pytest.mark.parametrize("mode", ["off", "blurred", "full"])
@pytest.mark.parametrize("setup", [True, False])
def test_it_follows_images_and_their_days(language: str, blur: Any, mode: Any, setup: bool) -> None:
    config = Config(
        snapshots=SnapshotsConfig(mode, keep_days=2.5),
        privacy=PrivacyConfig(blur),
        web=WebConfig(enabled=True, setup=setup),
        store=StoreConfig("/etc/store", keep_days=30),
        outputs=(RelayConfig(name="door", open_when="mask"),),
    )
    said, texts = described(config, language), notices()[language]
    images = {"off": "live", "blurred": blur, "full": "full"}[mode]
    expected = ["looks", "identifies", "alerts", f"images_{images}", f"live_{'setup' if setup else blur}", "counts"]
    assert names(config) == [*expected, "interlock"]
    kept = texts["days.other"].format(number=3)
    assert (kept in " ".join(said["sentences"])) == (mode != "off"), "a part of a day counts as a day"
    assert texts["days.other"].format(number=400) in said["sentences"][5] and "5000" in said["sentences"][2]
    assert said["store_days"] == 30 and "{number}" in said["store"]["other"] and said["shows_faces"] == setup
    assert not any("{" in sentence for sentence in said["sentences"])


def test_one_day_is_said_in_its_own_form() -> None:
    config = Config(snapshots=SnapshotsConfig("full", keep_days=0.5))
    assert "at most 1 day." in described(config)["sentences"][3]


def test_the_page_answers_in_the_language_asked_for_and_follows_a_change(maskwatch: Any, tmp_path: Path) -> None:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        ask = door.client.ask
        assert ask("/api/notice?lang=fr").json["title"] == notices()["fr"]["title"]
        assert ask("/api/notice", Accept_Language="de").json["language"] == "de"
        refused = ask("/api/notice?lang=xx")
        assert refused.status == 400 and "is not one of de, en, es, fr, it, zh" in refused.json["error"]
        assert notices()["en"]["live_setup"] in ask("/api/notice").json["sentences"]
        assert door.client.post("/api/settings", {"web": {"setup": False}}).status == 200
        assert notices()["en"]["live_face"] in ask("/api/notice").json["sentences"]
        assert ask("/notice").status == 200 and 'id="sentences"' in ask("/notice").text
