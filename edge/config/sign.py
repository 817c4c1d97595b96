"""Declares the options of the sign at the door."""

from dataclasses import dataclass

from .option import option


@dataclass(frozen=True, slots=True)
class SignConfig:
    """Options of the sign at the door, which the page shows at ``/sign``."""

    languages: tuple[str, ...] = option(
        ("en",),
        'languages of the sign, shown in turn: de, en, es, fr, it, zh, and those of texts; for example ["de", "en"]',
    )
    texts: str = option(
        "",
        "folder with files such as en.json, whose texts replace those of maskwatch or add a language; empty for none",
    )
    logo: str = option("", "picture (PNG, JPEG or WebP, at most 1 MiB) above the text; empty for none")
    link_hash: str = option("", "written by `maskwatch set --sign-link`", secret=True)
