"""Declares the options of the outputs: what answers the person who stands at the door, one table per output.

``[outputs.NAME]`` is one output. ``driver`` says what it is; without it, NAME does.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeGuard, get_args

from .option import Allowed, option
from .phone import PostFormat

Situation = Literal["no_mask", "incorrect_mask", "mask", "nobody", "unknown"]
"""Who is at the door, by what helps the worst protected person: ``nobody`` while no person is judged, ``unknown`` while
nobody can be (paused, or the camera is lost, frozen or dark)."""
SITUATIONS: tuple[Situation, ...] = ("no_mask", "incorrect_mask", "mask", "nobody")
"""Situations in which an output can be on."""
FAULTS: tuple[Situation, ...] = ("no_mask", "incorrect_mask")
AlertFormat = Literal["alert", PostFormat]
Level = Literal["high", "low"]
DoorState = Literal["closed", "open"]
PIN: dict[str, Any] = {"low": 0, "high": 27, "none": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputConfig:
    """Options of every output."""

    name: str = field(default="", metadata={})
    zone: str = option("", "name of a zone of [detect]: only people in it count; empty for every person", plain=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SituationOutputConfig(OutputConfig):
    """Options of an output that is on in some situations and off in all others."""

    when: tuple[str, ...] = option(FAULTS, "situations in which it is on", choices=SITUATIONS)
    hold: float = option(1.0, "seconds for which it stays on at least", low=0, high=3600)
    release: float = option(1.0, "seconds for which the situation must be over until it goes off", low=0, high=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinConfig(SituationOutputConfig):
    """Options of an LED, buzzer or relay at a GPIO pin (extra ``gpio``)."""

    pin: int = option(-1, "GPIO pin by its BCM number, which must be given", **PIN)
    active: Level = option("high", "level of the pin while the output is on", choices=get_args(Level))
    pulse: float = option(
        0.0,
        "seconds after which it goes off again, until the situation ends and begins anew; 0 for never",
        low=0,
        high=3600,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig(PinConfig):
    """Options of a relay, which may be the interlock of a door."""

    open_when: Literal["", "mask"] = option(
        "",
        "mask makes the relay an interlock: it opens the door for a masked person in the zone while nobody without a "
        "mask is there; when, hold, release and pulse then have no meaning",
        choices=("", "mask"),
    )
    open_for: float = option(5.0, "seconds after which an interlock closes by itself", low=0.5, high=600)
    fail: DoorState = option(
        "closed", "state of an interlock while nobody can be judged, and after maskwatch", choices=get_args(DoorState)
    )
    release_pin: int = option(
        -1, "GPIO pin of the emergency release: opens an interlock while active; -1 for none", **PIN
    )
    release_active: Level = option("low", "level of that pin while somebody releases", choices=get_args(Level))


def is_interlock(output: OutputConfig) -> TypeGuard[RelayConfig]:
    """Returns whether an output is the interlock of a door."""
    return isinstance(output, RelayConfig) and bool(output.open_when)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServoConfig(SituationOutputConfig):
    """Options of a servo at a GPIO pin (extra ``gpio``)."""

    pin: int = option(-1, "GPIO pin by its BCM number, which must be given", **PIN)
    on: float = option(90.0, "angle while it is on, in degrees", low=-90, high=90)
    off: float = option(-90.0, "angle while it is off, in degrees", low=-90, high=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundConfig(SituationOutputConfig):
    """Options of spoken sentences and sounds, played by ALSA's aplay."""

    device: str = option("", "ALSA device, for example plughw:1,0; empty for the default one", plain=True)
    languages: tuple[str, ...] = option(
        ("en",),
        "languages of the sentences, spoken one after the other: de, en, es, fr, it, zh, and any other with files",
    )
    files: str = option(
        "", "folder with WAV files such as no_mask.wav or de/no_mask.wav instead of those of maskwatch; empty for none"
    )
    every: float = option(10.0, "seconds between two sounds, at least", low=0, high=3600)
    quiet: str = option("", "hours without sounds, in local time, for example 22:00-06:00; empty for none", hours=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig(OutputConfig):
    """Options of a web address to which each alert is posted."""

    when: tuple[str, ...] = option(FAULTS, "alerts that are posted", choices=FAULTS)
    url: str = option("", "address that takes a POST for each alert", secret=True)
    url_file: str = option("", "file with that address instead, not readable by every user (chmod 640)", secret=True)
    format: AlertFormat = option(
        "alert",
        "alert is the alert as published over MQTT; ntfy, plain and json are texts, as in [phone]",
        choices=get_args(AlertFormat),
    )
    secret_file: str = option(
        "", "file with the key with which each request is signed (HMAC-SHA256), not readable by every user", secret=True
    )
    token_file: str = option("", "file with an access token, sent as Authorization: Bearer", secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig(OutputConfig):
    """Options of a program that is run for each alert, with the alert on its standard input."""

    when: tuple[str, ...] = option(FAULTS, "alerts for which it is run", choices=FAULTS)
    program: tuple[str, ...] = option(
        (),
        'program and its arguments, for example ["/usr/local/bin/tell", "--loud"]; no shell',
        arguments=True,
    )
    timeout: float = option(10.0, "seconds after which it is ended", low=0.1, high=600)


DRIVERS: dict[str, type[OutputConfig]] = {
    "led": PinConfig,
    "buzzer": PinConfig,
    "relay": RelayConfig,
    "servo": ServoConfig,
    "sound": SoundConfig,
    "webhook": WebhookConfig,
    "command": CommandConfig,
}
"""What an output can be, and its options."""
DRIVER = Allowed("what the output is; without it, NAME must be one of these", choices=tuple(DRIVERS))
"""The option ``driver``, which decides which other options there are."""
TEXTS = {"driver"} | {
    entry.name for kind in DRIVERS.values() for entry in fields(kind) if isinstance(entry.default, str)
}
"""The names of the options that are texts, of any driver."""
MOST_OUTPUTS = 32
"""More than the pins of a Raspberry Pi. Each webhook and each command costs a thread."""
