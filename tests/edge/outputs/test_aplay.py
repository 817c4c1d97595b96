"""The shipped sounds, and edge.outputs.aplay with the real aplay and ALSA's devices that need no hardware."""

import hashlib
import json
import shutil
import wave
from array import array
from pathlib import Path

import pytest
from support import ROOT

from edge.config.outputs import SITUATIONS, SoundConfig
from edge.config.sounds import BUNDLED, WavFile, read_sounds
from edge.outputs.aplay import MISSING, Aplay

SIGN = ROOT / "edge" / "web" / "static" / "sign"
SPOKEN = tuple(situation for situation in SITUATIONS if situation != "nobody")
SOUNDS = sorted(BUNDLED.glob("*/*.wav"))
needs_aplay = pytest.mark.skipif(not shutil.which("aplay"), reason="needs aplay (sudo apt install alsa-utils)")


def test_maskwatch_speaks_the_languages_of_the_sign() -> None:
    languages = sorted(path.stem for path in SIGN.glob("*.json"))
    assert SOUNDS == sorted(BUNDLED / code / f"{situation}.wav" for code in languages for situation in SPOKEN)
    assert set(BUNDLED.rglob("*")) == {*SOUNDS, *(BUNDLED / code for code in languages)}


def test_the_sounds_say_what_the_sign_says() -> None:
    """After a change of these texts, run tests/support/make_sounds.py, and write the new digest here."""
    texts = [json.loads(path.read_text("utf-8")) for path in sorted(SIGN.glob("*.json"))]
    spoken = "\n".join(text[situation] for text in texts for situation in SPOKEN)
    assert hashlib.sha256(spoken.encode()).hexdigest()[:16] == "9206052a08f6f85f"


def test_the_sounds_are_small() -> None:
    assert sum(path.stat().st_size for path in SOUNDS) <= 400_000


@pytest.mark.parametrize("path", SOUNDS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_sound_is_short_loud_and_without_silence_around_it(path: Path) -> None:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 1, 16000)
        levels = array("b", bytes(level ^ 0x80 for level in wav.readframes(wav.getnframes())))
    assert 0.4 < len(levels) / 16000 < 3
    assert 120 <= max(map(abs, levels)) <= 127
    for end in (levels[:160], levels[-160:]):  # 10 ms: it fades in and out
        assert max(map(abs, end)) < 12
    for part in (levels[:3200], levels[-3200:]):
        assert max(map(abs, part)) > 6


@needs_aplay
def test_aplay_plays_all_of_them() -> None:
    aplay = Aplay()
    for code in {path.parent.name for path in SOUNDS}:
        for files in read_sounds(SoundConfig(name="voice", when=SPOKEN, languages=(code,))).values():
            assert [aplay.play(file, "null") for file in files] == [""]


@needs_aplay
def test_aplay_takes_the_silence() -> None:
    assert Aplay().try_out("null") == ""


@needs_aplay
@pytest.mark.parametrize("device", ["plughw:29,0", "plughw:CARD=nobody,DEV=0", "no-such-name"])
def test_a_missing_device_is_told(device: str) -> None:
    reason = f"the sound device {device} does not play: {MISSING}"
    assert Aplay().try_out(device) == reason
    assert Aplay().play(WavFile(SOUNDS[0], 1.0), device) == reason


@needs_aplay
def test_a_file_that_is_gone_or_no_sound_is_told(tmp_path: Path) -> None:
    other = tmp_path / "no_mask.wav"
    other.write_bytes(SOUNDS[0].read_bytes().replace(b"fmt \x10\0\0\0\1", b"fmt \x10\0\0\0\7"))  # telephone's mu-law
    for path, reason in ((tmp_path / "gone.wav", "No such file or directory"), (other, "not PCM or FLOAT")):
        assert reason in Aplay().play(WavFile(path, 1.0), "null")
