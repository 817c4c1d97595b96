"""Draws the charts of a model card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .card_blocks import Figures, scene_figures

TITLES = {
    "scenes.png": "bare faces of 40 pixels and more called bare, one picture",
    "leave-one-out.png": "mask or not, on a source never trained on",
}
"""Title of each chart, by its file name."""
Rows = list[tuple[str, dict[str, Any]]]
"""Name and share of each point."""


def write_charts(figures: Figures, folder: Path) -> list[Path]:
    """Draws a chart of the scenes and one of the sources left out, if there are figures, and returns the paths."""
    scenes: Rows = [
        (f"{one.model}, {one.detector}\n{one.condition}", one.figures["bare_called_bare"])
        for one in scene_figures(figures)
    ]
    left_out = figures.get("leave-one-out", {}).get("sources", {})
    sources: Rows = [(source, row["binary"]) for source, row in left_out.items()]
    charts = {"scenes.png": scenes, "leave-one-out.png": sources}
    return [_points(rows, TITLES[name], folder / name) for name, rows in charts.items() if rows]


def _points(rows: Sequence[tuple[str, dict[str, Any]]], title: str, path: Path) -> Path:
    """Draws shares as points with intervals. Bars would mislead, because the scale does not begin at 0."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.8 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    shares = [share for _, share in rows]
    values = [share["value"] for share in shares]
    below = [max(0.0, share["value"] - share["interval"][0]) for share in shares]
    above = [max(0.0, share["interval"][1] - share["value"]) for share in shares]
    axes.errorbar(values, range(len(rows)), xerr=[below, above], fmt="o", color="#4878a8", ecolor="#222222", capsize=3)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(right=1.0)
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(f"{title} (95 % intervals)", fontsize=9)
    figure.savefig(path, dpi=110)
    return path
