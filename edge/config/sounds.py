"""Finds the WAV files of a sound output."""

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..addresses import shown
from ..errors import ConfigError
from ..paths import read_bytes
from .outputs import SoundConfig
from .signs import CODE, MOST_LANGUAGES

BUNDLED = Path(__file__).parents[1] / "outputs" / "sounds"
"""A folder per language, with a WAV file per situation."""
MAX_BYTES = 2**24
"""A WAV file of a minute has 10 MiB as on a CD."""
LONGEST_S = 60.0
PLAYED = {(encoding, bits) for encoding in (1, 0xFFFE) for bits in (8, 16, 24, 32)} | {(3, 32)}
"""What aplay plays, by the encoding of the file (PCM, PCM of several channels, floating point) and bits per sample. It
refuses the encodings of telephones (mu-law, A-law), ADPCM and 64 bits."""
EXAMPLE = "ffmpeg -i FILE -ar 22050 -ac 1 no_mask.wav"


@dataclass(frozen=True, slots=True)
class WavFile:
    """A sound, and how many seconds it lasts."""

    path: Path
    seconds: float


def read_sounds(output: SoundConfig) -> dict[str, tuple[WavFile, ...]]:
    """Returns what is played one after the other, by situation. Raises ``ConfigError`` if a file is missing, or no WAV.

    A folder of the owner may have a file per language, ``de/no_mask.wav``, or one for all of them, ``no_mask.wav``.
    """
    return {situation: _sounds_of(output, situation) for situation in output.when}


def faults(output: SoundConfig) -> Iterable[str]:
    """Returns what is wrong with the options of a sound output, one line each; no file is read."""
    place, codes = f"outputs.{output.name}", list(dict.fromkeys(output.languages))
    if not 1 <= len(codes) <= MOST_LANGUAGES:
        yield f'{place}.languages: must name 1 to {MOST_LANGUAGES} languages, for example ["en"]'
    spoken = sorted(folder.name for folder in BUNDLED.glob("*/"))
    for code in codes[:MOST_LANGUAGES]:
        if not output.files and code not in spoken:
            yield (
                f"{place}.languages: maskwatch speaks no {shown(code)[:40]!r}; choose from {', '.join(spoken)}, or "
                f"name a folder with WAV files of your own in {place}.files"
            )
        elif not CODE.fullmatch(code):
            yield f"{place}.languages: {shown(code)[:40]!r} must be a language such as en, fr or pt-BR"
    for situation in () if output.files else output.when:
        if not any(BUNDLED.glob(f"*/{situation}.wav")):
            yield (
                f"{place}.when: maskwatch says nothing in the situation {situation}; leave it out, or name a folder "
                f"with {situation}.wav in {place}.files"
            )


def faults_of_files(output: SoundConfig) -> Iterable[str]:
    """Returns what is wrong with the files of a sound output, one line each."""
    reasons = []
    for situation in output.when:
        try:
            _sounds_of(output, situation)
        except ConfigError as error:
            reasons.append(str(error))
    return dict.fromkeys(reasons)


def _sounds_of(output: SoundConfig, situation: str) -> tuple[WavFile, ...]:
    codes = list(dict.fromkeys(output.languages))
    if output.files:
        files = dict.fromkeys(_own(output, code, situation) for code in codes)
    else:
        files = dict.fromkeys(BUNDLED / code / f"{situation}.wav" for code in codes)
    return tuple(_read(f"outputs.{output.name}.files", file) for file in files)


def _own(output: SoundConfig, code: str, situation: str) -> Path:
    place, folder = f"outputs.{output.name}.files = {shown(output.files)!r}", Path(os.path.expanduser(output.files))
    if not os.path.isdir(folder):
        raise ConfigError(f"{place}: must be a folder that can be read, with files such as no_mask.wav")
    for file in (folder / code / f"{situation}.wav", folder / f"{situation}.wav"):
        if os.path.lexists(file):
            return file
    raise ConfigError(f"{place}: there is no {code}/{situation}.wav and no {situation}.wav; add one of them")


def _read(place: str, file: Path) -> WavFile:
    try:
        content = read_bytes(file, MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"{place}: {file} cannot be read: {error.strerror}") from error
    bytes_per_second = _bytes_per_second(content)
    if not bytes_per_second:
        raise ConfigError(f"{place}: {file} is no WAV file that aplay plays; convert it, for example by {EXAMPLE}")
    seconds = len(content) / bytes_per_second
    if seconds > LONGEST_S:
        raise ConfigError(f"{place}: {file} lasts {seconds:.0f} s; at most {LONGEST_S:.0f} s are allowed")
    return WavFile(file, seconds)


def _bytes_per_second(content: bytes) -> int:
    """Returns the bytes per second of a WAV file, of any kind that aplay plays; 0 for another file."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return 0
    place = 12
    while place + 24 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, place)
        if kind == b"fmt ":
            encoding, _, _, rate, _, bits = struct.unpack_from("<HHIIHH", content, place + 8)
            return int(rate) if (encoding, bits) in PLAYED else 0
        place += 8 + size + size % 2
    return 0
