"""The command maskwatch-convert: help, usage errors, and its commands from end to end."""

import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.tiny import MODEL, door_list, draw_tree, run_convert, write_list

from convert.__main__ import main, noting_ctrl_c

COMMANDS = ("prepare", "train", "quantize", "evaluate", "compare")
COMMANDS += ("evaluate-scenes", "evaluate-clips", "evaluate-blur", "leave-one-out", "search", "card")
COMMANDS += ("single-shot", "bench-chart")


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Returns exit code, output and error output of one command."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as stop:  # raised by argparse
        code = int(stop.code or 0)
    out, errors = capsys.readouterr()
    return code, out, errors


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "--help")
    assert code == 0 and "DATA/train/mask/*.jpg" in out
    assert re.findall(r"^    ([\w-]+)(?: |$)", out, re.M) == list(COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        ["{}"],
        ["train", "{}", "--out", "a.h5"],
        ["train", ".", "--out", "{}"],
        ["prepare", "{}", "--out", "new"],
        ["evaluate", "{}", "."],
        ["evaluate-clips", "{}"],
        ["evaluate-blur", "{}"],
        ["bench-chart", "{}", "--out", "a.png"],
        ["single-shot", "--out", "{}"],
        ["train", ".", "--epochs", "{}"],
    ],
)
def test_an_address_by_mistake_is_shown_without_its_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, errors = answer(capsys, *[word.format("rtsp://admin:Kanari@10.0.0.7/a.keras") for word in words])
    assert code == 2 and "Kanari" not in out + errors


def test_the_program_shows_no_password_of_its_command_line() -> None:
    done = run_convert("rtsp://admin:Kanari@10.0.0.7/")
    assert done.returncode == 2 and "invalid choice: 'rtsp://10.0.0.7/'" in done.stderr and "Kanari" not in done.stderr


@pytest.mark.parametrize("usual", [signal.default_int_handler, signal.SIG_IGN], ids=["raised", "ignored"])
def test_ctrl_c_is_noted_if_it_is_not_ignored(usual: Any) -> None:
    before = signal.signal(signal.SIGINT, usual)  # children of some shells ignore Ctrl-C
    try:
        with noting_ctrl_c() as pressed, suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert pressed == ([] if usual is signal.SIG_IGN else [signal.SIGINT])
        assert signal.getsignal(signal.SIGINT) is usual
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = answer(capsys, command, "--help")
    assert code == 0 and out.startswith(f"usage: maskwatch-convert {command} ")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("draw",), "invalid choice: 'draw'"),
        (("train",), "the following arguments are required: DATA, --out"),
        (("train", "d", "--out", "m.keras", "--arch", "vgg"), "argument --arch: invalid choice: 'vgg'"),
        (("train", "d", "--out", "m.keras", "--labels", "cat"), "argument --labels: invalid choice: 'cat'"),
        (("train", "d", "--out", "m.keras", "--epochs", "many"), "argument --epochs: 'many' is not a whole number"),
        (("train", "d", "--out", "m.keras", "--epochs", "0"), "argument --epochs"),
        (("train", "d", "--out", "m.keras", "--batch", "0"), "argument --batch"),
        (("train", "d", "--out", "m.keras", "--subset", "-5"), "argument --subset"),
        (("train", "d", "--out", "m.keras", "--rate", "-1"), "argument --rate"),
        (("prepare", "list.tsv"), "the following arguments are required: --out"),
        (("prepare", "list.tsv", "--out", "d", "--copies", "0"), "argument --copies"),
        (("quantize", "m.keras"), "the following arguments are required: --data, --out"),
        (("evaluate", "m.tflite"), "the following arguments are required: DATA"),
        (("compare", "m.tflite", "--data", "d"), "the following arguments are required: B"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], fault: str
) -> None:
    code, out, errors = answer(capsys, *words)
    assert code == 2 and out == ""
    assert fault in errors.splitlines()[-1]


UNUSABLE = {
    "train without .keras": ("train {data} --out {here}/m.h5", r"m\.h5: the file name must end in \.keras"),
    "train without data": ("train {here}/gone --out {here}/m.keras", "gone is not a folder"),
    "train on no labels": (
        "train {here}/bad --out {here}/m.keras",
        "bad has no labelled pictures; expected .* folders named",
    ),
    "quantize to .bin": ("quantize m.keras --data {data} --out m.bin", r"m\.bin: the file name must end in \.tflite"),
    "quantize nothing": ("quantize {here}/m.keras --data {data} --out m.tflite", r"m\.keras does not exist; .*train"),
    "evaluate a picture": (
        "evaluate {here}/m.png {data}",
        r"m\.png is not a model; expected a \.tflite or a \.keras file",
    ),
    "evaluate nothing": ("evaluate {here}/m.tflite {data}", r"model .*m\.tflite does not exist"),
    "evaluate without data": ("evaluate {model} {here}/gone", "gone is not a folder"),
    "evaluate on training": ("evaluate {model} {here}/part", "has only a training split"),
    "compare nothing": ("compare {model} {here}/b.tflite --data {data}", r"model .*b\.tflite does not exist"),
    "prepare nothing": (
        "prepare {here}/gone.tsv --out {here}/out",
        r"gone\.tsv is not a file; expected a tab-separated list",
    ),
    "prepare into something": ("prepare {here}/list.tsv --out {data}", "data exists already; delete it or choose"),
    "prepare a bad list": ("prepare {here}/list.tsv --out {here}/out", r"list\.tsv, line 1: expected file, source"),
}


@pytest.mark.parametrize(("words", "fault"), list(UNUSABLE.values()), ids=list(UNUSABLE))
def test_unusable_data_gives_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: str, fault: str
) -> None:
    data = draw_tree(tmp_path / "data", {"val": 1})
    draw_tree(tmp_path / "part", {"train": 1})
    draw_tree(tmp_path / "bad", {"train": 1}, labels=("cat",))
    (tmp_path / "list.tsv").write_text("nonsense\n", "utf-8")
    filled = words.format(data=data, here=tmp_path, model=MODEL)
    code, out, errors = answer(capsys, *filled.split())
    assert (code, out) == (2, "")
    assert re.match(rf"maskwatch-convert: .*{fault}", errors)
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("train", "{data}", "--labels", "not_face", "incorrect_mask", "--out", "{here}/m.keras"),
        ("train", "{test}", "--out", "{here}/m.keras"),
    ],
    ids=["none of the labels", "a test part only"],
)
def test_data_without_training_pictures_gives_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")
    places = {
        "data": draw_tree(tmp_path / "data", {"train": 1, "val": 1}),
        "test": draw_tree(tmp_path / "only", {"test": 1}),
        "here": tmp_path,
    }
    code, _, errors = answer(capsys, *(word.format(**places) for word in words))
    assert code == 2 and errors.startswith("maskwatch-convert: ") and errors.count("\n") == 1


def test_prepare_writes_the_crops_and_counts_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = door_list(tmp_path / "frames", every=15)
    path = write_list(tmp_path / "list.tsv", rows)
    code, out, _ = answer(capsys, "prepare", path, "--out", tmp_path / "out", "--copies", "1")
    assert code == 0
    counts = {tuple(line.split()[:3]): int(line.split()[3]) for line in out.splitlines()}
    faces = sum(count for (_, _, label), count in counts.items() if label != "not_face")
    assert len(rows) <= faces <= 2 * len(rows)  # one crop per detector that detects the face
    for (split, source, label), count in counts.items():
        assert len(list((tmp_path / "out" / split / source / label).glob("*.jpg"))) == count


def test_prepare_leaves_out_excluded_sources(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.tsv", door_list(tmp_path / "frames", every=30))
    path.write_text(path.read_text("utf-8") + "gone.jpg\tother\tmask\t\n", "utf-8")
    code, out, _ = answer(capsys, "prepare", path, "--out", tmp_path / "out", "--exclude", "other")
    assert code == 0 and "door" in out and "other" not in out


def test_evaluate_prints_the_table_and_writes_the_files_that_it_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    data = draw_tree(tmp_path / "data", {"test": 3, "train": 2})
    code, out, _ = answer(capsys, "evaluate", MODEL, data, "--out", tmp_path / "out")
    assert code == 0 and ": 6 pictures, accuracy " in out
    written = [Path(line.removeprefix("wrote ")) for line in out.splitlines() if line.startswith("wrote ")]
    assert {path.name for path in written} >= {"report.json", "confusion.png", "threshold.png"}
    assert sorted(written) == sorted((tmp_path / "out").iterdir())


def test_compare_a_model_with_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = answer(capsys, "compare", MODEL, MODEL, "--data", draw_tree(tmp_path, {"val": 3}))
    assert code == 0 and out.startswith("6 pictures\n")
    assert out.splitlines()[-1].split()[-2:] == ["0", "0"]


@pytest.mark.timeout(240)
def test_train_quantize_and_evaluate_as_a_newcomer_types_them(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")
    data = draw_tree(tmp_path / "data", {"train": 8, "val": 4, "test": 4})
    keras_file, tflite = tmp_path / "new" / "new.keras", tmp_path / "models" / "new.tflite"
    steps = (
        (("train", data, "--out", keras_file, "--epochs", 1, "--batch", 8), f"wrote {keras_file}, new.labels.json and"),
        (("quantize", keras_file, "--data", data, "--out", tflite), f"wrote {tflite} ("),
        (("evaluate", tflite, data), ": 8 pictures, accuracy "),
    )
    for words, expected in steps:
        done = run_convert(*words)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
