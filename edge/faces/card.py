"""Reads model cards: ``NAME.json`` beside ``NAME.tflite``, written by ``maskwatch-convert quantize``."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..addresses import printable
from ..errors import ModelError
from ..paths import check_file, read_bytes
from .face import LABELS

COLOURS = ("rgb", "bgr", "luma")
"""Colour orders of a model's input; ``luma`` is the grey image in all three channels."""
EXPOSURES = ("camera", "face")
"""Exposures of a model's input: pixels as the camera gives them, or each crop stretched for its face."""

MAX_BYTES = 2**22
"""Largest card."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the device must know of a model. ``size`` is the side of its square input in pixels."""

    name: str
    labels: tuple[str, ...]
    size: int
    colour: str
    sha256: str
    exposure: str = "camera"

    @property
    def id(self) -> str:
        """``name@`` and the first 8 digits of the SHA-256, as alerts carry it."""
        return f"{self.name}@{self.sha256[:8]}"


def read_card(model: Path) -> Card:
    """Reads the card beside a model. Raises ``ModelError`` if model or card is missing, damaged or incomplete."""
    try:
        check_file(model)
    except OSError as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise ModelError(
            f"model {printable(model)} {reason}; a model is a .tflite file with its card beside it"
        ) from error
    path = model.with_suffix(".json")
    try:
        data = json.loads(read_bytes(path, MAX_BYTES).decode("utf-8"))
        card = Card(
            name=str(data["name"]),
            labels=tuple(map(str, data["labels"])),
            size=int(data["input"]["size"]),
            colour=str(data["input"]["colour"]),
            sha256=str(data["sha256"]),
            exposure=str(data["input"].get("exposure", "camera")),
        )
    except FileNotFoundError:
        raise ModelError(
            f"no card {printable(path)}; `maskwatch-convert quantize` writes it beside the model"
        ) from None
    except OSError as error:
        raise ModelError(f"card {printable(path)} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"card {path} is damaged ({error!r}); write it again with `maskwatch-convert quantize`"
        ) from error
    distinct = set(card.labels)
    if not 2 <= len(card.labels) == len(distinct) or not distinct <= set(LABELS):
        raise ModelError(f"card {path}: labels must be 2 or more of {', '.join(LABELS)}")
    if card.colour not in COLOURS or card.exposure not in EXPOSURES:
        raise ModelError(f"card {path}: colour must be of {', '.join(COLOURS)}, exposure of {', '.join(EXPOSURES)}")
    return card
