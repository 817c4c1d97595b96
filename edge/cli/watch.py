"""``maskwatch watch``: subscribes, prints alerts as they arrive, and sends them on as short texts by HTTP POST.

ntfy takes such a POST, and so do many other services that ring a phone."""

import argparse
import logging
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigError
from .arguments import ENDED, configured

log = logging.getLogger("maskwatch")
KEPT = 100
"""Texts that wait at most; the oldest is dropped first."""
STALE = 3600.0
"""Seconds after which a text is not worth a ring any more."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between attempts, doubled each time."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--broker", metavar="HOST[:PORT]", help="default: as configured, else 127.0.0.1:1883")
    command.add_argument(
        "--post",
        metavar="URL",
        help="also send each alert as a short text there, for example https://ntfy.sh/NAME; or a file with it",
    )


def run(args: argparse.Namespace) -> int:
    from ..mqtt.subscriber import Subscriber

    config = configured(args)
    post = Poster(address(args.post)) if args.post else None
    mqtt = config.mqtt if config.mqtt.host else replace(config.mqtt, host="127.0.0.1")
    log.info("waiting for alerts from %s:%d; Ctrl-C ends", mqtt.host, mqtt.port)
    watcher = Subscriber(mqtt, lambda text: print(text, flush=True), post=post)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    watcher.close()
    if post:
        post.close()
    return ENDED


def address(said: str) -> str:
    """The address said, or the one in the file said: on a command line every user of the machine can read it."""
    if "://" in said:
        return said
    try:
        return Path(said).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise ConfigError(
            f"--post {said}: is no address (https://...), and no file that can be read: {error}"
        ) from error


class Poster:
    """Posts texts in order, one request each, from a thread of its own; tries again until the server takes one.

    A text is dropped, and the log says so, after an hour, when 100 newer ones wait, or when the server refuses it
    (4xx). Raises ``ConfigError`` for an address that is none.
    """

    def __init__(self, url: str, pauses: tuple[float, float] = (SHORTEST_PAUSE, LONGEST_PAUSE)) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
            raise ConfigError("--post: use an address such as https://ntfy.sh/a-name-that-nobody-guesses")
        self.server = parts.hostname  # the rest of the address is as good as a password
        self._url, self._pauses = url, pauses
        self._waiting: deque[tuple[float, str]] = deque()
        self._changed, self._closed = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)
        self._thread.start()

    def __call__(self, text: str) -> None:
        with self._changed:
            if len(self._waiting) >= KEPT:
                self._waiting.popleft()
                log.warning("%s does not take our texts: one is dropped", self.server)
            self._waiting.append((time.monotonic(), text))
            self._changed.notify()

    def _run(self) -> None:
        pause, trouble = self._pauses[0], ""
        while not self._closed.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
                if not self._waiting:
                    return
                at, text = self._waiting[0]
            if time.monotonic() - at > STALE:
                log.warning("%s did not take a text for an hour: it is dropped", self.server)
                self._done(at, text)
                continue
            failure, again = self._try(text)
            if failure and failure != trouble:
                log.error("%s: %s", self.server, failure)
            elif trouble and not failure:
                log.warning("%s takes our texts again", self.server)
            trouble = failure
            if failure and again:
                self._closed.wait(pause)
                pause = min(2 * pause, self._pauses[1])
            else:
                self._done(at, text)
                pause = self._pauses[0]

    def _done(self, at: float, text: str) -> None:
        with self._changed:
            if self._waiting and self._waiting[0] == (at, text):  # unless it was dropped meanwhile
                self._waiting.popleft()

    def _try(self, text: str) -> tuple[str, bool]:
        """What went wrong, empty if nothing, and whether another attempt can help."""
        request = urllib.request.Request(self._url, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        try:
            with urllib.request.urlopen(request, timeout=15):
                return "", False
        except urllib.error.HTTPError as error:
            again = error.code >= 500 or error.code in (408, 429)
            return f"answers {error.code} {error.reason}" + ("" if again else ": the text is dropped"), again
        except (OSError, ValueError) as error:  # URLError is an OSError; an answer that is no HTTP is neither
            return f"cannot be reached: {getattr(error, 'reason', error)}", True
        except Exception as error:
            return f"gives no HTTP answer: {type(error).__name__}", True

    def close(self, patience: float = 2.0) -> None:
        """Gives what waits a moment to leave."""
        deadline = time.monotonic() + patience
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.02)
        self._closed.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(1)
