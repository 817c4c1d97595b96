"""Lists, exports and marks the alerts that are kept, and shows their snapshots."""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web

from ..record.alerts import COLUMNS, AlertIndex, Entry, Search, exported
from ..record.export import csv_lines, file_name, json_lines
from ..record.times import local_iso
from ..serving.answers import error_response
from ..serving.bodies import read_json
from ..serving.download import download
from .backend import Backend
from .bus import Bus

PAGE_SIZE, LARGEST_PAGE = 48, 200
"""Alerts in one answer: by default, and at most."""
CHART_DAYS = 7
MOST_MARKS = 5000
"""Alerts that one request marks, at most: as many as are kept."""
MOST_TOLD = 200
"""Marks that are told to other pages one by one; they ask again where there are more."""


@dataclass(frozen=True, slots=True)
class SeenMarks:
    """Tells other pages that alerts were marked; ``ids`` is None where there are too many to name."""

    topic: ClassVar[str] = "marks"
    ids: Sequence[str] | None
    seen: bool


class Alerts:
    """Answers ``/api/alerts``, its exports, and ``/api/alerts/seen``.

    Runs in the page's thread, and reads files in the executor.
    """

    def __init__(self, bus: Bus, backend: Backend, device: str) -> None:
        self._bus = bus
        self._record = backend.record
        self._snapshots = backend.snapshots
        self._device = device
        self._index = AlertIndex(backend.outbox)

    def routes(self) -> Sequence[web.RouteDef]:
        """Returns the routes of the alerts."""
        return (
            web.get("/api/alerts", self.show),
            web.get("/api/alerts.csv", self.csv),
            web.get("/api/alerts.json", self.json),
            web.post("/api/alerts/seen", self.mark),
        )

    async def read_ahead(self, app: web.Application) -> None:
        """Reads the alerts when the page starts, so that the first visitor does not wait for it (``on_startup``)."""
        asyncio.get_running_loop().run_in_executor(None, self._index.update)

    async def show(self, request: web.Request) -> web.Response:
        """Answers with the newest alerts that match, those after ``before``, and how many there are."""
        try:
            search, before, limit = Search.parse(request.query), _cursor(request), _limit(request)
        except ValueError as error:
            return error_response(400, str(error))
        entries = await self._entries()
        matching = self._matching(entries, search)
        rest = [entry for entry in matching if entry.key < before] if before else matching
        shown = rest[:limit]
        seen = self._record.seen
        return web.json_response(
            {
                "alerts": await asyncio.get_running_loop().run_in_executor(None, self._described, shown),
                "next": _mark_of(shown[-1]) if len(rest) > limit else None,
                "total": len(matching),
                "unseen": sum(entry.alert.id not in seen for entry in matching),
                "days": alerts_per_day(entries, date.today()),
            }
        )

    async def _entries(self) -> list[Entry]:
        return await asyncio.get_running_loop().run_in_executor(None, self._index.update, self._bus.alerts)

    def _matching(self, entries: Iterable[Entry], search: Search) -> list[Entry]:
        seen = self._record.seen
        return [entry for entry in entries if search.matches(entry, seen)]

    def _described(self, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Returns alerts as the page shows them. A snapshot may be deleted by now, or not be on the disk yet."""
        seen, young = self._record.seen, {alert.id for alert in self._bus.alerts[-1:]}
        return [
            asdict(entry.alert)
            | {
                "local_time": local_iso(entry.moment),
                "seen": entry.alert.id in seen,
                "snapshot": entry.alert.snapshot
                and (entry.alert.id in young or (self._snapshots / f"{entry.alert.id}.jpg").exists()),
            }
            for entry in entries
        ]

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answers with all alerts that match, as CSV."""
        return await self._export(request, "csv")

    async def json(self, request: web.Request) -> web.StreamResponse:
        """Answers with all alerts that match, as JSON."""
        return await self._export(request, "json")

    async def _export(self, request: web.Request, ending: str) -> web.StreamResponse:
        try:
            search = Search.parse(request.query)
        except ValueError as error:
            return error_response(400, str(error))
        entries, seen = self._matching(await self._entries(), search), self._record.seen
        first, last = _dates(entries, search)
        name = file_name(self._device, "alerts", first, last, ending)
        rows = (exported(entry, seen) for entry in entries)
        lines = csv_lines(rows, COLUMNS) if ending == "csv" else json_lines({"device": self._device}, "alerts", rows)
        return await download(request, name, lines)

    async def mark(self, request: web.Request) -> web.Response:
        """Marks alerts as seen or not seen: those whose ids are sent, or all that match the query."""
        try:
            ids, seen = _marks(await read_json(request))
            search = Search.parse(request.query)
        except ValueError as error:
            return error_response(400, str(error))
        entries = await self._entries()
        known = [e.alert.id for e in (self._matching(entries, search) if ids is None else entries)]
        marked = known if ids is None else [id for id in known if id in ids]
        if ids and not marked:
            return error_response(404, "none of these alerts is kept any more")
        self._record.mark(marked, seen)
        self._bus.tell(SeenMarks(marked if len(marked) <= MOST_TOLD else None, seen))
        return web.json_response({"marked": len(marked), "seen": seen})


def _marks(data: Any) -> tuple[frozenset[str] | None, bool]:
    """Reads a request's ids (None: all that match) and mark. Raises ``ValueError``."""
    ids = data.get("ids") if isinstance(data, dict) else None
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("seen"), bool)
        or (ids is None) == (data.get("all") is not True)
    ):
        raise ValueError("send {'ids': [...], 'seen': true}, or {'all': true, 'seen': true} for all that match")
    if ids is None:
        return None, data["seen"]
    if not isinstance(ids, list) or len(ids) > MOST_MARKS or not all(isinstance(id, str) for id in ids):
        raise ValueError(f"ids is not a list of at most {MOST_MARKS} ids")
    return frozenset(ids), data["seen"]


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(PAGE_SIZE))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
        raise ValueError(f"limit '{text[:40]}' is not a whole number from 1 to {LARGEST_PAGE}")
    return int(text)


def _mark_of(entry: Entry) -> str:
    """Returns a text that names the place after this alert, also when the alert is no longer kept."""
    return f"{entry.moment!r}_{entry.alert.id}"


def _cursor(request: web.Request) -> tuple[float, str] | None:
    text = request.query.get("before", "")
    if not text:
        return None
    moment, _, id = text.partition("_")
    try:
        if math.isfinite(float(moment)):
            return float(moment), id
    except ValueError:
        pass
    raise ValueError("before is not the value of next in an earlier answer")


def _dates(entries: Sequence[Entry], search: Search) -> Iterator[str]:
    """Gives the first and the last local day of an export, for the name of its file."""
    ends = (search.start, search.end - 1)
    found = (entries[-1].moment, entries[0].moment) if entries else (datetime.now().timestamp(),) * 2
    for asked, moment in zip(ends, found, strict=True):
        yield date.fromtimestamp(asked if math.isfinite(asked) else moment).isoformat()


def alerts_per_day(entries: Iterable[Entry], today: date) -> list[dict[str, Any]]:
    """Counts the alerts on each of the last ``CHART_DAYS`` local days, the oldest day first."""
    days = [today - timedelta(days=age) for age in reversed(range(CHART_DAYS))]
    first = datetime(days[0].year, days[0].month, days[0].day).timestamp()
    counts = Counter(date.fromtimestamp(entry.moment) for entry in entries if entry.moment >= first)
    return [{"day": day.isoformat(), "alerts": counts[day]} for day in days]
