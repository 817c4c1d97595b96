"""The command line of ``maskwatch``: what may be said, and the help that explains it."""

import argparse
import re
from pathlib import Path
from typing import Any

from . import __version__
from .config.load import load
from .config.schema import Config
from .errors import ConfigError
from .faces.opening import STILL_FACE


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="maskwatch",
        description="Watches an entrance camera and tells people over MQTT when somebody comes in without a face mask.",
    )
    top.add_argument("--version", action="version", version=f"maskwatch {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file; options given here win over it"
    )
    common.add_argument("--verbose", action="store_true", help="say more in the log")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for add in (_run, _image, _doctor, _set, _watch, _outbox, _purge, _forget, _bench):
        add(commands, common)
    return top


def _run(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("run", parents=[common], help="watch a camera and publish alerts until stopped")
    command.add_argument(
        "--source", help="auto (default), picamera, usb:0, /dev/video0, rtsp://..., a video, a folder, demo"
    )
    command.add_argument("--or-demo", action="store_true", help="without camera and broker, play the bundled clip once")
    command.add_argument("--realtime", action="store_true", default=None, help="play a file at its own pace")
    command.add_argument(
        "--broker", metavar="HOST[:PORT]", help="also mqtt://user@host or mqtts://...; default: an embedded broker"
    )
    command.add_argument("--model", metavar="FILE.tflite", help="another model than the one that comes with maskwatch")
    _choose_detector(command)
    command.add_argument("--device", metavar="NAME", help="name of this camera in the topics (default entrance)")
    command.add_argument("--print", action="store_true", help="print alerts as JSON lines; needs no broker")
    command.add_argument("--web", action="store_true", default=None, help="serve the page ([web] host and port)")
    command.add_argument("--show-stats", action="store_true", help="print speed and memory every 5 s")
    command.set_defaults(command="run")


def _image(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("image", parents=[common], help="check single pictures")
    command.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="picture files; folders are walked")
    command.add_argument("--out", type=Path, metavar="DIR", help="write annotated copies there")
    command.add_argument("--json", action="store_true", help="print one JSON line a picture")
    command.add_argument("--no-pictures", action="store_true", help="write no copies, whatever --out says")
    command.add_argument("--model", metavar="FILE.tflite", help="another model")
    _choose_detector(command)
    command.add_argument("--min-face", type=int, help=f"smallest face in pixels (default {STILL_FACE})")
    command.set_defaults(command="image")


def _doctor(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "doctor", parents=[common], help="what is wrong with this installation, and what to do"
    )
    command.add_argument("--source", help="camera to try")
    _name_device(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="broker to try")
    command.add_argument("--model", metavar="FILE.tflite", help="model to try")
    _choose_detector(command)
    command.set_defaults(command="doctor")


def _set(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("set", parents=[common], help="change options in the configuration file --config")
    command.add_argument("values", nargs="*", metavar="SECTION.OPTION=VALUE", help="for example detect.min_face=60")
    command.add_argument("--web-password", action="store_true", help="ask for the page's password, keep its hash")
    command.add_argument("--source", help="the camera")
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker; also mqtt://user@host or mqtts://...")
    _choose_detector(command)
    _name_device(command)
    command.set_defaults(command="set")


def _watch(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("watch", parents=[common], help="subscribe, and print alerts as they arrive")
    command.add_argument("--broker", metavar="HOST[:PORT]", help="default: as configured, else 127.0.0.1:1883")
    command.add_argument(
        "--post",
        metavar="URL",
        help="also send each alert as a short text there, for example https://ntfy.sh/NAME; or a file with it",
    )
    command.set_defaults(command="watch")


def _outbox(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("outbox", parents=[common], help="alerts that wait for the broker or were refused")
    _name_device(command)
    command.add_argument("--resend", action="store_true", help="put the refused ones back in the queue")
    command.set_defaults(command="outbox")


def _purge(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("purge", parents=[common], help="delete snapshots that are too old or too many")
    _name_device(command)
    command.add_argument("--all", action="store_true", help="delete every one")
    command.set_defaults(command="purge")


def _forget(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser(
        "forget", parents=[common], help="remove a camera from the broker and from Home Assistant"
    )
    _name_device(command)
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker; default as configured")
    command.set_defaults(command="forget")


def _bench(commands: Any, common: argparse.ArgumentParser) -> None:
    command = commands.add_parser("bench", parents=[common], help="what watching costs on this machine")
    command.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="videos or folders of pictures (default: demo, the bundled clip, and empty, its doorway without people)",
    )
    command.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="RIVAL",
        help="on the same pictures: article (the pipeline maskwatch grew out of), every-picture (itself without the "
        "motion gate), or a single-shot network in a .tflite file; may be given again",
    )
    command.add_argument(
        "--frames", type=_count, default=0, metavar="N", help="of each source at most so many pictures"
    )
    other = command.add_mutually_exclusive_group()
    other.add_argument("--stage", choices=("motion", "detect", "classify", "track"), help="profile one stage alone")
    other.add_argument("--scale", action="store_true", help="cost by number of faces, resolution, pictures a second")
    other.add_argument("--fleet", type=_count, metavar="N", help="N simulated doors on a mosquitto of this machine")
    command.add_argument("--threads", type=_count, help="threads of OpenCV and TFLite (default: as configured, 1)")
    command.add_argument("--every-picture", action="store_true", help="without the motion gate")
    command.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures there")
    command.add_argument("--model", metavar="FILE.tflite", help="another model")
    _choose_detector(command)
    command.set_defaults(command="bench")


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 on")
    return int(text)


def _choose_detector(command: argparse.ArgumentParser) -> None:
    command.add_argument("--detector", choices=("haar", "yunet"), help="who finds the faces (default haar)")


def _name_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", metavar="NAME", help="name of the camera (default entrance)")


def configured(args: argparse.Namespace) -> Config:
    """The configuration file with the command line on top."""
    return load(args.config, given(args))


def given(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What the command line says, as sections of a configuration."""
    said: dict[str, dict[str, Any]] = {
        "source": {"source": getattr(args, "source", None), "realtime": getattr(args, "realtime", None)},
        "classify": {"model": getattr(args, "model", None)},
        "device": {"name": getattr(args, "device", None)},
        "detect": {"min_face": getattr(args, "min_face", None), "detector": getattr(args, "detector", None)},
        "web": {"enabled": getattr(args, "web", None)},
        "mqtt": from_address(args.broker) if getattr(args, "broker", None) else {},
    }
    return {name: {k: v for k, v in values.items() if v is not None} for name, values in said.items()}


def from_address(address: str) -> dict[str, Any]:
    """``[mqtt]`` values for a broker given as ``host``, ``host:port`` or ``mqtt[s]://[user@]host[:port]``.

    A scheme settles port and TLS, whatever was configured before; what is not said stays as it is.
    """
    match = re.fullmatch(r"(?:(mqtts?)://)?(?:([^@:/]+)@)?(\[[0-9a-fA-F:]+\]|[^@:/\[\]\s]+)(?::(\d{1,5}))?/?", address)
    if not match:
        raise ConfigError(
            f"broker '{address.rpartition('@')[2]}': use host, host:port or mqtt://user@host:port (mqtts:// for TLS); "
            "a password goes into mqtt.password_file"
        )
    scheme, user, host, port = match.groups()
    values: dict[str, Any] = {"host": host.strip("[]")}
    values |= {"mqtts": {"tls": True, "port": 8883}, "mqtt": {"tls": False, "port": 1883}}.get(scheme, {})
    values |= {"user": user} if user else {}
    return values | ({"port": int(port)} if port else {})
