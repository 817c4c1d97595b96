"""edge.outputs.sound: what is said, in which order, how often and when not (with a stand-in for aplay)."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.aplay import Standin

from edge.config.outputs import SoundConfig
from edge.config.sounds import BUNDLED
from edge.errors import OutputError
from edge.outputs.sound import Player, Sound


def test_each_language_speaks_in_turn(sounds: Any, aplay: Standin) -> None:
    sounds(languages=("de", "en")).set(True, "no_mask")
    until(lambda: aplay.begun == ["de/no_mask", "en/no_mask"])
    pause = until(lambda: "end en/no_mask" in aplay.log)
    assert pause < 30 and aplay.log[2:] == [
        "begin de/no_mask", "end de/no_mask", "begin en/no_mask", "end en/no_mask",
    ]  # fmt: skip


def test_what_is_set_again_is_said_once(sounds: Any, aplay: Standin) -> None:
    sound = sounds()
    for _ in range(3):
        sound.set(True, "no_mask")
        until(lambda: "end en/no_mask" in aplay.log)
    sound.set(False, "nobody")
    sound.set(True, "no_mask")
    until(lambda: len(aplay.begun) == 2)
    assert aplay.begun == ["en/no_mask"] * 2


def test_two_outputs_never_play_at_a_time(sounds: Any, aplay: Standin) -> None:
    first, second = sounds(name="a"), sounds(name="b", languages=("fr", "it"), when=("mask",))
    aplay.sounds_last(0.05)
    for _ in range(3):
        first.set(True, "incorrect_mask")
        second.set(True, "mask")
        time.sleep(0.12)
        first.set(False, "nobody")
        second.set(False, "nobody")
    until(lambda: len(aplay.log) % 2 == 0 and {"end en/incorrect_mask", "end fr/mask"} <= set(aplay.log))
    log = aplay.log
    for begin, end in zip(log[::2], log[1::2], strict=False):
        assert begin.split()[0] == "begin" and end == begin.replace("begin", "end"), log


def test_a_sound_waits_for_its_pause_and_the_newest_wins(sounds: Any, aplay: Standin) -> None:
    sound = sounds(every=0.6, when=("no_mask", "incorrect_mask", "mask"))
    sound.set(True, "no_mask")
    until(lambda: "end en/no_mask" in aplay.log)
    ended = time.monotonic()
    sound.set(True, "incorrect_mask")
    sound.set(True, "mask")
    until(lambda: "begin en/mask" in aplay.log)
    assert time.monotonic() - ended > 0.5
    assert aplay.begun == ["en/no_mask", "en/mask"]


def test_what_waits_is_dropped_when_the_output_goes_off(sounds: Any, aplay: Standin) -> None:
    sound = sounds(every=0.3)
    sound.set(True, "no_mask")
    until(lambda: "end en/no_mask" in aplay.log)
    sound.set(True, "incorrect_mask")
    sound.set(False, "nobody")
    time.sleep(0.5)
    assert aplay.begun == ["en/no_mask"]


def test_a_sentence_is_not_broken_off_but_the_next_language_is_left_out(sounds: Any, aplay: Standin) -> None:
    sound = sounds(languages=("de", "en"))
    aplay.sounds_last(0.3)
    sound.set(True, "no_mask")
    until(lambda: "begin de/no_mask" in aplay.log)
    sound.set(False, "nobody")
    until(lambda: "end de/no_mask" in aplay.log)
    time.sleep(0.2)
    assert aplay.begun == ["de/no_mask"]


def test_quiet_hours_are_silent(sounds: Any, aplay: Standin) -> None:
    hour = timedelta(hours=1)
    begin, end = (f"{datetime.now() + shift:%H:%M}" for shift in (-hour, hour))
    quiet, loud = sounds(quiet=f"{begin}-{end}"), sounds(name="b", quiet=f"{end}-{begin}", languages=("it",))
    for sound in (quiet, loud):
        sound.set(True, "no_mask")
    until(lambda: "end it/no_mask" in aplay.log)
    time.sleep(0.1)
    assert aplay.begun == ["it/no_mask"]


def test_a_test_is_heard_at_once_whatever_was_said_before(sounds: Any, aplay: Standin) -> None:
    sound = sounds(every=3600.0, when=("no_mask", "mask"))
    sound.set(True, "no_mask")
    until(lambda: "end en/no_mask" in aplay.log)
    for number in (2, 3):  # while it is on, and after a situation that had to wait
        sound.test()
        until(lambda number=number: len(aplay.begun) == number)
        sound.set(False, "nobody")
        sound.set(True, "no_mask")
    sound.set(False, "nobody")
    sound.test()
    sound.set(True, "mask")
    until(lambda: "end en/mask" in aplay.log)
    sound.set(True, "no_mask")
    time.sleep(0.1)
    assert aplay.begun == ["en/no_mask"] * 3 + ["en/mask"], "and what is no test waits on"


def test_a_test_in_quiet_hours_says_so(sounds: Any, aplay: Standin) -> None:
    hour = timedelta(hours=1)
    hours = f"{datetime.now() - hour:%H:%M}-{datetime.now() + hour:%H:%M}"
    sound = sounds(quiet=hours)
    sound.set(True, "no_mask")
    with pytest.raises(OutputError, match=f"not played: quiet hours {hours}; change its option quiet"):
        sound.test()
    assert aplay.begun == []


def test_own_files_are_played_by_their_whole_path(
    aplay: Standin, sounds: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "no_mask.wav").write_bytes((BUNDLED / "en" / "mask.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    sounds(files="own", when=("no_mask",), languages=("de", "en")).set(True, "no_mask")
    until(lambda: "end own/no_mask" in aplay.log)
    assert f"begin {folder / 'no_mask.wav'}" in (aplay.folder / "log").read_text()
    assert aplay.begun == ["own/no_mask"]


def test_it_gets_no_descriptor_and_no_credential(
    aplay: Standin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/it")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    aplay.program.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\nls -l /proc/self/fd > {tmp_path}/fds\n")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    player = Player()
    sound = Sound(SoundConfig(name="voice"), player)
    try:
        until(lambda: (tmp_path / "fds").exists() and (tmp_path / "fds").read_text())
    finally:
        sound.close()
        os.close(read)
        os.close(write)
    variables = (tmp_path / "env").read_text().splitlines()
    assert "LC_ALL=C" in variables and not [line for line in variables if line.startswith("CREDENTIALS")]
    assert (tmp_path / "fds").read_text().count("pipe:") == 2  # input and errors
