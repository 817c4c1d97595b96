"""edge.outputs.sound with a stand-in for aplay that records what it plays, and can be busy, hang or be missing."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import until

from edge.config.outputs import Situation, SoundConfig
from edge.config.sounds import BUNDLED
from edge.errors import OutputError
from edge.outputs.sound import Player, Sound

STANDIN = """#!/bin/sh
# aplay -q [--device=DEVICE] [FILE]
for last; do :; done
case $last in
*.wav) ;;
*) last=silence; cat > /dev/null ;;
esac
echo "begin $last" >> DIR/log
if [ -e DIR/fault ]; then
    cat DIR/fault >&2
    exit 1
fi
sleep $(cat DIR/seconds)
echo "end $last" >> DIR/log
"""
BUSY = "ALSA lib pcm_dmix.c:1032:(snd_pcm_dmix_open) unable to open slave\naplay: main:831: audio open error: {}\n"


class Standin:
    """The recording aplay, in a folder of its own, which is PATH's first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "aplay"
        self.sounds_last(0.0)
        self.install()

    def install(self) -> None:
        self.program.write_text(STANDIN.replace("DIR", str(self.folder)))
        self.program.chmod(0o755)

    def sounds_last(self, seconds: float) -> None:
        (self.folder / "seconds").write_text(str(seconds))

    def fail(self, message: str | None) -> None:
        """Lets it fail with a message of aplay, or work again."""
        file = self.folder / "fault"
        file.unlink(missing_ok=True) if message is None else file.write_text(message)

    @property
    def log(self) -> list[str]:
        """``begin NAME`` and ``end NAME`` in order; NAME is like en/mask, or silence."""
        file = self.folder / "log"
        return [_short(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def begun(self) -> list[str]:
        """What it has begun to play, without silence."""
        return [line[6:] for line in self.log if line.startswith("begin") and line != "begin silence"]


def _short(line: str) -> str:
    word, _, path = line.partition(" ")
    return f"{word} {'/'.join(Path(path).with_suffix('').parts[-2:])}"


@pytest.fixture
def aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standin:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Standin(tmp_path / "bin")


@pytest.fixture
def sounds(aplay: Standin) -> Iterator[Callable[..., Sound]]:
    """Opens sound outputs of one player, and waits until they have tried the device."""
    player, opened = Player(), list[Sound]()

    def open_sound(**options: Any) -> Sound:
        tried = aplay.log.count("begin silence")
        opened.append(Sound(SoundConfig(**{"name": "voice", "every": 0.0} | options), player))
        until(lambda: aplay.log.count("begin silence") > tried)
        return opened[-1]

    yield open_sound
    for sound in opened:
        sound.close()
    assert "sound" not in [thread.name for thread in threading.enumerate()]


def problem(sound: Sound, on: bool, situation: Situation) -> str:
    """What is wrong, as the thread ``outputs`` is told when it sets the output."""
    try:
        sound.set(on, situation)
    except OutputError as error:
        return str(error)
    return ""


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


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (BUSY.format("Device or resource busy"), "another program uses it"),
        (BUSY.format("No such file or directory"), "it is not there; `aplay -L` lists"),
        (BUSY.format("Permission denied"), "add the user to the group audio"),
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
    aplay.fail(BUSY.format("No such device"))
    sound = sounds()
    until(lambda: problem(sound, False, "nobody"))
    assert (
        problem(sound, False, "nobody")
        == "the default sound device does not play: it is not there; `aplay -L` lists the devices of "
        "this machine"
    )
    aplay.fail(None)
    until(lambda: not problem(sound, False, "nobody"))
    assert aplay.begun == []


def test_a_sentence_that_could_not_be_played_is_played_while_its_situation_lasts(aplay: Standin, sounds: Any) -> None:
    sound = sounds()
    aplay.fail("")
    sound.set(True, "no_mask")
    until(lambda: problem(sound, True, "no_mask"))
    aplay.fail(None)
    until(lambda: "end en/no_mask" in aplay.log)
    assert not problem(sound, True, "no_mask")


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
