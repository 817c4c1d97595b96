"""A chart of ``maskwatch bench --scale``: processor time against faces, resolution and pictures a second."""

import json
from pathlib import Path
from typing import Any

from ..data.trees import DataError

TITLES = {"faces": "faces in the picture", "resolution": "resolution", "fps": "pictures a second"}
UNITS = {"faces": "cpu_ms_a_picture", "resolution": "cpu_ms_a_picture", "fps": "cpu_ms_a_second"}
WORDS = {"cpu_ms_a_picture": "processor time, ms a picture", "cpu_ms_a_second": "processor time, ms a second"}


def read(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """The figures by group and value. Raises ``DataError`` for a file without them."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))["scale"]
        return {group: {name: dict(found[group][name]) for name in found[group]} for group in TITLES}
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} has no figures of `maskwatch bench --scale --out FILE.json` ({error!r})") from error


def draw(figures: Path, out: Path) -> None:
    """Three panels in one picture. Raises ``DataError``."""
    from matplotlib.figure import Figure

    groups = read(figures)
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, (group, rows) in zip(figure.subplots(1, len(groups)), groups.items(), strict=True):
        unit = UNITS[group]
        bars = axes.bar(list(rows), [row[unit] for row in rows.values()], color="#3465a4")
        axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=8)
        axes.set_title(TITLES[group], fontsize=10)
        axes.set_ylabel(WORDS[unit], fontsize=8)
        axes.tick_params(labelsize=8)
        axes.margins(y=0.15)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    try:
        figure.savefig(out, dpi=120)
    except (OSError, ValueError) as error:
        raise DataError(f"{out} cannot be written: {error}") from error
