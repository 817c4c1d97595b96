"""Makes the tables of a model card, as Markdown."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..data.drawings import LABEL_OF_DRAWING
from .metrics import macro_f1
from .scene_report import FACE_LABELS

Figures = dict[str, dict[str, Any]]
"""Contents of the figures' files by file name without ``.json``."""
SHARES = (
    ("bare found", "bare_found", 3),
    ("bare called bare", "bare_called_bare", 3),
    ("masked found", "masked_found", 3),
    ("masked called bare", "masked_called_bare", 4),
    ("incorrect called bare", "incorrect_called_bare", 3),
    ("incorrect called incorrect", "incorrect_called_incorrect", 3),
    ("false bare faces a picture", "false_bare_a_picture", 4),
)
"""Columns of the table of scenes: heading, key of the figure, digits."""
SETUP = "model, detector, condition"
F1_COLUMNS = ("F1 mask", "F1 no_mask", "F1 incorrect")


class SceneFigures(NamedTuple):
    """The figures of one evaluation of scenes under one condition."""

    model: str
    detector: str
    condition: str
    figures: dict[str, Any]

    @property
    def title(self) -> str:
        return f"{self.model}, {self.detector}, {self.condition}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def model_name(content: dict[str, Any]) -> str:
    """Returns the name of the model in a figures' file, without its digest."""
    return str(content["model"]).split("@")[0]


def scene_figures(figures: Figures, drawn: bool = False) -> list[SceneFigures]:
    """Returns all evaluations of scenes, without drawings on bare faces or, with ``drawn``, only those."""
    files = [
        content
        for name, content in figures.items()
        if (bool(content.get("drawing")) if drawn else name.startswith("scenes") and not content.get("drawing"))
    ]
    return [
        SceneFigures(model_name(content), content["detector"], condition, row | {"drawing": content.get("drawing")})
        for content in files
        for condition, row in content["conditions"].items()
    ]


def _share(share: dict[str, Any], digits: int = 3) -> str:
    low, high = share["interval"]
    return f"{share['value']:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _f1_cells(f1: dict[str, float]) -> list[str]:
    return [f"{f1[label]:.3f}" if label in f1 else "-" for label in FACE_LABELS]


def scenes(figures: Figures) -> str:
    """Shares of detected and correctly labelled faces."""
    rows = [
        [one.title, *(_share(one.figures[key], digits) for _, key, digits in SHARES), f"{one.figures['detect_ms']:.0f}"]
        for one in scene_figures(figures)
    ]
    return markdown_table([SETUP, *(heading for heading, _, _ in SHARES), "ms"], rows)


def on_faces(figures: Figures) -> str:
    """Answers on the detected faces, by source."""
    rows = []
    for one in scene_figures(figures):
        for source, binary in one.figures["binary"].items():
            f1 = one.figures["f1"][source]
            rows.append([one.title, source, _share(binary), *_f1_cells(f1), f"{macro_f1(f1):.3f}"])
    return markdown_table([SETUP, "source", "bare or not", *F1_COLUMNS, "macro F1"], rows)


def no_faces(figures: Figures) -> str:
    """What the reject class does, and the calibration of the scores."""
    rows = [
        [
            one.title,
            f"{one.figures['false_a_picture']['value']:.3f}",
            _share(one.figures["false_rejected"]),
            _share(one.figures["true_rejected"], 4),
            f"{one.figures['calibration_error']:.3f}",
        ]
        for one in scene_figures(figures)
    ]
    return markdown_table([SETUP, "no face, a picture", "of them rejected", "true faces rejected", "calibration"], rows)


def drawings(figures: Figures) -> str:
    """Answers on bare faces after something was drawn on them."""
    rows = []
    for one in scene_figures(figures, drawn=True):
        drawing = one.figures["drawing"]
        called = one.figures["called"][LABEL_OF_DRAWING[drawing]]
        shares = [_share(called[verdict]) for verdict in (*FACE_LABELS, "not_face")]
        rows.append([drawing, one.title, str(called["mask"]["of"]), *shares])
    return markdown_table(
        ["drawn", SETUP, "faces", "called mask", "called no_mask", "called incorrect_mask", "rejected"], rows
    )


def lights(figures: Figures) -> str:
    """Answers by the luma of the face."""
    rows = [
        [one.title, *(f"{band['value']:.3f} (to {band['to']:.0f})" for band in one.figures["by_luma"])]
        for one in scene_figures(figures)
    ]
    return markdown_table([SETUP, "darkest quarter", "second", "third", "brightest quarter"], rows)


def clips(figures: Figures) -> str:
    """Right, missed and false alerts by condition."""
    rows = []
    for content in _clip_files(figures):
        for condition in dict.fromkeys(outcome["how"] for outcome in content["outcomes"]):
            outcomes = [outcome for outcome in content["outcomes"] if outcome["how"] == condition]
            sums = [str(sum(outcome[key] for outcome in outcomes)) for key in ("right", "missed", "false")]
            delays = [delay for outcome in outcomes for delay in outcome["delays"]]
            rows.append([_setup(content), condition, *sums, f"{max(delays):.2f}" if delays else "-"])
    return markdown_table(["model, detector", "condition", "right", "missed", "false", "longest delay, s"], rows)


def _clip_files(figures: Figures) -> list[dict[str, Any]]:
    return [content for name, content in figures.items() if name.startswith("clips")]


def _setup(content: dict[str, Any]) -> str:
    return f"{model_name(content)}, {content['detector']}"


def threshold(figures: Figures) -> str:
    """Cost of each threshold, per file of clips and over all of them."""
    swept = [content for content in _clip_files(figures) if "thresholds" in content]
    costs: dict[float, list[float]] = {}
    for content in swept:
        for trial in content["thresholds"]:
            costs.setdefault(trial["threshold"], []).append(trial["cost"])
    rows = [[f"{value:.2f}", *(f"{cost:.1f}" for cost in row), f"{sum(row):.1f}"] for value, row in costs.items()]
    return markdown_table(["threshold", *map(_setup, swept), "all"], rows)


def leave_one_out(figures: Figures) -> str:
    """Accuracy on each source by a model that was not trained on it."""
    rows = [
        [
            source,
            str(row["faces"]),
            _share(row["binary"]),
            *_f1_cells(row["f1"]),
            _share(row["rejected"]),
            f"{row['calibration_error']:.3f}",
        ]
        for source, row in figures["leave-one-out"]["sources"].items()
    ]
    return markdown_table(["left out", "faces", "bare or not", *F1_COLUMNS, "rejected", "calibration"], rows)


def search(figures: Figures) -> str:
    """Cost of each network shape, and its accuracy on the sources held out."""
    shapes = figures["search"]["sources"]
    first = next(iter(shapes.values()))
    sources = list(first["held_out"])
    rows = [
        [
            name,
            f"{row['bytes'] / 1000:.0f}",
            f"{row['multiply_adds'] / 1e6:.1f}",
            f"{row['milliseconds']:.2f}",
            f"{row['milliseconds'] / first['milliseconds']:.2f}",
            *(_share(row["held_out"][source]["binary"]) for source in sources),
        ]
        for name, row in shapes.items()
    ]
    return markdown_table(["network", "kB", "multiply-adds, M", "ms", "times the first", *sources], rows)


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
"""Function that makes each block, by the block's name."""
