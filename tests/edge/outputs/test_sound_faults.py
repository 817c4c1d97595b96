"""edge.outputs.sound while the device is missing or busy, and while aplay is missing or hangs (with a stand-in)."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.aplay import OPEN_ERROR, Standin, problem

from edge.config.outputs import SoundConfig
from edge.config.sounds import BUNDLED
from edge.outputs.sound import Player, Sound


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (OPEN_ERROR.format("Device or resource busy"), "another program uses it"),
        (OPEN_ERROR.format("No such file or directory"), "it is not there; `aplay -L` lists"),
        (OPEN_ERROR.format("Permission denied"), "the service needs install.sh --sound, a user the group audio"),
        ("aplay: set_params:1345: Sample format non available\nAvailable formats:\n- S16_LE\n", "name it plughw:..."),
        ("aplay: set_params:1452: Unable to install hw params:\nACCESS: RW\n", "Unable to install hw params:"),
        ("", "ended with exit code 1"),
    ],
)
def test_a_device_that_does_not_play_is_told(aplay: Standin, sounds: Any, message: str, hint: str) -> None:
    aplay.fail(message)
    sound = sounds(device="plughw:1,0")
    until(lambda: problem(sound, False, "nobody"))
    text = problem(sound, False, "nobody")
    assert text.startswith("the sound device plughw:1,0 does not play: ") and hint in text


def test_a_device_that_plays_again_is_noticed_before_somebody_comes(aplay: Standin, sounds: Any) -> None:
    aplay.fail(OPEN_ERROR.format("No such device"))
    sound = sounds()
    until(lambda: problem(sound, False, "nobody"))
    assert (
        problem(sound, False, "nobody")
        == "the default sound device does not play: it is not there; `aplay -L` lists the devices of "
        "this machine (the service sees them after install.sh --sound)"
    )
    aplay.fail(None)
    until(lambda: not problem(sound, False, "nobody"))
    assert aplay.begun == []


def test_a_sentence_that_could_not_be_played_is_played_while_its_situation_lasts(aplay: Standin, sounds: Any) -> None:
    sound = sounds()
    aplay.fail("")
    problem(sound, True, "no_mask")
    until(lambda: problem(sound, True, "no_mask"))
    aplay.fail(None)
    until(lambda: "end en/no_mask" in aplay.log)
    until(lambda: not problem(sound, True, "no_mask"))


def test_a_new_situation_is_tried_at_once_however_long_the_device_was_gone(aplay: Standin, sounds: Any) -> None:
    aplay.fail("")
    sound = sounds()
    until(lambda: aplay.log.count("begin silence") >= 4, timeout=60)  # the next pause is 8 s
    aplay.fail(None)
    begun = time.monotonic()
    problem(sound, True, "no_mask")
    until(lambda: "end en/no_mask" in aplay.log)
    assert time.monotonic() - begun < 7


def test_aplay_may_be_installed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    player = Player()
    sound = Sound(SoundConfig(name="voice"), player)
    try:
        until(lambda: problem(sound, False, "nobody"))
        assert problem(sound, False, "nobody") == "aplay is missing, which plays sounds: sudo apt install alsa-utils"
        (tmp_path / "aplay").write_text("#!/bin/sh\n")
        (tmp_path / "aplay").chmod(0o755)
        until(lambda: not problem(sound, False, "nobody"))
    finally:
        sound.close()


def test_files_that_are_missing_may_come_later(aplay: Standin, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    sound = Sound(SoundConfig(name="voice", files=str(folder), when=("no_mask",)), Player())
    try:
        until(lambda: "must be a folder that can be read" in problem(sound, False, "nobody"))
        folder.mkdir()
        shutil.copy(BUNDLED / "en" / "no_mask.wav", folder)
        until(lambda: not problem(sound, False, "nobody"))
        sound.set(True, "no_mask")
        until(lambda: aplay.begun == ["own/no_mask"])
    finally:
        sound.close()


def test_an_aplay_that_hangs_is_ended(aplay: Standin, sounds: Any) -> None:
    sound = sounds()
    aplay.sounds_last(60)
    sound.set(True, "mask")  # not one of its situations: nothing happens
    sound.set(True, "no_mask")
    until(lambda: problem(sound, True, "no_mask"))
    assert "had not ended after" in problem(sound, True, "no_mask")


def test_the_end_ends_a_sound(aplay: Standin, sounds: Any) -> None:
    sound = sounds()
    aplay.sounds_last(60)
    sound.set(True, "no_mask")
    until(lambda: aplay.begun)
    begun = time.monotonic()
    sound.close()
    assert time.monotonic() - begun < 3
    assert not children()


def children() -> list[str]:
    """The children of this process, zombies too, that play sounds."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        for number in (task / "children").read_text().split():
            try:
                names.append(Path(f"/proc/{number}/comm").read_text().strip())
            except OSError:
                continue
    return [name for name in names if name in ("aplay", "sh", "sleep")]


def test_a_test_speaks_in_all_languages_or_says_why_not(aplay: Standin, maskwatch: Any, tmp_path: Path) -> None:
    config = tmp_path / "door.toml"
    config.write_text('[outputs.sound]\nlanguages = ["en", "fr"]\n')
    aplay.sounds_last(1.3)  # both together last longer than another output is on
    ran = maskwatch("test-output", "sound", "--config", config)
    assert ran.end() == 0, ran.err
    assert aplay.log[2:] == ["begin en/no_mask", "end en/no_mask", "begin fr/no_mask", "end fr/no_mask"]
    aplay.fail(OPEN_ERROR.format("Device or resource busy"))
    ran = maskwatch("test-output", "sound", "--config", config)
    assert ran.end() == 1 and "the default sound device does not play: another program uses it" in ran.err
