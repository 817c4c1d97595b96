"""``maskwatch set``: changes options in the configuration file; sets password and certificate of the page."""

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..addresses import UNPRINTABLE, shown_path
from ..config import edit
from ..config.identity import changes, config_id
from ..config.load import Sections, check_zones, read
from ..config.schema import Config
from ..config.web import WebConfig
from ..config.zone import Zone
from ..errors import ConfigError
from ..listening import url_of
from ..monitor.state import StateFiles, folder_of
from ..owners import as_owner
from ..record.audit import AuditTrail
from .arguments import EXIT_OK, add_detector_option, add_device_option, in_utf8, open_settings, overrides
from .person import person


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "values",
        nargs="*",
        metavar="SECTION.OPTION=VALUE",
        help="for example detect.min_face=60 or outputs.lamp.pin=17",
    )
    command.add_argument("--web-password", action="store_true", help="ask for the page's password and store its hash")
    command.add_argument(
        "--web-certificate",
        nargs="*",
        metavar="FILE",
        help="serve the page over https: with a certificate and its key (PEM), or without FILE with one that is made",
    )
    command.add_argument(
        "--sign-link", action="store_true", help="make the link that opens the sign at the door without the password"
    )
    command.add_argument("--source", help="the camera")
    command.add_argument("--broker", metavar="HOST[:PORT]", help="the broker, also as mqtt://user@host or mqtts://...")
    add_detector_option(command)
    add_device_option(command)


def run(args: argparse.Namespace) -> int:
    """Writes the options into the file. Raises ``ConfigError``, and then the file is unchanged."""
    if args.config is None:
        raise ConfigError("name the file: maskwatch set --config FILE SECTION.OPTION=VALUE")
    values = {section: _in_utf8(options) for section, options in overrides(args).items() if options}
    files, more = _files_and_values(args.web_certificate)
    for section, options in edit.parse([in_utf8(text) for text in (*args.values, *more)]).items():
        values.setdefault(section, {}).update(options)
    if args.web_password:
        values.setdefault("web", {})["password_hash"] = ask_password_hash()
    key = ""
    if args.sign_link:
        from ..web.sign_link import new_key

        key, values.setdefault("sign", {})["link_hash"] = new_key()
    if files is not None:
        values.setdefault("web", {}).update(_certificate(args, files))
    if not values:
        raise ConfigError(f"nothing to change in {shown_path(args.config)}: give SECTION.OPTION=VALUE")
    if "web" in values:
        values["web"] = _page_password(args) | values["web"]
    before = _in_use_before(args.config)
    edit.write(args.config, values, _check_of_outputs(args, values) if values.keys() & {"outputs", "detect"} else None)
    print(f"{args.config}: {', '.join(edit.names_of(values))} changed; restart maskwatch to apply the change")
    for name in (name for name, options in values.get("outputs", {}).items() if options.get("url")):
        print(
            f"whoever reads {shown_path(args.config)} can read the address of output {name}; if it has a password or "
            f"token in it, put it into a file, and name that in outputs.{name}.url_file instead"
        )
    settings = open_settings(args)
    if replaced := settings.give_way(values):
        print(f"this replaces what was set on the page: {', '.join(replaced)}")
    _tell_trail(args.config, before, values)
    if "web" in values or key:
        _print_addresses(settings.load().web, values, key)
    return EXIT_OK


def _in_use(file: Path) -> Config:
    """Returns the configuration of the file and of the page. Raises ``ConfigError``."""
    return edit.SettingsStore(file, folder_of, {}).load()


def _in_use_before(file: Path) -> Config | None:
    """Returns the configuration that is about to be changed; None if there is none that can be used."""
    try:
        return _in_use(file) if os.path.isfile(file) else None
    except ConfigError:  # the change is to mend it
        return None


def _tell_trail(file: Path, before: Config | None, values: Sections) -> None:
    """Writes what has changed into the audit trail, which begins with the first start of maskwatch."""
    try:
        after = _in_use(file)
        made = changes(before or Config(), after)
        if before is None:
            made = [change | {"old": "unknown"} for change in made if change["option"] in edit.names_of(values)]
        how = {"by": person(), "via": "set", "config": config_id(after)}
        _print_lists(made)
        lines = [change | how for change in made]
        if not _append(folder_of(after), lines) and before is not None:
            _append(folder_of(before), lines)  # the camera has a new name, and will have a new folder
    except (ConfigError, OSError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"the audit trail does not have this change, because it cannot be written ({reason})")


def _print_lists(made: list[dict[str, Any]]) -> None:
    """Prints the texts of each list that was replaced by another: somebody may have meant to add to it."""
    for change in made:
        old, new = change["old"], change["new"]
        if isinstance(old, list) and isinstance(new, list) and all(isinstance(text, str) for text in old + new):
            texts = (json.dumps(texts, ensure_ascii=False) for texts in (old, new))
            print(f"{change['option']}: {' -> '.join(texts)}".translate(UNPRINTABLE))


def _append(folder: Path, lines: list[dict[str, Any]]) -> bool:
    """Appends to the trail as the owner of a state folder. Returns False if there is no such folder."""

    def work() -> bool:
        for line in lines if folder.is_dir() else ():
            AuditTrail(StateFiles(folder).audit).append("change", line)
        return folder.is_dir()

    return as_owner(folder, work, ConfigError)


def _print_addresses(page: WebConfig, values: Sections, key: str) -> None:
    """Prints where a browser finds the page, and the sign with the key of its new link."""
    url = url_of(page.host, page.port, "https" if page.certificate else "http")
    if "web" in values and page.enabled:
        print(f"the page will be at {url}")
    if key:
        print(f"the sign will be at {url}sign?key={key} (an earlier link no longer opens it)")
        if not page.enabled:
            print("the page is off, and the sign is part of it; turn it on with web.enabled=true")


def _page_password(args: argparse.Namespace) -> dict[str, str]:
    """Returns the password that was set on the page where the file has none: the file must be complete by itself."""
    try:
        of_file, in_use = read(args.config).get("web", {}), open_settings(args).load().web.password_hash
        return {"password_hash": in_use} if in_use and not of_file.get("password_hash") else {}
    except ConfigError:  # the file does not exist yet, or the change is to mend it
        return {}


def _check_of_outputs(args: argparse.Namespace, values: Sections) -> Callable[[Config], None]:
    """Returns what refuses an output that is changed and cannot work here, and a change that takes a zone from one."""
    from ..outputs.faults import output_faults  # only here: the other changes need nothing of it

    before = _zones_in_use(args)

    def check(config: Config) -> None:
        after = config.detect.zones if "zones" in values.get("detect", ()) else before
        changed = [output for output in config.outputs if output.name in values.get("outputs", ())]
        faults = output_faults(changed, after, packages=False)
        if faults:
            raise ConfigError("\n".join(f"{args.config}: {fault}" for fault in faults.values()))
        if before is not None and after is not None:
            check_zones(config, before, after)

    return check


def _zones_in_use(args: argparse.Namespace) -> tuple[Zone, ...] | None:
    """Returns the zones in use, which the page may have set; None if they are not known."""
    try:
        return open_settings(args).load().detect.zones
    except ConfigError:  # the file does not exist yet, or the change is to mend it
        return None


def _files_and_values(words: list[str] | None) -> tuple[list[str] | None, list[str]]:
    """Tells the files of ``--web-certificate`` from the values that follow them."""
    if words is None:
        return None, []
    values = [word for word in words if re.match(r"[a-z]+(\.[a-z0-9_-]+)+=", word)]
    return [word for word in words if word not in values], values


def _certificate(args: argparse.Namespace, files: list[str]) -> dict[str, str]:
    """Returns the options for https, with a pair that can be used. Raises ``ConfigError``."""
    from ..serving.certificates import load_pair
    from ..serving.self_signed import self_signed

    if len(files) > 2:
        raise ConfigError("--web-certificate takes a certificate and its key, one file with both, or nothing")
    certificate, key = [os.path.abspath(os.path.expanduser(in_utf8(file))) for file in files] + [""] * (2 - len(files))
    if not files:
        made_at, key_at, is_new = self_signed(args.config, open_settings(args).load().web)
        certificate, key = str(made_at), str(key_at)
        print(
            f"{certificate} {'was made' if is_new else 'is still good'}; a browser warns of it once: nobody signed it"
        )

    def validity() -> list[str]:
        pair = load_pair(certificate, key)
        return [pair.until, *sorted(pair.names)]

    until, *names = as_owner(
        Path(certificate), lambda: as_owner(Path(key or certificate), validity, ConfigError), ConfigError
    )
    print(f"the certificate is valid until {until}, for {', '.join(names) or 'no name'}")
    return {"certificate": certificate, "key": key}


def _in_utf8(options: dict[str, Any]) -> dict[str, Any]:
    return {key: in_utf8(value) if isinstance(value, str) else value for key, value in options.items()}


def ask_password_hash() -> str:
    """Asks for a password twice, or reads the first line of a pipe; returns its hash. Raises ``ConfigError``."""
    from ..serving.passwords import hash_password

    if sys.stdin.isatty():
        password = in_utf8(getpass.getpass("password of the page: "))
        if password != in_utf8(getpass.getpass("the same password again: ")):
            raise ConfigError("the two passwords differ; nothing was changed")
    else:
        password = in_utf8(os.fsdecode(sys.stdin.buffer.readline()).rstrip("\r\n"))
    try:
        return hash_password(password)
    except ValueError as error:
        raise ConfigError(str(error)) from error
