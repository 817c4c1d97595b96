"""Writes the tables and charts of a model card from the figures that other commands wrote. No number is typed by hand.

A page holds blocks between ``<!-- NAME -->`` and ``<!-- /NAME -->``. ``renew`` replaces the blocks and keeps the text
around them.
"""

import json
import re
from pathlib import Path

from edge.files import replacing
from edge.paths import read_text

from ..errors import DataError
from .card_blocks import BLOCKS, Figures
from .card_charts import write_charts


def renew(folder: Path, page: Path) -> list[Path]:
    """Writes the blocks of ``page`` and the charts beside it, and returns the written paths.

    ``folder`` holds the figures. Raises ``DataError`` if the page or a figure is missing or damaged.
    """
    figures = read_figures(folder)
    try:
        text = read_text(page)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"{page} cannot be read ({reason}); name a page with <!-- scenes --> blocks") from error
    names = re.findall(r"<!-- ([a-z-]+) -->", text)
    unknown = sorted(set(names) - set(BLOCKS))
    if unknown or not names:
        fault = f"has unknown blocks ({', '.join(unknown)})" if unknown else "has no blocks"
        raise DataError(f"{page} {fault}; blocks may be {', '.join(BLOCKS)}")
    for name in names:
        try:
            block = BLOCKS[name](figures)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"{folder} lacks figures for the block {name} of {page} ({error!r})") from error
        text = _replace_block(text, name, block, page)
    with replacing(page) as new:
        new.write_text(text, "utf-8")
    return [page, *write_charts(figures, page.parent)]


def _replace_block(text: str, name: str, block: str, page: Path) -> str:
    before, _, rest = text.partition(f"<!-- {name} -->")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not closing:
        raise DataError(f"{page}: the block <!-- {name} --> has no end; write <!-- /{name} --> after it")
    return f"{before}<!-- {name} -->\n{block}\n{closing}{after}"


def read_figures(folder: Path) -> Figures:
    """Reads every .json file of a folder. Raises ``DataError`` if one is damaged, or if there is none."""
    figures: Figures = {}
    for path in sorted(folder.glob("*.json")):
        try:
            figures[path.stem] = json.loads(read_text(path))
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}; write it again") from error
    if not figures:
        raise DataError(f"{folder} has no figures; evaluate-scenes, evaluate-clips and others write them with --out")
    return figures
