"""The house: imports are a DAG along the data, the device never imports the workstation or heavy libraries."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from support import ROOT


def imports(package: str) -> dict[str, set[str]]:
    """Module -> modules of the same package it imports, anywhere in its text."""
    graph: dict[str, set[str]] = {}
    for path in (ROOT / package).rglob("*.py"):
        own = path.relative_to(ROOT / package).with_suffix("").parts
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = own[: len(own) - node.level]
                names = [node.module] if node.module else [alias.name for alias in node.names]
                found |= {".".join((*above, name)) for name in names}
        graph[".".join(own)] = found - {"__version__"}
    return graph


@pytest.mark.parametrize("package", ["edge", "convert"])
def test_imports_have_no_cycle(package: str) -> None:
    assert list(TopologicalSorter(imports(package)).static_order())


def test_edge_never_imports_convert() -> None:
    for path in (ROOT / "edge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "convert" for name in names), path


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "tensorflow keras matplotlib amqtt picamera2 ai_edge_litert tflite_runtime aiohttp PIL tomlkit".split()
    code = f"import sys; from edge.__main__ import parser; parser(); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_loop_knows_nothing_of_the_page() -> None:
    graph = imports("edge")
    reached, waiting = set[str](), ["monitor.loop"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph.get(name, ())
    assert not any("web" in name or name.endswith("bus") for name in reached)


def test_the_loop_fits_on_one_screen() -> None:
    assert len((ROOT / "edge" / "monitor" / "loop.py").read_text().splitlines()) <= 50
