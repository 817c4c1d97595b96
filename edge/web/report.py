"""Answers with the counts of a range of days, for the page ``/report`` and as a file."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar, get_args

from aiohttp import web

from ..config.report import ReportConfig
from ..config.shifts import DAY, read_shifts
from ..record.checksums import TRAIL, Checksums, read_checksums
from ..record.export import csv_lines, file_name, json_lines
from ..record.html import html_page
from ..record.period import COLUMNS, Period
from ..record.recorder import Recorder
from ..record.report import BIAS, NO_SHIFTS, By, Report, check_range
from ..record.sql import DAYS_KEPT
from ..record.times import parse_date
from ..serving.answers import error_response
from ..serving.download import download
from .assets import html_handler, language_of
from .languages import languages

MOST_OUTAGES = 100
T = TypeVar("T")


class Reports:
    """Answers ``/api/report`` and its exports. Runs in the page's thread, and reads the counts in the executor."""

    def __init__(self, record: Recorder, device: str, options: ReportConfig) -> None:
        self._record = record
        self._device = device
        self._shifts = read_shifts(options)

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of the reports."""
        return (
            web.get("/report", html_handler("report.html")),
            web.get("/api/report", self.show),
            web.get("/api/report.csv", self.csv),
            web.get("/api/report.json", self.json),
            web.get("/api/report.html", self.html),
        )

    async def show(self, request: web.Request) -> web.Response:
        """Answers with sums from the day ``from`` to the day ``to``; by hour for one day, else by day."""
        try:
            first, last = _days(request.query)
        except ValueError as error:
            return error_response(400, str(error))
        report = await self._read(first, last)
        return web.json_response(await _in_executor(partial(self._described, report)))

    async def _read(self, first: date, last: date) -> Report:
        return await _in_executor(partial(Report, first, last, self._record.read, shifts=self._shifts))

    def _checksums(self, report: Report) -> Checksums:
        record = self._record.path
        return read_checksums(record and record.with_name(TRAIL), report.first, report.last)

    def _described(self, report: Report) -> dict[str, Any]:
        one_day = report.first == report.last
        outages, checksums = report.outages(), self._checksums(report)
        return {
            "device": self._device,
            "from": report.first.isoformat(),
            "to": report.last.isoformat(),
            "today": date.today().isoformat(),
            "detectors": [f"{detector}, {model}" for detector, model in report.detectors],
            "biased": report.is_biased,
            "total": _row(report.total),
            "hours": [_row(period) for period in report.by("hour")] if one_day else [],
            "days": [_row(period) for period in report.by("day")],
            "hours_of_day": [_row(period) for period in report.by("hour_of_day")],
            "shifts": [_row(period) for period in report.by("shift")] if self._shifts else [],
            "weekdays": [_row(period) for period in report.by("weekday")],
            "shift_passes_midnight": any(shift.end > DAY for shift in self._shifts),
            "checksums": checksums.days,
            "configs": checksums.configs,
            "outages": outages[-MOST_OUTAGES:],
            "more_outages": max(0, len(outages) - MOST_OUTAGES),
        }

    async def csv(self, request: web.Request) -> web.StreamResponse:
        """Answers with the counts as CSV, one line per hour or what ``by`` asks for."""
        return await self._export(request, "csv")

    async def json(self, request: web.Request) -> web.StreamResponse:
        """Answers with the counts as JSON."""
        return await self._export(request, "json")

    async def html(self, request: web.Request) -> web.StreamResponse:
        """Answers with a file that prints on one A4 page, in the visitor's language."""
        try:
            first, last = _days(request.query)
        except ValueError as error:
            return error_response(400, str(error))
        language = language_of(request)
        report = await self._read(first, last)
        page = await _in_executor(partial(self._page, report, language))
        name = file_name(self._device, "report", first.isoformat(), last.isoformat(), "html")
        return await download(request, name, page)

    def _page(self, report: Report, language: str) -> list[str]:
        return list(html_page(report, self._checksums(report), self._device, language, languages()[language]))

    async def _export(self, request: web.Request, ending: str) -> web.StreamResponse:
        try:
            first, last = _days(request.query)
            by = _unit(request.query)
            if by == "shift" and not self._shifts:
                raise ValueError(NO_SHIFTS)
        except ValueError as error:
            return error_response(400, str(error))
        report = await self._read(first, last)
        rows = ({by: period.label, **period.row()} for period in report.by(by))
        start, end, note = first.isoformat(), last.isoformat(), BIAS if report.is_biased else None
        head = {"device": self._device, "from": start, "to": end, "note": note}
        lines = csv_lines(rows, [by, *COLUMNS]) if ending == "csv" else json_lines(head, "rows", rows)
        return await download(request, file_name(self._device, "counts", start, end, ending), lines)


async def _in_executor(function: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, function)


def _row(period: Period) -> dict[str, Any]:
    return {"label": period.label, "unknown": period.is_unknown, **period.row()}


def _unit(query: Mapping[str, str]) -> By:
    for unit in get_args(By):
        if query.get("by", "hour") == unit:
            return unit  # type: ignore[no-any-return]
    raise ValueError(f"by '{query['by'][:40]}' is not one of {', '.join(get_args(By))}")


def _days(query: Mapping[str, str]) -> tuple[date, date]:
    """Reads ``from`` and ``to``, or ``days`` up to today; without them, today. Raises ``ValueError``."""
    last = parse_date("to", query["to"]) if query.get("to") else date.today()
    days = query.get("days", "1")
    if days not in map(str, range(1, DAYS_KEPT + 1)):
        raise ValueError(f"days '{days[:40]}' is not a whole number from 1 to {DAYS_KEPT}")
    first = parse_date("from", query["from"]) if query.get("from") else last - timedelta(days=int(days) - 1)
    if first > last:
        raise ValueError("to is before from: exchange the two")
    check_range(first, last)
    return first, last
