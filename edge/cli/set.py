"""``maskwatch set``: Changes options in the configuration file, and sets the password of the page."""

import argparse
import getpass
import sys

from ..config import edit as settings
from ..errors import ConfigError
from .arguments import ENDED, choose_detector, given, name_device, settings_store


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("values", nargs="*", metavar="SECTION.OPTION=VALUE", help="for example detect.min_face=60")
    command.add_argument("--web-password", action="store_true", help="ask for the page's password, keep its hash")
    command.add_argument("--source", help="the camera")
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker; also mqtt://user@host or mqtts://...")
    choose_detector(command)
    name_device(command)


def run(args: argparse.Namespace) -> int:
    if args.config is None:
        raise ConfigError("say which file: maskwatch set --config FILE section.option=value")
    values = {section: pairs for section, pairs in given(args).items() if pairs}
    for section, pairs in settings.parse(args.values).items():
        values.setdefault(section, {}).update(pairs)
    if args.web_password:
        values.setdefault("web", {})["password_hash"] = ask_password()
    if not values:
        raise ConfigError(f"nothing to change in {args.config}: say section.option=value")
    settings.write(args.config, values)
    names = ", ".join(f"{section}.{key}" for section, pairs in values.items() for key in pairs)
    print(f"{args.config}: {names} changed; a running maskwatch takes it when it is started again")
    if gone := settings_store(args).give_way(values):
        print(f"what the page had set of that counts no more: {', '.join(gone)}")
    return ENDED


def ask_password() -> str:
    """The hash of a password typed twice, or of the first line of what is piped in."""
    from ..web.passwords import hash_password

    if sys.stdin.isatty():
        password = getpass.getpass("password of the page: ")
        if password != getpass.getpass("once more: "):
            raise ConfigError("the two passwords differ; nothing is changed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        return hash_password(password)
    except ValueError as error:
        raise ConfigError(str(error)) from error
