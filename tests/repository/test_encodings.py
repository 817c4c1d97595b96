"""Text is read and written in UTF-8 whatever the locale is: every call in the code says so."""

import ast
import re
from collections.abc import Iterator

import pytest
from support import ROOT

MODE_AT = {"open": 1, "fdopen": 1, "read_text": None, "write_text": None, "NamedTemporaryFile": 0, "TemporaryFile": 0}
"""Functions that open text files, and the place of the mode among their arguments."""
ENCODING_AT = {"read_text": 0, "write_text": 1}
"""The place of the encoding, where it may be given without its name."""
PROCESSES = ("run", "Popen", "check_output", "check_call")
FILES = [file for package in ("edge", "convert") for file in sorted((ROOT / package).rglob("*.py"))]


def without_encoding(tree: ast.Module) -> Iterator[ast.Call]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if "encoding" in named or len(call.args) > ENCODING_AT.get(name, 99):
            continue
        if name in PROCESSES and named.keys() & {"text", "universal_newlines"}:
            yield call
        elif name in MODE_AT and is_text(call, name, named.get("mode")):
            yield call


def is_text(call: ast.Call, name: str, mode: ast.expr | None) -> bool:
    place = MODE_AT[name]
    if place is None:
        return True
    is_method = name == "open" and isinstance(call.func, ast.Attribute)
    place = 0 if is_method else place  # path.open("r")
    mode = mode or (call.args[place] if len(call.args) > place else None)
    text = mode.value if isinstance(mode, ast.Constant) else None
    if is_method and (call.args or call.keywords) and not re.fullmatch("[rwxabt+]{1,3}", str(text)):
        return False  # the open of something else: an image, a connection, os.open
    return "b" not in str(text or ("w+b" if "Temporary" in name else "r"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_text_file_has_an_encoding(file: object) -> None:
    tree = ast.parse(file.read_text("utf-8"))  # type: ignore[attr-defined]
    assert [f"line {call.lineno}: {ast.unparse(call)}" for call in without_encoding(tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "open(p)", "open(p, 'w')", "p.open()", "p.open('a')", "io.open(p, mode='r')", "p.read_text()",
        "p.write_text(t)", "NamedTemporaryFile('w')", "tempfile.TemporaryFile(mode='w+')",
        "subprocess.run(c, text=True)", "os.fdopen(d, 'w')",
    ],
)  # fmt: skip
def test_calls_that_use_the_locale_are_found(code: str) -> None:
    assert len(list(without_encoding(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "open(p, 'rb')", "open(p, encoding='utf-8')", "p.read_text('utf-8')", "p.write_text(t, 'utf-8')",
        "NamedTemporaryFile()", "Image.open(file)", "os.open(p, os.O_RDONLY)", "opener.open(r, timeout=5)",
        "subprocess.run(c)", "subprocess.run(c, text=True, encoding='utf-8')",
    ],
)  # fmt: skip
def test_other_calls_are_not_found(code: str) -> None:
    assert not list(without_encoding(ast.parse(code)))
