"""Serves an application over HTTP: the server's thread, an address that may come later, and a bounded shutdown."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from ..config.web import WebConfig
from ..listening import listen_problem, url_of
from ..timing import Backoff

log = logging.getLogger(__name__)

START_TIMEOUT = 2.0
"""Seconds for which the caller waits for the first attempt; a name server may take longer."""
STOP_TIMEOUT = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts to use an address: 1, 2, 4 ... 30."""


class Server:
    """Serves an application from ``start`` to ``close``, which the main thread calls.

    Owns the thread ``page``, which calls ``make_application`` and runs every handler. While host and port cannot be
    used, it tries again and again. ``report`` receives that problem, and None once the application is served.
    """

    def __init__(
        self,
        options: WebConfig,
        make_application: Callable[[], web.Application],
        report: Callable[[str | None], None],
    ) -> None:
        self._options = options
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
            log.exception("the page has failed")
            self._report(f"the page is no longer served: {type(error).__name__}; restart maskwatch")
        self._started.set()

    async def _serve(self) -> None:
        runner = web.AppRunner(self._make_application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await self._listen(runner)
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        """Listens as soon as the address can be used: its port may be another program's, its network may come later."""
        host, port = self._options.host, self._options.port
        backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE)
        while not self._stopping.is_set():
            site = web.TCPSite(runner, host, port)
            try:
                await site.start()
            except OSError as error:
                await site.stop()
                self._report(f"the page cannot use {listen_problem(host, port, error)}")
                self._started.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), backoff.next())
            else:
                self._report(None)
                log.info("the page is at %s", url_of(host, port))
                return self._started.set()
