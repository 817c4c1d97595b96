"""Serves an application over HTTP or HTTPS: the server's thread, an address that may come later, a bounded shutdown."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..config.web import WebConfig
from ..errors import ConfigError
from ..listening import PAGE, Served, listen, listen_problem, url_of
from ..timing import Backoff
from .certificates import LOOK_S, Certificate
from .listener import Listener
from .protocol import HttpProtocol
from .proxies import Proxies

log = logging.getLogger(__name__)

START_TIMEOUT = 2.0
"""Seconds for which the caller waits for the first attempt; a name server may take longer."""
STOP_TIMEOUT = 5.0
QUIET_S = 60.0
"""Seconds between two unexpected errors in the log; anyone can send requests."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts to use an address: 1, 2, 4 ... 30."""


class Server:
    """Serves an application from ``start`` to ``close``, which the main thread calls.

    Owns the thread ``page``, which calls ``make_application`` and runs every handler. While host and port cannot be
    used, it tries again and again. ``report`` receives that problem, and None once the application is served.
    ``served`` names what it is in messages.
    """

    def __init__(
        self,
        options: WebConfig,
        make_application: Callable[[], web.Application],
        report: Callable[[str | None], None],
        served: Served = PAGE,
    ) -> None:
        self._options = options
        self._served = served
        self._make_application = make_application
        self._report = report
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> "Server":
        """Starts to serve, and waits until that has succeeded or failed for the first time."""
        self._thread.start()
        self._started.wait(START_TIMEOUT)
        return self

    def close(self) -> None:
        """Stops serving, within ``STOP_TIMEOUT``."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_TIMEOUT)

    # Everything below runs in the thread ``page``.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # a fault of the page must not end the monitor
            log.exception("the %s has failed", self._served.what)
            self._report(f"the {self._served.what} is no longer served: {type(error).__name__}; restart maskwatch")
        self._started.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(self._make_application(), shutdown_timeout=0.5)
        await runner.setup()
        assert runner.server is not None
        quiet = _quiet_logger()
        self._loop.set_exception_handler(lambda _, context: _log_fault(quiet, context))
        make_protocol = partial(HttpProtocol, runner.server, loop=self._loop, access_log=None, logger=quiet)
        certificate = Certificate(self._options.certificate, self._options.key)
        proxies = Proxies(self._options.trusted_proxies, self._options.base_path)
        _show_as_seen(runner.server, proxies)
        listener = Listener(runner.server, make_protocol, lambda: certificate.context, proxies.trusts)
        try:
            await self._listen(listener, certificate)
            await self._keep(certificate)
        finally:
            await listener.close()
            await runner.cleanup()

    async def _listen(self, listener: Listener, certificate: Certificate) -> None:
        """Listens as soon as the address can be used: its port may be another program's, its network may come later."""
        host, port, what = self._options.host, self._options.port, self._served.what
        backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)
        while not self._stopping.is_set():
            try:
                certificate.load()
                listener.start(await self._loop.run_in_executor(None, listen, host, port))
            except ConfigError as error:
                self._report(f"the {what} is not served: {error}")
            except OSError as error:
                self._report(f"the {what} cannot use {listen_problem(host, port, error, self._served)}")
            else:
                self._report(None)
                log.info("the %s is at %s", what, url_of(host, port, "https" if certificate.context else "http"))
                return self._started.set()
            self._started.set()
            await self._wait(backoff.next())

    async def _keep(self, certificate: Certificate) -> None:
        """Serves until ``close``, and takes a renewed certificate."""
        last = None
        while not self._stopping.is_set():
            if (problem := certificate.look()) != last:
                self._report(problem and f"the {self._served.what} goes on with its last certificate: {problem}")
            last = problem
            await self._wait(LOOK_S)

    async def _wait(self, seconds: float) -> None:
        """Waits, and no longer than until ``close``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _show_as_seen(server: web.Server, proxies: Proxies) -> None:
    """Makes every request what the visitor sent to the outermost trusted proxy, before anything looks at it."""
    make_request = server.request_factory

    def as_seen(message: Any, *args: Any) -> web.BaseRequest:
        try:
            request = make_request(message, *args)
        except ValueError:  # the address names a host that is none: without a host, the guard refuses the request
            nameless = message._replace(url=URL("/"), path="/", headers=CIMultiDictProxy(CIMultiDict()))
            request = make_request(nameless, *args)
        return proxies.as_seen(request)

    server.request_factory = as_seen


def _log_fault(quiet: logging.Logger, context: dict[str, Any]) -> None:
    """Logs what no handler has caught; asyncio would log it for each request."""
    quiet.error("%s", context["message"], exc_info=context.get("exception"))


def _quiet_logger() -> logging.Logger:
    """Returns the logger of aiohttp's server, without damaged requests, and with few of its other errors."""
    logger = logging.Logger(f"{__name__}.requests")
    logger.parent = log
    next_at = 0.0

    def is_told(record: logging.LogRecord) -> bool:
        nonlocal next_at
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError) or time.monotonic() < next_at:
            return False
        next_at = time.monotonic() + QUIET_S
        return True

    logger.addFilter(is_told)
    return logger
