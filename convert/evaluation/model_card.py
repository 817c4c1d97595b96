"""The model card's tables and charts, from the figures that the other commands wrote: no number is typed by hand.

A page holds blocks between ``<!-- NAME -->`` and ``<!-- /NAME -->``; ``renew`` writes each anew and leaves the text
around them alone.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.files import replacing

from ..data.drawings import LABELS as DRAWN
from ..data.trees import DataError
from .scene_report import FACES

Figures = dict[str, dict[str, Any]]
"""File name without ``.json`` -> its content."""
SHARES = (
    ("bare found", "bare_found", 3),
    ("bare called bare", "bare_called_bare", 3),
    ("masked found", "masked_found", 3),
    ("masked called bare", "masked_called_bare", 4),
    ("incorrect called bare", "incorrect_called_bare", 3),
    ("incorrect called incorrect", "incorrect_called_incorrect", 3),
    ("false bare faces a picture", "false_bare_a_picture", 4),
)
"""Columns of the table of scenes: heading, figure, digits."""


def renew(folder: Path, page: Path) -> list[Path]:
    """Writes the blocks of ``page`` and the charts beside it; returns what was written.

    Raises ``DataError`` when the page or a figure is missing or damaged.
    """
    figures = read_figures(folder)
    try:
        text = page.read_text("utf-8")
    except OSError as error:
        raise DataError(f"{page} cannot be read ({error.strerror}); name a page with <!-- scenes --> blocks") from error
    named = re.findall(r"<!-- ([a-z-]+) -->", text)
    unknown = set(named) - set(BLOCKS)
    if unknown or not named:
        raise DataError(f"{page} has no block known here, or unknown ones ({', '.join(sorted(unknown)) or 'none'})")
    for name in named:
        try:
            block = BLOCKS[name](figures)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"{folder} lacks figures for the block {name} of {page} ({error!r})") from error
        before, _, rest = text.partition(f"<!-- {name} -->")
        _, closing, after = rest.partition(f"<!-- /{name} -->")
        if not closing:
            raise DataError(f"{page}: the block <!-- {name} --> has no end; write <!-- /{name} --> after it")
        text = f"{before}<!-- {name} -->\n{block}\n{closing}{after}"
    with replacing(page) as new:
        new.write_text(text, "utf-8")
    return [page, *charts(figures, page.parent)]


def read_figures(folder: Path) -> Figures:
    """Every .json of a folder. Raises ``DataError`` for a damaged one, or when there is none."""
    figures: Figures = {}
    for path in sorted(folder.glob("*.json")):
        try:
            figures[path.stem] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}; write it again") from error
    if not figures:
        raise DataError(f"{folder} has no figures; evaluate-scenes, evaluate-clips and others write them with --out")
    return figures


def rows_of(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _entry(share: dict[str, Any], digits: int = 3) -> str:
    low, high = share["interval"]
    return f"{share['value']:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _scores(f1: dict[str, float]) -> list[str]:
    return [f"{f1[name]:.3f}" if name in f1 else "-" for name in FACES]


def _looks(figures: Figures) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(model, detector, condition, figures) of every evaluation of scenes."""
    own = [c for name, c in figures.items() if name.startswith("scenes") and not c.get("drawing")]
    return [(c["model"].split("@")[0], c["detector"], how, f) for c in own for how, f in c["conditions"].items()]


def scenes(figures: Figures) -> str:
    head = ["model, detector, condition", *(title for title, _, _ in SHARES), "ms"]
    return rows_of(
        head,
        [
            [f"{model}, {detector}, {how}", *(_entry(own[key], digits) for _, key, digits in SHARES)]
            + [f"{own['detect_ms']:.0f}"]
            for model, detector, how, own in _looks(figures)
        ],
    )


def on_faces(figures: Figures) -> str:
    """Answers on the faces that were found, by source."""
    rows = []
    for model, detector, how, own in _looks(figures):
        for source, right in own["binary"].items():
            f1 = own["f1"][source]
            macro = f"{sum(f1.values()) / max(1, len(f1)):.3f}"
            rows.append([f"{model}, {detector}, {how}", source, _entry(right), *_scores(f1), macro])
    return rows_of(["model, detector, condition", "source", "bare or not", "F1 mask", "F1 no_mask", "F1 incorrect",
                    "macro F1"], rows)  # fmt: skip


def no_faces(figures: Figures) -> str:
    """What the reject class does, and how honest the scores are."""
    return rows_of(
        ["model, detector, condition", "no face, a picture", "of them rejected", "true faces rejected", "calibration"],
        [
            [f"{model}, {detector}, {how}", f"{own['false_a_picture']['value']:.3f}", _entry(own["false_rejected"]),
             _entry(own["true_rejected"], 4), f"{own['calibration_error']:.3f}"]
            for model, detector, how, own in _looks(figures)
        ],
    )  # fmt: skip


def drawings(figures: Figures) -> str:
    """What bare faces are called once something is drawn on them."""
    rows = []
    for content in figures.values():
        if not content.get("drawing"):
            continue
        for how, own in content["conditions"].items():
            label = DRAWN[content["drawing"]]
            faces = own["called"][label]
            shares = [_entry(faces[call]) for call in (*FACES, "not_face")]
            rows.append([content["drawing"], f"{content['model'].split('@')[0]}, {content['detector']}, {how}",
                         str(faces["mask"]["of"]), *shares])  # fmt: skip
    return rows_of(["drawn", "model, detector, condition", "faces", "called mask", "called no_mask",
                    "called incorrect_mask", "rejected"], rows)  # fmt: skip


def lights(figures: Figures) -> str:
    """Answers by the brightness of the face."""
    rows = [
        [f"{model}, {detector}, {how}", *(f"{band['value']:.3f} (to {band['to']:.0f})" for band in own["by_luma"])]
        for model, detector, how, own in _looks(figures)
    ]
    return rows_of(["model, detector, condition", "darkest quarter", "second", "third", "brightest quarter"], rows)


def clips(figures: Figures) -> str:
    rows = []
    for name, content in figures.items():
        if not name.startswith("clips"):
            continue
        for how in dict.fromkeys(outcome["how"] for outcome in content["outcomes"]):
            own = [outcome for outcome in content["outcomes"] if outcome["how"] == how]
            delays = [delay for outcome in own for delay in outcome["delays"]]
            sums = [str(sum(outcome[key] for outcome in own)) for key in ("right", "missed", "false")]
            rows.append([f"{content['model'].split('@')[0]}, {content['detector']}", how, *sums,
                         f"{max(delays):.2f}" if delays else "-"])  # fmt: skip
    return rows_of(["model, detector", "condition", "right", "missed", "false", "longest delay, s"], rows)


def threshold(figures: Figures) -> str:
    """Cost of each threshold, all files of clips together."""
    swept = [content for name, content in figures.items() if name.startswith("clips") and "thresholds" in content]
    costs: dict[float, list[float]] = {}
    for content in swept:
        for trial in content["thresholds"]:
            costs.setdefault(trial["threshold"], []).append(trial["cost"])
    rows = [[f"{value:.2f}", *(f"{cost:.1f}" for cost in own), f"{sum(own):.1f}"] for value, own in costs.items()]
    return rows_of(["threshold", *(f"{c['model'].split('@')[0]}, {c['detector']}" for c in swept), "all"], rows)


def leave_one_out(figures: Figures) -> str:
    own = figures["leave-one-out"]["sources"]
    rows = []
    for source, found in own.items():
        rows.append([source, str(found["faces"]), _entry(found["binary"]), *_scores(found["f1"]),
                     _entry(found["rejected"]), f"{found['calibration_error']:.3f}"])  # fmt: skip
    return rows_of(["left out", "faces", "bare or not", "F1 mask", "F1 no_mask", "F1 incorrect", "rejected",
                    "calibration"], rows)  # fmt: skip


def search(figures: Figures) -> str:
    tried = figures["search"]["sources"]
    sources = list(next(iter(tried.values()))["held_out"])
    base = next(iter(tried.values()))["milliseconds"]
    rows = [
        [name, f"{own['bytes'] / 1000:.0f}", f"{own['multiply_adds'] / 1e6:.1f}", f"{own['milliseconds']:.2f}",
         f"{own['milliseconds'] / base:.2f}", *(_entry(own["held_out"][source]["binary"]) for source in sources)]
        for name, own in tried.items()
    ]  # fmt: skip
    return rows_of(["network", "kB", "multiply-adds, M", "ms", "times the first", *sources], rows)


BLOCKS: dict[str, Callable[[Figures], str]] = {
    "scenes": scenes,
    "on-faces": on_faces,
    "no-faces": no_faces,
    "drawings": drawings,
    "lights": lights,
    "clips": clips,
    "threshold": threshold,
    "leave-one-out": leave_one_out,
    "search": search,
}


def charts(figures: Figures, folder: Path) -> list[Path]:
    """One chart of the scenes, one of the sources left out, each where there are figures for it."""
    bars: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for model, detector, how, own in _looks(figures):
        bars.setdefault("scenes.png", []).append((f"{model}, {detector}\n{how}", own["bare_called_bare"]))
    for source, own in figures.get("leave-one-out", {}).get("sources", {}).items():
        bars.setdefault("leave-one-out.png", []).append((source, own["binary"]))
    titles = {
        "scenes.png": "bare faces of 40 pixels and more called bare, one picture",
        "leave-one-out.png": "mask or not, on a source never trained on",
    }
    return [_points(own, titles[name], folder / name) for name, own in bars.items()]


def _points(rows: Sequence[tuple[str, dict[str, Any]]], title: str, path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.8 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    values = [share["value"] for _, share in rows]
    errors = [
        [max(0.0, share["value"] - share["interval"][0]) for _, share in rows],
        [max(0.0, share["interval"][1] - share["value"]) for _, share in rows],
    ]
    # points, not bars: a scale that does not begin at 0 would make bars lie
    axes.errorbar(values, range(len(rows)), xerr=errors, fmt="o", color="#4878a8", ecolor="#222222", capsize=3)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(right=1.0)
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(f"{title} (95 % intervals)", fontsize=9)
    figure.savefig(path, dpi=110)
    return path
