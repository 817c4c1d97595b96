"""Formats the figures of a measurement as tables of text."""

from collections.abc import Iterable
from typing import Any

from ..monitor.stats import counted
from .stopwatch import PERCENTILES

Figures = dict[str, Any]


def clip_table(figures: Figures) -> str:
    """Formats one clip: a row per stage, the sums, and a row per rival."""
    width, height = figures["size"]
    searched = figures["searched"] / max(1, figures["pictures"])
    lines = [
        f"{figures['source']}: {figures['pictures']} frames of {width}x{height}, {searched:.0%} of them searched, "
        f"{counted(figures['alerts'], 'alert')}",
        f"  {'stage':10}{'ms per frame':>14}{'CPU ms':>9}{'ran':>7}" + "".join(f"{f'p{p} ms':>9}" for p in PERCENTILES),
    ]
    for name, stage in figures["stages"].items():
        times = f"{stage['ms_a_picture']:14.3f}{stage['cpu_ms_a_picture']:9.3f}{stage['ran']:7}"
        lines.append(f"  {name:10}{times}" + _percentile_columns(stage))
    lines.append(_sums(figures))
    if figures["first_sight_to_alert_s"]:
        seconds = ", ".join(f"{seconds:.2f}" for seconds in figures["first_sight_to_alert_s"])
        lines.append(f"  first detection to alert: {seconds} s")
    for name, rival in figures.get("rivals", {}).items():
        alerts = "" if rival["alerts"] is None else f", {counted(rival['alerts'], 'alert')}"
        lines.append(
            f"  {name}: {rival['cpu_ms_a_picture']:.1f} CPU ms per frame, {rival['ratio']:.1f} times as much{alerts}"
        )
    return "\n".join(lines)


def _sums(figures: Figures) -> str:
    process = figures.get("process_cpu_ms_a_picture")
    return (
        f"  {'all':10}{'':14}{figures['with_capture_cpu_ms_a_picture']:9.3f}   ("
        + (f"{process:.3f} with the threads of OpenCV and TFLite; " if process else "")
        + f"{figures['cpu_ms_a_picture']:.3f} without capture; {figures['pictures_a_second']:.0f} frames per second)"
    )


def _percentile_columns(figures: Figures) -> str:
    return "".join(f"{figures[f'p{share}_ms']:9.3f}" for share in PERCENTILES)


def service_line(figures: Figures) -> str:
    """Formats the figures of ``measure_service``."""
    return (
        f"as a process: first frame after {figures['ready_s']:.2f} s, at most {figures['peak_rss_mb']:.0f} MB, "
        f"{figures['cpu_s']:.1f} s of processor time"
    )


def page_line(figures: Figures | None) -> str:
    """Formats the figures of ``measure_page``."""
    if figures is None:
        return "page under load: not measured, because the extra web is missing"
    alone, load = figures["alone"], figures["load"]
    return (
        f"page under load: {figures['viewers']} viewers, {counted(figures['checks'], 'check')} of 12 million pixels, "
        f"two at once, {figures['check_s']:.1f} s each: at most {load['peak_mb']:.0f} MB instead of "
        f"{alone['peak_mb']:.0f} MB; {_dropped(load)} instead of {_dropped(alone)} dropped"
    )


def _dropped(phase: Figures) -> str:
    return f"{phase['dropped']} of {phase['frames'] + phase['dropped']}"


def delivery_line(figures: Figures) -> str:
    """Formats the figures of ``measure_delivery``."""
    return (
        f"decision to subscriber over {figures['broker']}, {counted(figures['alerts'], 'alert')}: "
        f"p50 {figures['p50_ms']:.1f}, p95 {figures['p95_ms']:.1f}, p99 {figures['p99_ms']:.1f} ms"
    )


def outputs_line(figures: Figures) -> str:
    """Formats the figures of ``measure_outputs``."""
    lamp, webhook = figures["lamp"], figures["webhook"]
    return (
        f"decision to output, {counted(figures['changes'], 'change')}: lamp ({figures['pins']}) "
        f"p50 {lamp['p50_ms']:.1f}, p99 {lamp['p99_ms']:.1f} ms; "
        f"webhook on loopback p50 {webhook['p50_ms']:.1f}, p99 {webhook['p99_ms']:.1f} ms"
    )


def fleet_line(figures: Figures) -> str:
    """Formats the figures of ``measure_fleet``."""
    return (
        f"{figures['doors']} doors on one {figures['broker']} for {figures['seconds']:.0f} s, "
        f"{figures['messages_a_second']:.0f} messages per second: "
        f"{counted(figures['alerts'], 'alert')}, {figures['lost']} lost, "
        f"decision to subscriber p50 {figures['p50_ms']:.1f}, p99 {figures['p99_ms']:.1f} ms; "
        f"the broker uses {figures['broker_cores']:.1%} of a core "
        f"and {figures['broker_rss_mb']:.0f} MB"
    )


def scale_table(figures: Figures) -> str:
    """Formats the cost by number of faces, resolution and frames per second."""
    lines = [f"{'':14}{'CPU ms per frame':>17}{'CPU ms per second':>18}{'searched':>10}"]
    for group, rows in figures.items():
        lines.append(group)
        lines += [
            f"  {name:12}{row['cpu_ms_a_picture']:17.2f}{row['cpu_ms_a_second']:18.1f}{row['searched']:10.0%}"
            for name, row in rows.items()
        ]
    return "\n".join(lines)


def stage_table(stage: str, figures: Figures, profile: Iterable[str]) -> str:
    """Formats the figures of ``profile_stage``, and the lines of its profile."""
    percentiles = _percentile_columns(figures)
    return "\n".join([f"{stage}: called {figures['ran']} times,{percentiles} ms (p50, p95, p99)", *profile])
