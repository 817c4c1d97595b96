"""What happened and what happens: the alerts so far, and server-sent events (WHATWG HTML, 9.2) from now on."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from ..mqtt.messages import AlertMessage
from ..outbox.letters import history
from .bus import Bus

SHOWN = 100
DAYS = 7
LISTENERS = 20
ALIVE_EVERY = 15.0
"""Seconds between two signs of life, so that proxies and phones keep the connection."""
BEHIND = 200
"""Events that may wait for a slow listener; then it is dropped, and comes again by itself."""


class Feed:
    """``outbox`` is the file with the alerts of earlier runs, if there is one; ``now`` gives the page's state."""

    def __init__(self, bus: Bus, outbox: Path | None, now: Callable[[], dict[str, Any]]) -> None:
        self._bus, self._outbox, self._now = bus, outbox, now
        self._listeners = 0

    async def alerts(self, request: web.Request) -> web.Response:
        """The newest alerts first, and how many there were on each of the last days."""
        loop = asyncio.get_running_loop()
        alerts = await loop.run_in_executor(None, self._alerts)
        return web.json_response(
            {"alerts": [asdict(alert) for alert in alerts[:SHOWN]], "days": per_day(alerts, date.today())}
        )

    def _alerts(self) -> list[AlertMessage]:
        """From disk, and from memory what the disk has not taken (yet)."""
        kept: dict[str, AlertMessage] = {}
        if self._outbox is not None and self._outbox.exists():
            try:
                for payload in history(self._outbox):
                    alert = AlertMessage.decode(payload)
                    kept[alert.id] = alert
            except (sqlite3.Error, ValueError):
                pass  # a damaged or locked file: health says so, and memory has this run's
        kept |= {alert.id: alert for alert in tuple(self._bus.alerts)}
        return sorted(kept.values(), key=lambda alert: alert.time, reverse=True)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """``alert``, ``state``, ``health``, ``stats`` as they are sent, and ``now`` at the beginning."""
        if self._listeners >= LISTENERS:
            return web.Response(status=503, text=f"{LISTENERS} pages are open already; close another one first")
        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[str, Any]]()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        self._listeners += 1

        def hear(kind: str, message: Any) -> None:
            loop.call_soon_threadsafe(waiting.put_nowait, (kind, message))

        end = self._bus.listen(hear)
        try:
            await response.prepare(request)
            await response.write(event("now", self._now()))
            while waiting.qsize() < BEHIND:
                try:
                    async with asyncio.timeout(ALIVE_EVERY):
                        kind, message = await waiting.get()
                    text = event(kind, asdict(message))
                except TimeoutError:
                    text = b": still here\n\n"
                async with asyncio.timeout(20):
                    await response.write(text)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            end()
            self._listeners -= 1
        return response


def event(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def per_day(alerts: Iterable[AlertMessage], today: date) -> list[dict[str, Any]]:
    """Alerts on each of the last ``DAYS`` local days, the oldest day first."""
    counts: Counter[date] = Counter()
    for alert in alerts:
        try:
            counts[datetime.fromisoformat(alert.time).astimezone().date()] += 1
        except ValueError:
            continue
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [{"day": day.isoformat(), "alerts": counts[day]} for day in days]
