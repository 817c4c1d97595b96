"""The figures of a measurement, for people: tables of text."""

from collections.abc import Iterable
from typing import Any

from .stopwatch import PERCENTILES

Figures = dict[str, Any]


def clip_table(found: Figures) -> str:
    """One clip: a line a stage, then the sums, then the rivals."""
    width, height = found["size"]
    searched = found["searched"] / max(1, found["pictures"])
    lines = [
        f"{found['source']}: {found['pictures']} pictures of {width}x{height}, {searched:.0%} of them searched, "
        f"{found['alerts']} alerts",
        f"  {'stage':10}{'ms a picture':>14}{'CPU ms':>9}{'ran':>7}" + "".join(f"{f'p{p} ms':>9}" for p in PERCENTILES),
    ]
    for name, stage in found["stages"].items():
        lines.append(
            f"  {name:10}{stage['ms_a_picture']:14.3f}{stage['cpu_ms_a_picture']:9.3f}{stage['ran']:7}" + _shares(stage)
        )
    process = found.get("process_cpu_ms_a_picture")
    lines.append(
        f"  {'all':10}{'':14}{found['with_capture_cpu_ms_a_picture']:9.3f}   ("
        + (f"{process:.3f} with OpenCV's and TFLite's own threads; " if process else "")
        + f"{found['cpu_ms_a_picture']:.3f} without capture; {found['pictures_a_second']:.0f} pictures a second)"
    )
    if found["first_sight_to_alert_s"]:
        lines.append(
            "  first sight to alert: "
            + ", ".join(f"{seconds:.2f}" for seconds in found["first_sight_to_alert_s"])
            + " s"
        )
    for name, rival in found.get("rivals", {}).items():
        alerts = "" if rival["alerts"] is None else f", {rival['alerts']} alerts"
        lines.append(
            f"  {name}: {rival['cpu_ms_a_picture']:.1f} CPU ms a picture, {rival['ratio']:.1f} times as much{alerts}"
        )
    return "\n".join(lines)


def _shares(stage: Figures) -> str:
    return "".join(f"{stage[f'p{share}_ms']:9.3f}" for share in PERCENTILES)


def service_line(found: Figures) -> str:
    return (
        f"as a process: first picture after {found['ready_s']:.2f} s, at most {found['peak_rss_mb']:.0f} MB, "
        f"{found['cpu_s']:.1f} s of processor time"
    )


def delivery_line(found: Figures) -> str:
    return (
        f"decision to subscriber over {found['broker']}, {found['alerts']} alerts: "
        f"p50 {found['p50_ms']:.1f}, p95 {found['p95_ms']:.1f}, p99 {found['p99_ms']:.1f} ms"
    )


def fleet_lines(found: Figures) -> str:
    return (
        f"{found['doors']} doors on one {found['broker']} for {found['seconds']:.0f} s, "
        f"{found['messages_a_second']:.0f} messages a second: "
        f"{found['alerts']} alerts, {found['lost']} lost, decision to subscriber p50 {found['p50_ms']:.1f}, "
        f"p99 {found['p99_ms']:.1f} ms; the broker takes {found['broker_cores']:.1%} of a core "
        f"and {found['broker_rss_mb']:.0f} MB"
    )


def scale_table(found: Figures) -> str:
    """Cost by faces, resolution and pictures a second."""
    lines = [f"{'':14}{'CPU ms a picture':>17}{'CPU ms a second':>17}{'searched':>10}"]
    for group, rows in found.items():
        lines.append(group)
        lines += [
            f"  {name:12}{row['cpu_ms_a_picture']:17.2f}{row['cpu_ms_a_second']:17.1f}{row['searched']:10.0%}"
            for name, row in rows.items()
        ]
    return "\n".join(lines)


def stage_table(stage: str, found: Figures, profile: Iterable[str]) -> str:
    return "\n".join([f"{stage}: called {found['ran']} times," + _shares(found) + " ms (p50, p95, p99)", *profile])
