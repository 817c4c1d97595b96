"""Answers with the counts of a range of days, for the page ``/report`` and as a file."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any, TypeVar, get_args

from aiohttp import web

from ..config.report import ReportConfig
from ..config.shifts import DAY, read_shifts
from ..errors import ConfigError, EdgeError
from ..record.export import csv_lines, file_name, json_lines
from ..record.html import html_page
from ..record.period import COLUMNS, DOOR_COLUMNS, DoorPeriod, Period
from ..record.report import NO_SHIFTS, By, Report
from ..record.words import listed
from ..serving.answers import error_response
from ..serving.download import download
from .assets import html_handler, language_of
from .languages import languages
from .report_source import Asked, ReportSource, Unit

MOST_OUTAGES = 100
T = TypeVar("T")


class Reports:
    """Answers ``/api/report`` and its exports. Runs in the page's thread, and reads the counts in the executor."""

    def __init__(self, source: ReportSource, options: ReportConfig) -> None:
        self._source = source
        self._shifts = read_shifts(options)
        self._units: Sequence[Unit] = get_args(By) if source.device else (*get_args(By), "door")

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the reports."""
        return (
            web.get("/report", html_handler("report.html")),
            web.get("/api/report", self.show),
            web.get("/api/report.csv", self.csv),
            web.get("/api/report.json", self.json),
            web.get("/api/report.html", self.html),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answers with sums from the day ``from`` to the day ``to``; by hour for one day, else by day."""

        async def send(asked: Asked, found: dict[str, Any]) -> web.StreamResponse:
            return web.json_response(found)

        return await self._answer(request, self._described, send)

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answers with the counts as CSV, one line per hour or what ``by`` asks for."""
        return await self._export(request, "counts", "csv", self._csv)

    async def json(self, request: web.Request) -> web.StreamResponse:
        """Answers with the counts as JSON."""
        return await self._export(request, "counts", "json", self._json)

    async def html(self, request: web.Request) -> web.StreamResponse:
        """Answers with a file that prints on one A4 page, in the visitor's language."""
        return await self._export(request, "report", "html", partial(self._page, language_of(request)))

    async def _export(
        self, request: web.Request, what: str, ending: str, make: Callable[[Asked], Iterable[str]]
    ) -> web.StreamResponse:
        async def send(asked: Asked, lines: Iterable[str]) -> web.StreamResponse:
            device = self._source.device or asked.door or "all-doors"
            name = file_name(device, what, asked.first.isoformat(), asked.last.isoformat(), ending)
            return await download(request, name, lines)

        return await self._answer(request, make, send)

    async def _answer(
        self,
        request: web.Request,
        make: Callable[[Asked], T],
        send: Callable[[Asked, T], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Makes what is asked for in the executor, and sends it; or says in one sentence why that is impossible."""
        try:
            asked = Asked.parse(request.query, self._units)
            if asked.by == "shift" and not self._shifts:
                raise ValueError(NO_SHIFTS)
        except ValueError as error:
            return error_response(400, str(error))
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._source.executor, make, asked)
        except ConfigError as error:
            return error_response(404, str(error))
        except EdgeError as error:
            return error_response(503, str(error))
        return await send(asked, made)

    # The rest is called in the executor.

    def _report(self, asked: Asked) -> Report:
        return self._source.report(asked.first, asked.last, asked.door, self._shifts)

    def _described(self, asked: Asked) -> dict[str, Any]:
        source, report = self._source, self._report(asked)
        outages, checksums = report.outages(), source.checksums(asked.first, asked.last)
        return {
            "device": source.device or asked.door,
            "many": not source.device,
            "names": source.names(),
            "from": report.first.isoformat(),
            "to": report.last.isoformat(),
            "today": date.today().isoformat(),
            "detectors": listed([f"{detector}, {model}" for detector, model in report.detectors]),
            "bias": _bias(report),
            "total": _row(report.total),
            "hours": [_row(period) for period in report.by("hour")] if report.first == report.last else [],
            "days": [_row(period) for period in report.by("day")],
            "hours_of_day": [_row(period) for period in report.by("hour_of_day")],
            "shifts": [_row(period) for period in report.by("shift")] if self._shifts else [],
            "weekdays": [_row(period) for period in report.by("weekday")],
            "doors": [_row(period) for period in self._doors(asked)],
            "shift_passes_midnight": any(shift.end > DAY for shift in self._shifts),
            "checksums": checksums.days,
            "configs": listed(checksums.configs),
            "outages": outages[-MOST_OUTAGES:],
            "more_outages": max(0, len(outages) - MOST_OUTAGES),
        }

    def _doors(self, asked: Asked) -> list[DoorPeriod]:
        """Returns the table by door, which the report of one door has not."""
        return [] if asked.door else self._source.by_door(asked.first, asked.last, "")

    def _page(self, language: str, asked: Asked) -> list[str]:
        texts, report = languages()[language], self._report(asked)
        checksums = self._source.checksums(asked.first, asked.last)
        device = self._source.device or asked.door or texts["overview.title"]
        return list(html_page(report, checksums, device, language, texts, self._doors(asked)))

    def _rows(self, asked: Asked, report: Report) -> Iterator[dict[str, Any]]:
        periods: Sequence[Period]
        if asked.by == "door":
            periods = self._source.by_door(asked.first, asked.last, asked.door)
        else:
            periods = report.by(asked.by)
        return ({asked.by: period.label, **period.row()} for period in periods)

    def _csv(self, asked: Asked) -> Iterator[str]:
        columns = DOOR_COLUMNS if asked.by == "door" else COLUMNS
        return csv_lines(self._rows(asked, self._report(asked)), [asked.by, *columns])

    def _json(self, asked: Asked) -> Iterator[str]:
        report = self._report(asked)
        head = {
            "device": self._source.device or asked.door or None,
            "from": asked.first.isoformat(),
            "to": asked.last.isoformat(),
            "note": report.bias.note if report.bias else None,
        }
        return json_lines(head, "rows", self._rows(asked, report))


def _bias(report: Report) -> dict[str, Any] | None:
    bias = report.bias
    return asdict(bias) | {"is_partial": bias.is_partial, "names": bias.names} if bias else None


def _row(period: Period) -> dict[str, Any]:
    return {"label": period.label, "unknown": period.is_unknown, **period.row()}
