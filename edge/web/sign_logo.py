"""Checks the logo of the sign at start: screens would show a picture that is cut off, or fail at one that is huge."""

from ..addresses import shown
from ..camera import pictures
from ..config.sign import SignConfig
from ..config.signs import read_logo
from ..errors import ConfigError

LONGEST_SIDE = 500


def check_logo(sign: SignConfig) -> None:
    """Decodes the logo once, as small as possible. Raises ``ConfigError`` if it is no whole picture."""
    logo = read_logo(sign)
    try:
        if logo:
            pictures.decode_reduced(logo[1], LONGEST_SIDE)
    except pictures.Unreadable as error:
        raise ConfigError(f"sign.logo = {shown(sign.logo)!r}: {error}") from None
