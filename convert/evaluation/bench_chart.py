"""Draws the figures of ``maskwatch bench --scale``: CPU time against faces, resolution and pictures per second."""

import json
from pathlib import Path
from typing import Any

from edge.addresses import printable
from edge.paths import read_text

from ..errors import DataError

TITLES = {"faces": "faces in the picture", "resolution": "resolution", "fps": "pictures per second"}
UNITS = {"faces": "cpu_ms_a_picture", "resolution": "cpu_ms_a_picture", "fps": "cpu_ms_a_second"}
AXIS_LABELS = {"cpu_ms_a_picture": "CPU time, ms per picture", "cpu_ms_a_second": "CPU time, ms per second"}


def read_scale(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Reads the figures by group and value. Raises ``DataError`` if the file cannot be read or has no such figures."""
    try:
        scale: dict[str, Any] = json.loads(read_text(path))["scale"]
        return {group: {name: dict(row) for name, row in scale[group].items()} for group in TITLES}
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} has no figures of bench ({error!r}); write it with `maskwatch bench --scale --out FILE.json`"
        ) from error


def draw_scale(figures: Path, out: Path) -> None:
    """Draws three panels in one picture. Raises ``DataError`` if a file cannot be read or written."""
    from matplotlib.figure import Figure

    groups = read_scale(figures)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, (group, rows) in zip(figure.subplots(1, len(groups)), groups.items(), strict=True):
        unit = UNITS[group]
        bars = axes.bar(list(rows), [row[unit] for row in rows.values()], color="#3465a4")
        axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        axes.set_title(TITLES[group], fontsize=10)
        axes.set_ylabel(AXIS_LABELS[unit], fontsize=8)
        axes.tick_params(labelsize=8)
        axes.margins(y=0.15)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    try:
        figure.savefig(out, dpi=120)
    except (OSError, ValueError) as error:
        raise DataError(f"{out} cannot be written: {error}") from error
