"""Declares the options of reports."""

from dataclasses import dataclass

from .option import option


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """Options of reports (``maskwatch report``, and the page ``/report``)."""

    shifts: tuple[str, ...] = option(
        (),
        "shifts by which a report may sum up, in local time and in quarters of an hour, for example "
        '["early 06:00-14:00", "late 14:00-22:00", "night 22:00-06:00"]; a shift that passes midnight belongs to the '
        "day on which it begins",
        plain=True,
    )
