"""``maskwatch watch``: subscribes to alerts, prints them, and posts each as a short text to a web address.

ntfy accepts such a POST, and so do many other services that send notifications to a phone.
"""

import argparse
import logging
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ..config.schema import MqttConfig
from ..errors import ConfigError
from ..timing import Backoff, wait_until
from .arguments import EXIT_OK, load_config

log = logging.getLogger("maskwatch")
LOCALHOST = "127.0.0.1"
MAX_WAITING = 100
"""Texts that may wait; the oldest is dropped first."""
MAX_AGE = 3600.0
"""Seconds after which a text is dropped, because the person has long gone."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts."""
REQUEST_TIMEOUT = 15.0
RETRIABLE_STATUSES = (408, 429)
"""HTTP statuses below 500 after which another attempt can succeed: timeout, and too many requests."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--broker",
        metavar="HOST[:PORT]",
        help=f"the broker (default: as configured, else {LOCALHOST}:{MqttConfig().port})",
    )
    command.add_argument(
        "--post",
        metavar="URL",
        help="also post each alert as a short text to this address, for example https://ntfy.sh/NAME; "
        "or a file that contains the address",
    )


def run(args: argparse.Namespace) -> int:
    """Prints and posts alerts until SIGTERM or SIGINT arrives. Raises ``ConfigError``."""
    from ..mqtt.subscriber import Subscriber

    config = load_config(args)
    poster = Poster(read_url(args.post)) if args.post else None
    mqtt = config.mqtt if config.mqtt.host else replace(config.mqtt, host=LOCALHOST)
    log.info("waiting for alerts from %s:%d; press Ctrl-C to end", mqtt.host, mqtt.port)
    subscriber = Subscriber(mqtt, lambda text: print(text, flush=True), post=poster)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    subscriber.close()
    if poster:
        poster.close()
    return EXIT_OK


def read_url(url_or_file: str) -> str:
    """Returns the URL, from the file if it is one; every user of the machine can read a command line.

    Raises ``ConfigError``.
    """
    if "://" in url_or_file:
        return url_or_file
    try:
        return Path(url_or_file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise ConfigError(
            f"--post {url_or_file}: this is neither an address (https://...) nor a file that can be read: {error}"
        ) from error


@dataclass(frozen=True, slots=True)
class QueuedText:
    """A text that waits, and the time (``monotonic``) at which it was queued."""

    queued: float
    text: str


@dataclass(frozen=True, slots=True)
class PostFailure:
    """Why a text was not accepted, and whether another attempt can succeed."""

    reason: str
    retry: bool


class Poster:
    """Posts texts in order, one request each, and repeats a request until the server accepts the text.

    Owns the thread ``post``; any thread may call. A text is dropped and logged after an hour, when 100 newer ones wait,
    or when the server refuses it (4xx). Raises ``ConfigError`` for an unusable address.
    """

    def __init__(self, url: str, backoff: Backoff | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ConfigError("--post: use an address such as https://ntfy.sh/a-name-that-nobody-guesses")
        self._server = parts.hostname  # only this part is logged, because the rest is as secret as a password
        self._url = url
        self._backoff = backoff or Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)
        self._queue: deque[QueuedText] = deque()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._last_failure = ""
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)
        self._thread.start()

    def __call__(self, text: str) -> None:
        """Queues a text; returns at once."""
        with self._changed:
            if len(self._queue) >= MAX_WAITING:
                self._queue.popleft()
                log.warning("%s: %d texts wait; the oldest was dropped", self._server, MAX_WAITING)
            self._queue.append(QueuedText(time.monotonic(), text))
            self._changed.notify()

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed.is_set())
                if not self._queue:
                    return
                queued = self._queue[0]
            if time.monotonic() - queued.queued > MAX_AGE:
                log.warning("%s did not accept a text for an hour; it was dropped", self._server)
                self._remove(queued)
                continue
            failure = self._post(queued.text)
            self._log_change(failure)
            if failure and failure.retry:
                self._closed.wait(self._backoff.next())
            else:
                self._remove(queued)
                self._backoff.reset()

    def _log_change(self, failure: PostFailure | None) -> None:
        reason = failure.reason if failure else ""
        if reason and reason != self._last_failure:
            log.error("%s: %s", self._server, reason)
        elif self._last_failure and not reason:
            log.warning("%s accepts texts again", self._server)
        self._last_failure = reason

    def _remove(self, queued: QueuedText) -> None:
        with self._changed:
            if self._queue and self._queue[0] is queued:  # it may have been dropped meanwhile
                self._queue.popleft()

    def _post(self, text: str) -> PostFailure | None:
        request = urllib.request.Request(self._url, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT):
                return None
        except urllib.error.HTTPError as error:
            retry = error.code >= 500 or error.code in RETRIABLE_STATUSES
            return PostFailure(
                f"answers {error.code} {error.reason}" + ("" if retry else "; the text was dropped"), retry
            )
        except (OSError, ValueError) as error:  # URLError is an OSError
            return PostFailure(f"cannot be reached: {getattr(error, 'reason', error)}", True)
        except Exception as error:  # http.client raises exceptions of its own for an answer that is not HTTP
            return PostFailure(f"gives no HTTP answer: {type(error).__name__}", True)

    def close(self, timeout: float = 2.0) -> None:
        """Waits for at most ``timeout`` seconds until the queue is empty, then ends the thread."""
        wait_until(lambda: not self._queue, timeout)
        self._closed.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(1)
