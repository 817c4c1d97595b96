"""Every document of the repository: what it names exists (commands, options, targets, files, links, topics, names)."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from support import ROOT

from edge.camera.frames import Condition
from edge.config.outputs import DRIVERS
from edge.config.schema import options
from edge.listening import PAGE
from edge.mqtt.messages import AlertMessage, Health, State, Stats
from edge.mqtt.topics import Topics, output_switch

FOLDERS = ("edge", "convert", "models", "systemd", "tests")
DOCUMENTS = [ROOT / "README.md", *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
"""Every document but the list of changes, which may name what is gone."""
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in DOCUMENTS}
ALL = "\n\n".join(TEXTS.values())
FOREIGN = {"--no-install-recommends": "apt", "--list-cameras": "rpicam-hello"} | dict.fromkeys(
    ("--kiosk", "--noerrdialogs", "--no-first-run", "--incognito"), "chromium"
)
"""Options of other programs, and whose they are."""
TOPICS = {"status", "alert", "state", "health", "stats", "snapshot", "test", "enabled/set", "enabled/state"}
OUTPUT_TOPICS = {"output/NAME/set", "output/NAME/state"}
SECTIONS = "|".join(dict.fromkeys(section for section, *_ in options()))
OF_OUTPUTS = {"driver", *(part.name for kind in DRIVERS.values() for part in fields(kind) if part.name != "name")}
"""The options of the tables ``[outputs.NAME]``."""
every_document = pytest.mark.parametrize("name", TEXTS)


@cache
def helped(*command: str) -> str:
    done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stdout if done.returncode == 0 else ""


def of_module(module: str, *command: str) -> str:
    return helped(sys.executable, "-m", module, *command)


def code(text: str) -> str:
    """What stands between backticks, and the lines that are indented by four or more."""
    return "\n".join(re.findall(r"`[^`\n]+`|^ {4}.*$", text, re.MULTILINE))


def test_the_first_page_is_short_and_each_folder_that_it_leads_to_has_a_page() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8 * 1024
    folders = "camera faces outbox mqtt outputs web cli bench".split()
    pages = ["edge", *(f"edge/{folder}" for folder in folders), "convert", "models", "systemd", "tests"]
    assert {f"{folder}/README.md" for folder in pages} <= TEXTS.keys()


@pytest.mark.parametrize("module", ["edge", "convert"])
def test_every_command_named_exists(module: str) -> None:
    program = {"edge": "maskwatch", "convert": "maskwatch-convert"}[module]
    named = set(re.findall(rf"(?<![\w@-])(?<!gpasswd -d ){program} ([a-z][a-z-]*)", code(ALL)))
    assert len(named) > 5, named
    for command in named:
        assert of_module(module, command), f"`{program} {command}` is named, and does not exist"


def test_every_command_has_a_row_and_every_option_is_named() -> None:
    page = TEXTS["edge/cli/README.md"]
    for command in re.findall(r"^    ([a-z-]+)(?: |$)", of_module("edge"), re.MULTILINE):
        assert f"| `maskwatch {command}" in page and f"| `maskwatch {command}`" in TEXTS["README.md"], command
        for option in set(re.findall(r"(--[a-z-]+)", of_module("edge", command))) - {"--help"}:
            assert re.search(rf"{option}\b(?!-)", page), f"{command} {option} is not in edge/cli/README.md"


def test_every_option_of_a_command_exists_somewhere() -> None:
    known = helped(str(ROOT / "systemd" / "install.sh"))
    known += (ROOT / "tests" / "chaos" / "soak.py").read_text()
    for module in ("edge", "convert"):
        known += of_module(module)
        for command in re.findall(r"^    ([a-z-]+)(?: |$)", of_module(module), re.MULTILINE):
            known += of_module(module, command)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ALL)) - FOREIGN.keys()
    assert len(named) > 40
    assert named <= set(re.findall(r"--[a-z-]+", known)), named - set(re.findall(r"--[a-z-]+", known))


@every_document
def test_every_target_and_file_named_exists(name: str) -> None:
    text = TEXTS[name]
    targets = set(re.findall(r"^([a-z-]+\d*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^ *|sudo )make ([a-z-]+\d*)", code(text), re.MULTILINE))
    assert named <= targets, named - targets
    prose = re.sub(r"\]\([^)]*\)", "]", text)
    for path in re.findall(rf"(?<![\w/.~@+-])(?:{'|'.join(FOLDERS)})/[\w./@-]*\w", prose):
        assert "NAME" in path or (ROOT / path).exists(), f"{name} names {path}, which is not there"


def test_the_first_page_names_both_commands() -> None:
    assert {"run", "test"} <= set(re.findall(r"^    make ([a-z-]+)", TEXTS["README.md"], re.MULTILINE))


def anchors(text: str) -> set[str]:
    """Those that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_every_link_leads_somewhere(name: str) -> None:
    here = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[name]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (here / path).resolve() if path else ROOT / name
        assert file.is_relative_to(ROOT) and file.is_file(), f"{name} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text()), f"{name} links to {target}: no such heading"


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)#\s:]+\.md)", page.read_text())
            waiting += [(page.parent / link).resolve() for link in links]
    assert set(DOCUMENTS) <= reached, set(DOCUMENTS) - reached


@every_document
def test_every_configuration_option_named_exists(name: str) -> None:
    text = TEXTS[name]
    known = {(section, key) for section, key, *_ in options()}
    named = set(re.findall(rf"(?<![\w./])({SECTIONS})\.([a-z_]+)(?![\w./(])", text))
    named |= set(re.findall(rf"\[({SECTIONS})\] ([a-z_]+)", text))
    for keys, section in re.findall(rf"((?:`[a-z_]+`(?:, | and | or )?)+) in `\[({SECTIONS})\]`", text):
        named |= {(section, key) for key in re.findall(r"`([a-z_]+)`", keys)}
    named -= {("store", "db")}  # the name of a file
    assert named <= known, f"{name}: {named - known}"
    settings = set(re.findall(r"`([a-z_]+) = [^`]+`", text))
    settings |= set(re.findall(r"(?<![\w./])outputs\.[a-z]+\.([a-z_]+)(?![\w./(])", text))
    allowed = {key for _, key in known} | OF_OUTPUTS
    assert settings <= allowed, f"{name}: {settings - allowed}"


def test_every_option_of_an_output_is_explained() -> None:
    page = code(TEXTS["edge/outputs/README.md"])
    assert {name for name in OF_OUTPUTS if not re.search(rf"(?<![\w-]){name}(?![\w-])", page)} == set()


def test_every_topic_is_documented_and_every_topic_named_exists() -> None:
    own, switch = Topics("maskwatch", "entrance"), output_switch("NAME")
    of_outputs = {own.switch_set(switch): "output/NAME/set", own.switch_state(switch): "output/NAME/state"}
    assert {f"maskwatch/entrance/{topic}": topic for topic in OUTPUT_TOPICS} == of_outputs
    assert {getattr(own, topic.replace("/", "_")) for topic in TOPICS} == {f"maskwatch/entrance/{t}" for t in TOPICS}
    declared = {name for name, value in vars(Topics).items() if isinstance(value, property)} - {"root"}
    assert declared <= {topic.replace("/", "_") for topic in TOPICS}
    rows = re.findall(r"^\| `\.\.\./([a-zNAME/]+)` \|", TEXTS["edge/mqtt/README.md"], re.MULTILINE)
    assert sorted(rows) == sorted(TOPICS | OUTPUT_TOPICS)
    named = set(re.findall(r"`\.\.\./([a-zNAME/]+)`", ALL))
    named |= set(re.findall(r"""[`'"]maskwatch/(?:\+|entrance)/([a-z/]+)""", ALL))
    bridged = set(re.findall(r"topic \+/([a-z/+]+) (?:in|out) ", ALL))
    of_days = own.day("+").removeprefix(f"{own.root}/")
    assert of_days in bridged
    named |= {topic.replace("+", "NAME") for topic in bridged - {of_days}}
    assert named == TOPICS | OUTPUT_TOPICS, named ^ (TOPICS | OUTPUT_TOPICS)


MESSAGES = {"Alerts": AlertMessage, "State": State, "Health": Health, "Statistics": Stats}
"""The headings of edge/mqtt/README.md under which the fields of a message are."""


def section_of_messages(heading: str) -> str:
    (text,) = re.findall(rf"^## {heading}$(.*?)^## ", TEXTS["edge/mqtt/README.md"], re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.mark.parametrize("heading", MESSAGES)
def test_every_field_of_a_message_is_documented(heading: str) -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", section_of_messages(heading), re.MULTILINE)
    assert rows == [field.name for field in fields(MESSAGES[heading])]


@pytest.mark.parametrize("heading", ["Alerts", "State", "Health"])
def test_an_example_of_a_message_has_its_fields_and_names_the_shipped_model(heading: str) -> None:
    (example,) = re.findall(r"^    (\{.*\})$", section_of_messages(heading), re.MULTILINE | re.DOTALL)
    message = json.loads(example)
    assert list(message) == ["schema", *(field.name for field in fields(MESSAGES[heading]))]
    digest = hashlib.sha256((ROOT / "models" / "mask.tflite").read_bytes()).hexdigest()
    assert message.get("model") in (None, f"mask@{digest[:8]}")
    if heading == "Alerts":
        assert isinstance(AlertMessage.decode(example.encode()), AlertMessage)


def test_the_table_of_places_names_what_is_there() -> None:
    rows = re.findall(r"\[`[^`]+`\]\(([\w/.]+\.py)\), `(\w+)`", TEXTS["edge/README.md"])
    assert len(rows) > 20
    for path, name in rows:
        code = (ROOT / "edge" / path).read_text()
        assert re.search(rf"^ *(?:class|def) {name}\b", code, re.MULTILINE), f"{name} is not in edge/{path}"


def test_every_thread_is_named() -> None:
    """A thread that somebody sees in a stack or in ``top`` is in the drawing, or below it."""
    started = r"""(?:Thread\([^)]*name=|__init__\(name=|ThreadPoolExecutor\(\d+, )"([a-z-]+)"""
    named = {name for path in (ROOT / "edge").rglob("*.py") for name in re.findall(started, path.read_text())}
    assert {"camera", "outbox", "page", "page-work"} <= named
    for name in named:
        assert re.search(rf"(?<![\w/-]){name}(?![\w/-])", TEXTS["edge/README.md"]), (
            f"thread {name} is not in edge/README.md"
        )


OTHERS = {"Failed", "status=2", "Main process exited", "Watchdog timeout", "Timeout (0:00:20)!", "Not authorized"}
"""Words in the table that systemd, Python and MQTT give."""


def test_every_message_in_the_troubleshooting_table_is_one_that_maskwatch_gives() -> None:
    files = [*(ROOT / "edge").rglob("*.py"), ROOT / "systemd" / "install.sh", ROOT / "systemd" / "maskwatch"]
    given = " ".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text()) for path in files)
    given += " ".join(f" camera {condition}" for condition in get_args(Condition))  # as HealthMonitor.camera says it
    given += f" the {PAGE.what} is not served: "  # as Server says it
    table = TEXTS["systemd/README.md"].partition("## Troubleshooting")[2]
    symptoms = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")][1:]
    quoted = {text for symptom in symptoms for text in re.findall(r"`([^`]+)`", symptom)}
    parts = {part.strip('" ') for text in quoted for part in re.split(r" ?\.\.\. ?|armhf|: |:", text)} - OTHERS
    assert len(parts) > 15
    assert all(part in given for part in parts), {part for part in parts if part not in given}
