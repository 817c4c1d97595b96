"""Declares the options of the phone: how alerts become texts."""

from dataclasses import dataclass
from typing import Literal, get_args

from .option import option

PostFormat = Literal["ntfy", "plain", "json"]


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """Options of the phone (``maskwatch watch --post``, and the phone service, which is the same command)."""

    format: PostFormat = option(
        "ntfy",
        "how a text is posted: ntfy adds title, priority, link and picture, plain is the text alone, json is an object "
        "with title, message and priority",
        choices=get_args(PostFormat),
    )
    token_file: str = option(
        "",
        "file with an access token, not readable by every user (chmod 640); empty takes systemd's credential "
        "phone-token if there is one, as the installed service has",
        secret=True,
    )
    page: str = option(
        "",
        "address that a text opens, {device} becomes the name of the camera; empty takes page of [homeassistant]",
    )
    pictures: bool = option(
        True, "true sends the snapshot of an alert along, where [snapshots] is on and mode is not full"
    )
    burst: float = option(
        120.0,
        "seconds after a text for which further alerts of the same door are gathered into one text; 0 sends each alert "
        "as a text of its own",
        low=0,
        high=3600,
    )
    quiet: str = option(
        "",
        "hours without texts, in local time, for example 22:00-06:00; one text at their end sums them up; empty for "
        "none",
        hours=True,
    )
    fault_after: float = option(
        0.0, "seconds after which an offline door or a lost camera gives a text too; 0 for never", low=0, high=86400
    )
