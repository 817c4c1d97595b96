"""Finds the WAV files of a sound output. Options are checked with it."""

import os
from collections.abc import Iterable
from pathlib import Path

from ..addresses import shown
from ..errors import ConfigError
from ..paths import check_file, open_at_once
from .outputs import SoundConfig
from .signs import CODE, MOST_LANGUAGES

BUNDLED = Path(__file__).parents[1] / "outputs" / "sounds"
"""A folder per language, with a WAV file per situation."""
WAV_BEGIN = 12
"""Bytes at the beginning of a file that tell whether it is WAV."""


def sounds_of(output: SoundConfig, situation: str) -> tuple[Path, ...]:
    """Returns what is played one after the other in a situation. Raises ``ConfigError`` if a file is missing.

    A folder of the owner may have a file per language, ``de/no_mask.wav``, or one for all of them, ``no_mask.wav``.
    """
    place = f"outputs.{output.name}"
    codes = list(dict.fromkeys(output.languages))
    if not 1 <= len(codes) <= MOST_LANGUAGES:
        raise ConfigError(f'{place}.languages: must name 1 to {MOST_LANGUAGES} languages, for example ["en"]')
    if unusable := [code for code in codes if not CODE.fullmatch(code)]:
        raise ConfigError(f"{place}.languages: {shown(unusable[0])[:40]!r} must be a language such as en, fr or pt-BR")
    find = _own if output.files else _bundled
    return tuple(dict.fromkeys(find(output, code, situation) for code in codes))


def faults(output: SoundConfig) -> Iterable[str]:
    """Returns what is wrong with languages and files of a sound output, one line each."""
    reasons = []
    for situation in output.when:
        try:
            for file in sounds_of(output, situation):
                _check(f"outputs.{output.name}.files", file)
        except ConfigError as error:
            reasons.append(str(error))
    return dict.fromkeys(reasons)


def _own(output: SoundConfig, code: str, situation: str) -> Path:
    place, folder = f"outputs.{output.name}.files = {shown(output.files)!r}", Path(os.path.expanduser(output.files))
    if not os.path.isdir(folder):
        raise ConfigError(f"{place}: must be a folder that can be read, with files such as no_mask.wav")
    for file in (folder / code / f"{situation}.wav", folder / f"{situation}.wav"):
        if os.path.lexists(file):
            return file
    raise ConfigError(f"{place}: there is no {code}/{situation}.wav and no {situation}.wav; add one of them")


def _bundled(output: SoundConfig, code: str, situation: str) -> Path:
    file, place = BUNDLED / code / f"{situation}.wav", f"outputs.{output.name}"
    if not (BUNDLED / code).is_dir():
        known = ", ".join(sorted(folder.name for folder in BUNDLED.glob("*/")))
        raise ConfigError(
            f"{place}.languages: maskwatch speaks no {code!r}; choose from {known}, or name a folder with WAV files of "
            f"your own in {place}.files"
        )
    if not file.exists():
        raise ConfigError(
            f"{place}.when: maskwatch says nothing in the situation {situation}; leave it out, or name a folder with "
            f"{situation}.wav in {place}.files"
        )
    return file


def _check(place: str, file: Path) -> None:
    try:
        check_file(file)
        with open(file, "rb", opener=open_at_once) as opened:
            begin = opened.read(WAV_BEGIN)
    except OSError as error:
        raise ConfigError(f"{place}: {file} cannot be read: {error.strerror}") from error
    if begin[:4] != b"RIFF" or begin[8:] != b"WAVE":
        raise ConfigError(f"{place}: {file} is no WAV file; convert it, for example with ffmpeg")
