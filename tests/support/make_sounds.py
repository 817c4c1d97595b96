"""Makes the sentences of the sound output, `edge/outputs/sounds/LANGUAGE/SITUATION.wav`, from the texts of the sign.

espeak-ng speaks them. It is free software (GPL-3.0 or later); what it speaks is not covered by its licence, so the
files are part of maskwatch as everything else (MIT). They are 8-bit sound of 16 kHz: as large as telephone
quality with 16 bits at 8 kHz, and clearer, because consonants such as s and f are above 4 kHz.

Run:    python tests/support/make_sounds.py [--out edge/outputs/sounds]
Needs:  numpy, espeak-ng 1.51 (sudo apt install espeak-ng)
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import wave
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT / "edge" / "web" / "static" / "sign"
VOICES = {"en": "en-us", "de": "de", "fr": "fr-fr", "es": "es", "it": "it", "zh": "cmn-latn-pinyin"}
PINYIN = {"请佩戴口罩": "qing3 pei4dai4 kou3zhao4", "请遮住鼻子": "qing3 zhe1zhu4 bi2zi5", "谢谢": "xie4xie5"}
"""The voice of Mandarin reads pinyin; Debian's espeak-ng has no dictionary of the characters."""
SITUATIONS = ("no_mask", "incorrect_mask", "mask")
WORDS_PER_MINUTE = 150
"""espeak-ng's own 175 is too fast for somebody who walks past."""
RATE = 16_000
PEAK = 0.97
SILENT = 0.01
"""Share of the peak below which the beginning and the end are cut off."""
EDGE_S, FADE_S = 0.03, 0.01


def speak(voice: str, text: str) -> np.ndarray:
    """Returns what espeak-ng says, as samples of -1..1 at RATE."""
    command = ["espeak-ng", "-b", "1", "-v", voice, "-s", str(WORDS_PER_MINUTE), "--stdin", "--stdout"]
    spoken = subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(spoken)) as wav:
        rate, samples = wav.getframerate(), np.frombuffer(wav.readframes(len(spoken)), "<i2") / 32768
    return resample(trim(samples, rate), rate)


def trim(samples: np.ndarray, rate: int) -> np.ndarray:
    """Cuts the silence at both ends off, and fades the ends, so that nothing clicks."""
    loud = np.flatnonzero(np.abs(samples) > SILENT * np.abs(samples).max())
    edge, fade = int(EDGE_S * rate), int(FADE_S * rate)
    samples = np.pad(samples, edge)[loud[0] : loud[-1] + 2 * edge + 1].copy()
    samples[:fade] *= np.linspace(0, 1, fade)
    samples[-fade:] *= np.linspace(1, 0, fade)
    return samples


def resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """Returns the samples at RATE: without what is above half of it."""
    count = round(len(samples) * RATE / rate)
    return np.fft.irfft(np.fft.rfft(samples)[: count // 2 + 1], count) * count / len(samples)


def write(path: Path, samples: np.ndarray) -> float:
    """Writes 8-bit samples, as loud as they can be; returns the seconds. Noise of one step hides the steps (dither)."""
    noise = np.random.default_rng(0).triangular(-1, 0, 1, len(samples))
    levels = np.clip(np.round(samples / np.abs(samples).max() * 127 * PEAK + noise), -127, 127)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(1)
        wav.setframerate(RATE)
        wav.writeframes((levels + 128).astype(np.uint8).tobytes())
    return len(samples) / RATE


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sentences of the sound output.")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "edge" / "outputs" / "sounds", help="folder where the sentences go"
    )
    folder = parser.parse_args().out
    for language, voice in VOICES.items():
        texts = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
        for situation in SITUATIONS:
            path = folder / language / f"{situation}.wav"
            seconds = write(path, speak(voice, PINYIN.get(texts[situation], texts[situation])))
            print(f"{path.relative_to(folder)}: {seconds:.1f} s, {path.stat().st_size / 1000:.0f} kB")
    print(f"together {sum(path.stat().st_size for path in folder.glob('*/*.wav')) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
