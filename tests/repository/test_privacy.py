"""The privacy papers say what the code does: every number and default in them is compared with the code."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from support import ROOT

from edge.config.schema import BlurredPart, Config, options
from edge.faces.face import LABELS, Face
from edge.monitor.state import StateFiles
from edge.mqtt.day_counts import KEPT_DAYS, SLOT_COLUMNS
from edge.mqtt.messages import AlertMessage
from edge.outbox.sql import DEAD_LETTERS_KEPT, HISTORY_KEPT
from edge.phone.phone import MAX_AGE
from edge.phone.store import IDS_KEPT
from edge.record.audit import KEPT_BYTES, MOST_BYTES
from edge.record.counts import KINDS
from edge.record.sql import COUNTS, DAYS_KEPT, SEEN_KEPT
from edge.serving.sessions import DAY, DEVICE_IDLE, IDLE, LONGEST
from edge.store.spool import LARGEST
from edge.store.sql import COLUMNS
from edge.web.notice import described, notices

PRIVACY = (ROOT / "edge" / "PRIVACY.md").read_text("utf-8")
ASSESSMENT = (ROOT / "edge" / "ASSESSMENT.md").read_text("utf-8")
DEFAULTS = {f"{section}.{key}": default for section, key, default, _ in options()}
ROWS = {
    "alerts that the broker has not taken": f"the newest {DEAD_LETTERS_KEPT:,}",
    f"the newest {HISTORY_KEPT:,} alerts": f"until {HISTORY_KEPT:,} newer ones",
    'marks "seen"': f"the newest {SEEN_KEPT:,}",
    "counts per quarter of an hour": f"{DAYS_KEPT} days",
    "[the audit trail]": f"{MOST_BYTES // 10**6} MB at most, then the newest half stays",
    "who is logged in": f"{IDLE / DAY:g} days after the last use, {LONGEST / DAY:g} days at most; that a browser has "
    f"logged in, {DEVICE_IDLE / DAY:g} days",
    "texts that wait for a phone": f"a day at most; ids of {IDS_KEPT:,} alerts",
    "last state, health and counts": f"counts of a day for {KEPT_DAYS} days",
    "messages that wait for the database": f"{LARGEST // 2**30} GB at most",
    "alerts (without position": f"{Config().store.keep_days} days",
}
"""How rows of the table of what is kept begin, and what they say because of the code."""
PICTORIAL = re.compile(r"jpe?g|picture|image|thumb|embed|landmark|vector|track|box|\bx[01]\b|face", re.IGNORECASE)


def written(value: Any) -> str:
    """A default as the documents write it."""
    return "empty" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def test_every_default_that_is_named_is_the_default() -> None:
    named = re.findall(r"`([a-z]+\.[a-z_]+)` \(([^)]+)\)", PRIVACY + ASSESSMENT)
    assert len(named) > 15
    assert named == [(option, written(DEFAULTS[option])) for option, _ in named]


@pytest.mark.parametrize("begin", ROWS)
def test_every_time_and_number_in_the_table_is_that_of_the_code(begin: str) -> None:
    (row,) = [line for line in PRIVACY.splitlines() if line.startswith(f"| {begin}")]
    assert ROWS[begin] in row


def test_the_form_names_the_same_numbers() -> None:
    assert f"newest {HISTORY_KEPT:,} alerts" in ASSESSMENT and f"for {DAYS_KEPT} days" in ASSESSMENT
    assert f"maskwatch: {Config().store.keep_days} days (`store.keep_days` (" in ASSESSMENT and MAX_AGE == DAY
    assert KEPT_BYTES == MOST_BYTES // 2


def test_the_form_has_space_below_each_question() -> None:
    questions = re.split(r"^### ", ASSESSMENT, flags=re.MULTILINE)[1:]
    space = re.compile(r"\n\n(Answer|What we do, and what remains|How):\n\n<br><br>\n")
    assert len(questions) > 30 and [text for text in questions if len(space.findall(text)) != 1] == []
    assert "|" not in ASSESSMENT, "rows of a table are hard to fill in"


def test_every_file_of_the_state_folder_is_named() -> None:
    files = StateFiles(Path("state"))
    names = {value.name for name, value in ((n, getattr(files, n)) for n in dir(StateFiles)) if isinstance(value, Path)}
    unsaid = {"state", "lock", "control", "configuration"}  # the folder itself, and files that tell of nobody
    table = PRIVACY.partition("## What is kept")[2]
    assert len(names) > 8
    assert {name for name in names - unsaid if f"`{name}" not in table} == set()


def test_by_default_no_image_is_stored_sent_or_shown() -> None:
    config = Config()
    assert config.snapshots.mode == "off" and not config.web.enabled and config.outputs == ()
    assert config.mqtt.host == "" and config.web.host == "127.0.0.1" and config.privacy.blur == get_args(BlurredPart)[0]


def test_the_classes_are_those_that_the_page_names() -> None:
    card = json.loads((ROOT / "models" / "mask.json").read_text("utf-8"))
    assert set(card["labels"]) == set(LABELS) == {"mask", "no_mask", "incorrect_mask", "not_face"}
    assert f"{card['input']['size']} pixels wide and high" in PRIVACY
    assert [field.name for field in fields(Face)] == ["box", "probabilities"], "nothing else is kept of a face"


def test_nothing_that_shows_or_follows_somebody_has_a_column() -> None:
    columns = {name for table in COLUMNS.values() for name in table} | COUNTS.keys() | set(KINDS) | set(SLOT_COLUMNS)
    # an alert in the store says whether there was a snapshot, and has nothing of it
    assert {name for name in columns if PICTORIAL.search(name)} == set()
    assert {f.name for f in fields(AlertMessage)} - columns == {"device", "time", "track", "box", "frame_size"}


def test_the_notice_in_the_document_is_that_of_a_door_with_the_defaults() -> None:
    quoted = " ".join(line.removeprefix(">").strip() for line in PRIVACY.splitlines() if line.startswith(">"))
    said = described(Config())
    assert f"**{said['title']}**" in quoted
    assert all(sentence in " ".join(quoted.split()) for sentence in [*said["sentences"], said["rights"]])
    assert all(label in quoted for label in said["labels"].values())


def test_the_languages_of_the_notice_are_named() -> None:
    names = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "zh": "Chinese"}
    assert names.keys() == notices().keys() and all(name in PRIVACY for name in names.values())
