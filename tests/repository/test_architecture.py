"""The structure of the code: rooms that follow the data, imports without cycles, forbidden imports, sizes."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import get_args

import pytest
from support import ROOT

from edge.camera import frames
from edge.faces import face
from edge.mqtt import messages

FLOORS = 9
"""The number of floors at most: a room stands one floor above the highest room that it imports."""
LONGEST_FILE, LONGEST_FUNCTION = 250, 40
"""Lines at most."""

NEVERS = """
edge -> convert
convert -> edge.mqtt edge.outbox edge.web edge.cli edge.monitor.*
edge.camera edge.faces edge.people -> edge.outbox edge.mqtt edge.record edge.phone edge.serving edge.web edge.monitor
edge.camera edge.faces edge.people -> edge.cli edge.bench
edge.camera -> edge.faces edge.people
edge.faces -> edge.people
edge.people.tracker edge.people.policy -> cv2 numpy time datetime
edge.mqtt -> edge.camera edge.faces edge.people edge.record edge.phone edge.web edge.monitor edge.cli cv2 numpy
edge.phone -> edge.camera edge.faces edge.people edge.web edge.monitor edge.cli edge.bench edge.doctor cv2 numpy
edge.record -> edge.camera edge.faces edge.people edge.phone edge.serving edge.web edge.monitor edge.cli edge.bench
edge.record -> edge.doctor cv2 numpy
edge.outbox -> edge.*
edge.outputs -> edge.camera edge.faces edge.people edge.record edge.web edge.monitor edge.cli edge.bench edge.doctor
edge.outputs -> edge.serving cv2 numpy
edge convert -> edge.outputs
edge.store -> edge.camera edge.faces edge.people edge.outputs edge.phone edge.serving edge.web edge.monitor edge.cli
edge.store -> edge.bench edge.doctor cv2 numpy
edge convert -> edge.store
edge.config -> edge.camera edge.faces edge.people edge.outbox edge.mqtt edge.record edge.phone edge.serving edge.web
edge.config -> edge.monitor edge.cli edge.bench edge.doctor
edge.serving -> edge.camera edge.faces edge.people edge.outbox edge.mqtt edge.record edge.phone edge.web edge.monitor
edge.serving -> edge.cli edge.bench edge.doctor cv2 numpy
edge.web -> edge.phone edge.monitor edge.cli edge.bench edge.doctor
edge.monitor -> edge.phone edge.cli edge.bench edge.doctor
edge.bench edge.doctor -> edge.cli
edge.monitor.loop edge.monitor.scene edge.monitor.pipeline -> edge.web edge.mqtt edge.outbox edge.record
edge convert -> edge.__main__ convert.__main__
edge convert -> picamera2 ai_edge_litert tflite_runtime aiohttp PIL prometheus_client gpiozero lgpio
edge convert -> psycopg
"""
"""Modules on the left never import those on the right, at the top or in a function. ``*`` is any module below."""

EXCEPT = """
convert -> edge.monitor.loop edge.monitor.scene
edge.outbox -> edge.outbox
edge.outputs edge.monitor.answering edge.monitor.outlet edge.cli edge.bench edge.doctor -> edge.outputs
edge.outputs.pins edge.outputs.gpio edge.outputs.chip -> gpiozero lgpio
edge.camera.picamera -> picamera2
edge.faces.tflite -> ai_edge_litert tflite_runtime
edge.store edge.cli edge.bench -> edge.store
edge.store.postgres -> psycopg
edge.serving -> aiohttp
edge.web -> aiohttp prometheus_client
"""
"""Imports that NEVERS would forbid and that are allowed."""


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of the packages, by its dotted name."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), ast.parse(path.read_text("utf-8"))


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@cache
def imports() -> dict[str, set[str]]:
    """Maps each module to its imports, also those in functions: modules of edge and convert, and other packages."""
    graph: dict[str, set[str]] = {}
    for module, tree in modules("edge", "convert"):
        targets: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = module.split(".")[: -node.level] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                names = {f"{base}.{alias.name}" for alias in node.names}
                targets |= {name for name in names if is_module(name)} or {base}
        graph[module] = targets - {"edge"}  # edge/__init__.py: the version
    return graph


def table(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.split("\n"):
        left, arrow, right = line.partition("->")
        pairs += [(importer, imported) for importer in left.split() for imported in right.split() if arrow]
    return pairs


def below(module: str, room: str) -> bool:
    return module == room or module.startswith(room.removesuffix("*").removesuffix(".") + ".")


@pytest.mark.parametrize(("importer", "imported"), table(NEVERS), ids=str)
def test_a_forbidden_import_does_not_occur(importer: str, imported: str) -> None:
    allowed = table(EXCEPT)
    arrows = [
        (module, target)
        for module, targets in imports().items()
        for target in targets
        if below(module, importer) and below(target, imported)
        if not any(below(module, a) and below(target, b) for a, b in allowed)
    ]
    assert arrows == []


def test_the_tables_name_existing_modules() -> None:
    for name in {name.removesuffix(".*") for pair in table(NEVERS + EXCEPT) for name in pair}:
        assert is_module(name) or name.split(".")[0] not in ("edge", "convert"), name


def test_every_module_is_checked() -> None:
    files = list((ROOT / "edge").rglob("*.py")) + list((ROOT / "convert").rglob("*.py"))
    assert len(imports()) == len(files) > 100


def test_the_wire_and_the_rooms_have_the_same_closed_sets() -> None:
    """mqtt may not import camera and faces, nor they mqtt, so these sets are written down on both sides."""
    assert get_args(messages.CameraCondition) == get_args(frames.Condition)
    assert get_args(messages.EventType) == get_args(face.EventType)


def room(module: str) -> str:
    """``edge.people`` for a module in a room, the module itself at the top of a package."""
    parts = module.removesuffix(".__init__").split(".")
    return ".".join(parts[:2])


def test_imports_have_no_cycle() -> None:
    assert list(TopologicalSorter(imports()).static_order())


@pytest.mark.parametrize("package", ["edge", "convert"])
def test_rooms_form_at_most_nine_floors_and_import_downwards_only(package: str) -> None:
    rooms: dict[str, set[str]] = {}
    for module, targets in imports().items():
        if below(module, package):
            imported = rooms.setdefault(room(module), set())
            imported |= {room(target) for target in targets if below(target, package)} - {room(module)}
    floors: dict[str, int] = {}
    for name in TopologicalSorter(rooms).static_order():
        floors[name] = 1 + max((floors[lower] for lower in rooms.get(name, ())), default=0)
    assert max(floors.values()) <= FLOORS, floors


@pytest.mark.parametrize("path", sorted((ROOT / "edge").glob("*/")) + sorted((ROOT / "convert").glob("*/")), ids=str)
def test_the_init_of_a_room_contains_only_its_docstring(path: Path) -> None:
    if path.name == "__pycache__":
        return
    tree = ast.parse((path / "__init__.py").read_text("utf-8"))
    assert len(tree.body) == 1 and ast.get_docstring(tree), path


def test_no_file_is_longer_than_250_lines() -> None:
    files = [path for folder in ("edge", "convert", "tests") for path in (ROOT / folder).rglob("*.py")]
    long = {str(path): count for path in files if (count := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE}
    assert long == {}


def functions(*packages: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, tree in modules(*packages):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def test_functions_are_short_and_annotated() -> None:
    lengths: list[int] = []
    for name, node in functions("edge", "convert"):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{name}: {length} lines"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        missing = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
        assert not missing and (node.returns is not None), f"{name}: {missing} not annotated"
        lengths.append(length)
    assert statistics.median(lengths) <= 6 and statistics.quantiles(lengths, n=10)[8] <= 17


def test_the_argument_parser_loads_no_heavy_package() -> None:
    heavy = "tensorflow keras matplotlib picamera2 ai_edge_litert tflite_runtime aiohttp PIL tomlkit psycopg".split()
    code = f"import sys; from edge.__main__ import parser; parser(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_loop_fits_on_one_screen() -> None:
    assert len((ROOT / "edge" / "monitor" / "loop.py").read_text().splitlines()) <= 50
