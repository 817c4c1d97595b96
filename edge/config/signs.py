"""Reads what the sign at the door shows: texts, one file per language, and a logo. Options are checked with it."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..addresses import shown
from ..errors import ConfigError
from ..paths import read_bytes
from .sign import SignConfig

BUNDLED = Path(__file__).parents[1] / "web" / "static" / "sign"
MESSAGES = ("idle", "no_mask", "incorrect_mask", "mask")
"""What the sign can say: nobody is judged, put on a mask, cover the nose, thank you."""
CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
"""A language as browsers name it (BCP 47)."""
MOST_LANGUAGES = 8
LONGEST_TEXT = 80
"""Characters of a text. A longer one cannot be read from 3 m on a small tablet."""
INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u00a0\u202f\u3000\u200c\u200d"))
"""Characters that texts need and Python does not count as printable: the soft hyphen, the spaces of French and Chinese,
and the joiners of Persian and of emoji."""
MAX_BYTES = 2**20
LOGO_KINDS = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)
"""Images that cannot run a script, as SVG can, by their first bytes."""


def faults(sign: SignConfig) -> Iterable[str]:
    """Returns what is wrong with the options of the sign, one line each."""
    if sign.link_hash and not re.fullmatch(r"[0-9a-f]{64}", sign.link_hash):
        yield "sign.link_hash is not a valid hash; let `maskwatch set --sign-link` write it"
    for read in (read_texts, read_logo):
        try:
            read(sign)
        except ConfigError as error:
            yield str(error)


def read_texts(sign: SignConfig) -> dict[str, dict[str, str]]:
    """Returns the texts by language, in the order of the options, by message. Raises ``ConfigError``."""
    codes = list(dict.fromkeys(sign.languages))
    if not 1 <= len(codes) <= MOST_LANGUAGES:
        raise ConfigError(f'sign.languages: must name 1 to {MOST_LANGUAGES} languages, for example ["en"]')
    folder = Path(os.path.expanduser(sign.texts)) if sign.texts else None
    if folder and not os.path.isdir(folder):  # unlike Path's, it never raises, for example for a name that is too long
        raise ConfigError(
            f"sign.texts = {shown(sign.texts)!r}: must be a folder that can be read, with files such as en.json"
        )
    return {code: _texts_of(code, folder) for code in codes}


def _texts_of(code: str, folder: Path | None) -> dict[str, str]:
    if not CODE.fullmatch(code):
        raise ConfigError(f"sign.languages: {code[:40]!r} must be a language such as en, fr or pt-BR")
    bundled, own = BUNDLED / f"{code}.json", folder / f"{code}.json" if folder else None
    texts = _read(bundled) if bundled.exists() else {}
    if own and own.exists():
        texts |= _read(own)
    elif not texts:
        known = ", ".join(sorted(file.stem for file in BUNDLED.glob("*.json")))
        raise ConfigError(
            f"sign.languages: there are no texts for {code!r}; choose from {known}, or write {code}.json into a folder "
            "and name the folder in sign.texts"
        )
    if missing := [name for name in MESSAGES if name not in texts]:
        raise ConfigError(f"{own}: {', '.join(missing)} must be there too, because maskwatch has no texts for {code!r}")
    return texts


def _read(file: Path) -> dict[str, str]:
    example = '{"no_mask": "Please put on a mask"}'
    try:
        texts = json.loads(read_bytes(file, MAX_BYTES).decode("utf-8").removeprefix("\ufeff"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise ConfigError(f"{file}: must be JSON in UTF-8, for example {example}") from None
    if not isinstance(texts, dict) or not texts.keys() <= set(MESSAGES):
        raise ConfigError(f"{file}: must have texts for {', '.join(MESSAGES)} and nothing else, for example {example}")
    for name, text in texts.items():
        if not _is_text(text):
            raise ConfigError(f"{file}: {name} must be a text of 1 to {LONGEST_TEXT} characters on one line")
    return texts


def _is_text(text: Any) -> bool:
    visible = text.translate(INVISIBLE) if isinstance(text, str) else ""
    return bool(visible.strip()) and len(text) <= LONGEST_TEXT and visible.isprintable()


def read_logo(sign: SignConfig) -> tuple[str, bytes] | None:
    """Returns the logo's media type and content; None without one. Raises ``ConfigError``."""
    if not sign.logo:
        return None
    name = f"sign.logo = {shown(sign.logo)!r}"
    try:
        content = read_bytes(Path(os.path.expanduser(sign.logo)), MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"{name}: the file cannot be read: {error.strerror}") from error
    if kind := next((kind for kind, begin in LOGO_KINDS if begin.match(content)), None):
        return kind, content
    raise ConfigError(f"{name}: must be a PNG, JPEG or WebP image; save it as one of these (an SVG can run scripts)")


def message_for(people: int, masked: int, bare: int) -> str:
    """Returns what the sign says to the people that are judged: what helps the worst protected one."""
    if bare:
        return "no_mask"
    if people > masked:  # whoever is judged, and neither bare nor masked, wears the mask incorrectly
        return "incorrect_mask"
    return "mask" if masked else "idle"


def describe(sign: SignConfig) -> Mapping[str, Any]:
    """Returns what a screen needs to know besides the message. Raises ``ConfigError``."""
    return {"texts": [{"language": code, **texts} for code, texts in read_texts(sign).items()], "logo": bool(sign.logo)}
