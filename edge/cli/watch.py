"""``maskwatch watch``: subscribes to alerts, prints them, posts texts about them, and keeps all doors in a database.

ntfy takes such texts to a phone, and other services accept them too.
"""

import argparse
import logging
import signal
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from ..addresses import shown_file
from ..config.credentials import address_in, password_for
from ..config.phone import PostFormat
from ..config.schema import Config, MqttConfig
from ..errors import ConfigError
from ..listening import host_and_port
from ..monitor.systemd import Notifier
from ..mqtt.session_id import known_protocol, session_id
from ..mqtt.subscriber import Subscriber
from ..phone.destination import Destination
from ..phone.formats import request_for
from ..phone.phone import Phone
from ..phone.store import Store
from ..phone.texts import test_text
from ..store.address import StoreAddress
from ..store.opening import open_store, store_address
from ..store.reports import open_reports
from ..timing import wait_until
from .arguments import EXIT_FAILURE, EXIT_OK, add_device_option, add_store_option, load_config, own_state, port

if TYPE_CHECKING:
    from ..serving.server import Server
    from ..web.doors import Doors

log = logging.getLogger("maskwatch")
LOCALHOST = "127.0.0.1"
SUBSCRIBED_WITHIN = 5.0
"""Seconds after which systemd may start what waits for this subscription, whether it stands or not."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--broker",
        metavar="HOST[:PORT]",
        help=f"the broker (default: as configured, else {LOCALHOST}:{MqttConfig().port})",
    )
    command.add_argument(
        "--post",
        metavar="URL",
        help="also post texts about the alerts to this address, for example https://ntfy.sh/NAME; or a file that "
        "contains the address",
    )
    command.add_argument(
        "--post-format", choices=get_args(PostFormat), help="what the address understands (default: as configured)"
    )
    command.add_argument("--post-token", metavar="FILE", help="a file with an access token for the address")
    command.add_argument(
        "--web", action="store_true", default=None, help="also serve all doors of the broker on one page"
    )
    add_store_option(command, "also keep what all doors say")
    command.add_argument("--web-host", metavar="HOST", help="address of that page (default: [web] host)")
    command.add_argument("--web-port", metavar="PORT", type=int, help="port of that page (default: [web] port)")
    command.add_argument(
        "--metrics", metavar="PORT", type=port, help="also serve metrics of all doors to Prometheus at this port"
    )
    command.add_argument("--metrics-host", metavar="HOST", help="address of the metrics (default: [web] host)")
    command.add_argument("--test", action="store_true", help="post a test, say whether it was accepted, and end")
    add_device_option(command)


def run(args: argparse.Namespace) -> int:
    """Prints and posts alerts until SIGTERM or SIGINT arrives. Raises ``ConfigError``."""
    config = load_config(args)
    check_metrics(args, config)
    # the installed command `maskwatch watch --test` hands the phone service's address over as a credential
    address = args.post or (password_for("--post", "", "phone") if args.test else "")
    destination = open_destination(address, config) if address else None
    if args.test:
        return send_test(destination, config)
    database = None if args.store is None else store_address(args.store, config.store)
    mqtt = config.mqtt if config.mqtt.host else replace(config.mqtt, host=LOCALHOST)
    stopped, notify = threading.Event(), Notifier()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    log.info("waiting for alerts from %s; press Ctrl-C to end", host_and_port(mqtt.host, mqtt.port))
    with ExitStack() as stack:
        if destination is None:
            subscriber = Subscriber(mqtt, print_line)
        else:
            subscriber = subscribe_for_phone(config, mqtt, destination, stack)
        stack.callback(subscriber.close)
        subscribed = [subscriber.ready]
        if database:
            subscribed.append(open_store(config, mqtt, database, own_state(config).folder, stack).ready)
        if args.web or args.metrics:
            open_pages(args, config, mqtt, database, stack)
        if notify.supervised and config.mqtt.host:  # else the broker is the monitor's own, which starts after this
            wait_until(lambda: stopped.is_set() or all(one.is_set() for one in subscribed), SUBSCRIBED_WITHIN)
        notify("READY=1")
        stopped.wait()
    return EXIT_OK


def subscribe_for_phone(config: Config, mqtt: MqttConfig, destination: Destination, stack: ExitStack) -> Subscriber:
    """Opens the phone and its subscription; ``stack`` closes the phone. Raises ``ConfigError``."""
    store = Store(own_state(config).folder / "texts.db")
    stack.callback(store.close)
    phone = Phone(config.phone, config.phone.page or config.homeassistant.page, destination, store)
    stack.callback(phone.close)
    protocol = known_protocol(store, is_embedded=not config.mqtt.host)
    return Subscriber(mqtt, print_line, protocol, phone, session_id(store, mqtt.prefix, "phone"))


def open_pages(
    args: argparse.Namespace, config: Config, mqtt: MqttConfig, database: StoreAddress | None, stack: ExitStack
) -> None:
    """Serves the doors of the broker, on one page and to Prometheus; ``stack`` ends it. Raises ``ConfigError``."""
    from ..mqtt.observer import Observer

    try:
        from ..web.doors import Doors

        doors = Doors(mqtt.prefix)
        servers = [overview_server(config, doors, database)] if args.web else []
        servers += [metrics_server(args, config, doors)] if args.metrics else []
    except ImportError as error:
        raise ConfigError(f"the page needs the extra web ({error}): .venv/bin/pip install -e '.[web]'") from error
    stack.callback(Observer(replace(config, mqtt=mqtt), doors).close)
    for server in servers:
        stack.callback(server.start().close)


def overview_server(config: Config, doors: "Doors", database: StoreAddress | None) -> "Server":
    """Returns the server of the page with all doors, and with reports of what is in the database."""
    from ..serving.server import Server
    from ..web.overview import overview_application

    sessions = own_state(config).folder / "overview-sessions.json"
    reports = open_reports(database) if database else None
    return Server(config.web, lambda: overview_application(config, doors, sessions, reports), report_page)


def metrics_server(args: argparse.Namespace, config: Config, doors: "Doors") -> "Server":
    """Returns the server of the metrics. Raises ``ConfigError`` if anybody could read them."""
    from ..serving.server import Server
    from ..web.door_metrics import SERVED, metrics_application, metrics_options

    options = metrics_options(config.web, args.metrics_host, args.metrics)
    return Server(options, lambda: metrics_application(options, doors), report_page, SERVED)


def check_metrics(args: argparse.Namespace, config: Config) -> None:
    """Raises ``ConfigError`` for options of the metrics that contradict each other."""
    if args.metrics_host and not args.metrics:
        raise ConfigError("--metrics-host needs --metrics PORT")
    if args.web and args.metrics == config.web.port:
        raise ConfigError(f"--metrics {args.metrics} is the port of the page; choose another one")


def report_page(problem: str | None) -> None:
    """Logs why a page is not served. The alerts are printed and posted all the same."""
    if problem:
        log.error("%s", problem)


def send_test(destination: Destination | None, config: Config) -> int:
    """Posts a test text once. Raises ``ConfigError`` without an address."""
    if destination is None:
        raise ConfigError(
            "--test needs an address: add --post URL or --post FILE, or set up the service with install.sh --phone"
        )
    request = request_for(test_text(socket.gethostname()), config.phone.format, "")
    failure = destination.post(request.headers, request.body)
    print(f"{destination.server} {failure.reason if failure else 'has accepted the test'}")
    return EXIT_FAILURE if failure else EXIT_OK


def open_destination(url_or_file: str, config: Config) -> Destination:
    """Returns where texts go, with its login. Raises ``ConfigError``."""
    file = config.phone.token_file
    token = password_for("phone.token_file", file, "phone-token").strip()
    if file and not token:
        raise ConfigError(f"phone.token_file {shown_file(file)} is empty; write the token into it")
    return Destination(read_url(url_or_file), token)


def read_url(url_or_file: str) -> str:
    """Returns the URL, from the file if it is one. Raises ``ConfigError``."""
    return url_or_file if "://" in url_or_file else address_in("--post", url_or_file, "https://...")


def print_line(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)
