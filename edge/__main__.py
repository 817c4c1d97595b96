"""The command ``maskwatch``. Command line, logging, exit codes; ``monitor`` has the wiring."""

import argparse
import getpass
import logging
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from . import picture
from .camera import pictures
from .camera.source import Source
from .cli import configured, given, parser
from .config import edit as settings
from .errors import BrokerError, ConfigError, ModelError, SourceError
from .faces.drawing import annotate
from .faces.opening import STILL_FACE, check, model_path, open_classifier, open_detector
from .monitor.run import watch_door
from .monitor.snapshots import purge, purge_all
from .monitor.state import claim, folder_of, identity_of
from .monitor.systemd import leave
from .outbox.letters import peek, resend

log = logging.getLogger("maskwatch")

ENDED, FAILED, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. Returns 0 ended as asked, 2 configuration or usage, 1 anything else."""
    args = parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stderr, force=True)
    try:
        return leave(COMMANDS[args.command](args))
    except (ConfigError, ModelError) as error:
        print(f"maskwatch: {error}", file=sys.stderr)
        return USAGE
    except (SourceError, BrokerError) as error:  # may pass by itself: a service is started again
        print(f"maskwatch: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nmaskwatch: stopped before the end", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        sys.stderr.close()
        return ENDED


def run_run(args: argparse.Namespace) -> int:
    def ready(source: Source) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: source.stop())

    keeper = keeper_of(args)
    kept = watch_door(keeper.load(), args.print, args.or_demo, args.show_stats, ready, keeper.keep)
    return ENDED if kept else FAILED


def keeper_of(args: argparse.Namespace) -> settings.Keeper:
    return settings.Keeper(args.config, folder_of(configured(args)), given(args))


def run_image(args: argparse.Namespace) -> int:
    config = configured(args)
    if args.min_face is None:
        config = replace(config, detect=replace(config.detect, min_face=STILL_FACE))
    detector, classifier = open_detector(config.detect), open_classifier(config)
    copies = picture.Copies(args.out) if args.out and not args.no_pictures else None
    failed = False
    for found in picture.walk(args.pictures):
        try:
            image = pictures.read(found.path)
            faces = check(image, detector, classifier)
            print((picture.as_json if args.json else picture.as_text)(found.path, faces), flush=True)
            if copies:
                pictures.write(annotate(image, faces), copies.place(found))
        except SourceError as error:  # one bad file must not end the walk
            print(f"maskwatch: {error}", file=sys.stderr)
            failed = True
    return FAILED if failed else ENDED


def run_doctor(args: argparse.Namespace) -> int:
    from .doctor import examine

    config = keeper_of(args).load()
    worst = ENDED
    for finding in examine(config, model_path(config), folder_of(config)):
        print(f"{finding.state:4}  {finding.what:12} {finding.text}", flush=True)
        worst = FAILED if finding.state == "FAIL" else worst
    return worst


def run_set(args: argparse.Namespace) -> int:
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
    if gone := keeper_of(args).give_way(values):
        print(f"what the page had set of that counts no more: {', '.join(gone)}")
    return ENDED


def ask_password() -> str:
    """The hash of a password typed twice, or of the first line of what is piped in."""
    from .web.passwords import hashed

    if sys.stdin.isatty():
        password = getpass.getpass("password of the page: ")
        if password != getpass.getpass("once more: "):
            raise ConfigError("the two passwords differ; nothing is changed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        return hashed(password)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def run_forget(args: argparse.Namespace) -> int:
    from .forget import forget
    from .monitor.state import running_health

    config = configured(args)
    if not config.mqtt.host:
        raise ConfigError("say which broker: --broker HOST, or [mqtt] host in a file named by --config")
    runs = f"{config.device.name} is running, and would announce itself again; stop it first"
    if running_health(folder_of(config)) is not None:
        raise ConfigError(runs)
    try:
        held = claim(identity_of(config))  # one with another state folder
    except ConfigError as error:
        raise ConfigError(runs) from error
    with held:
        topics = forget(config)
    print(f"{config.device.name} is forgotten at {config.mqtt.host}: {', '.join(topics)}")
    return ENDED


def run_watch(args: argparse.Namespace) -> int:
    from .mqtt.subscriber import Watcher
    from .post import Poster, address

    config = configured(args)
    post = Poster(address(args.post)) if args.post else None
    mqtt = config.mqtt if config.mqtt.host else replace(config.mqtt, host="127.0.0.1")
    log.info("waiting for alerts from %s:%d; Ctrl-C ends", mqtt.host, mqtt.port)
    watcher = Watcher(mqtt, lambda text: print(text, flush=True), post=post)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    watcher.close()
    if post:
        post.close()
    return ENDED


def run_outbox(args: argparse.Namespace) -> int:
    path = folder_of(configured(args)) / "outbox.db"
    if not path.exists():
        print(f"nothing waits: {path} is not there yet")
        return ENDED
    try:
        if args.resend and (count := resend(path)):
            print(f"{count} refused alerts are in the queue again; they leave when maskwatch is started next")
        waiting, dead = peek(path)
    except sqlite3.Error as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    print(f"{len(waiting)} alerts wait for the broker, {len(dead)} were refused ({path})")
    for letter in waiting:
        print(f"waiting  {letter.payload.decode('utf-8', 'replace')}")
    for name, reason in dead:
        print(f"refused  {name}  {reason}")
    return ENDED


def run_purge(args: argparse.Namespace) -> int:
    config = configured(args)
    folder = folder_of(config) / "snapshots"
    if not folder.is_dir():
        print(f"no pictures: there is no folder {folder}")
        return ENDED
    count = purge_all(folder) if args.all else purge(folder, config.snapshots)
    print(f"{count} pictures deleted from {folder}")
    return ENDED


def run_bench(args: argparse.Namespace) -> int:
    from .bench.command import bench

    bench(args, configured(args))
    return ENDED


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run_run,
    "image": run_image,
    "doctor": run_doctor,
    "set": run_set,
    "watch": run_watch,
    "outbox": run_outbox,
    "purge": run_purge,
    "forget": run_forget,
    "bench": run_bench,
}

if __name__ == "__main__":
    sys.exit(main())
