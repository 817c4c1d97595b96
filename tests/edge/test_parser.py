"""edge.parser: messages about the command line, and what they leave out."""

import pytest

from edge.__main__ import main

ADDRESS = "rtsp://admin:Kanari@10.0.0.7:554/stream"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([ADDRESS], "invalid choice: 'rtsp://10.0.0.7:554/...'"),
        (["rum"], "invalid choice: 'rum'"),
        (["run", ADDRESS], "unrecognized arguments: rtsp://10.0.0.7:554/..."),
        (["run", "--sorce", ADDRESS, "--print"], "unrecognized arguments: --sorce ..."),
        (["run", f"--sorce={ADDRESS}"], "unrecognized arguments: --sorce\n"),
        (["run", "rtsp://10.0.0.7/ admin Kanari"], "unrecognized arguments: rtsp://10.0.0.7/..."),
        (["run", "--password", "Kanari"], "unrecognized arguments: --password ...\n"),
        (["run", "--password=Kanari"], "unrecognized arguments: --password\n"),
        (["run", "-pKanari"], "unrecognized arguments: -p\n"),
        (["outbox", "demo"], "unrecognized arguments: demo\n"),
        (["run", "--print=Kanari"], "argument --print: ignored explicit argument '...'"),
        (["run", f"--s={ADDRESS}"], "ambiguous option: --s=rtsp://10.0.0.7:554/... could match"),
        (["run", "--detector", ADDRESS], "invalid choice: 'rtsp://10.0.0.7:554/...'"),
        (["run", "--detector", "har"], "invalid choice: 'har'"),
        (["run", "--detector", "rtsp://a:'Kanari\"@h/"], "invalid choice: 'rtsp://h/'"),
        (["image", "--min-face", ADDRESS, "a.jpg"], "'rtsp://10.0.0.7:554/...'"),
    ],
)
def test_no_message_shows_a_password(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and message in error
    assert "Kanari" not in error


@pytest.mark.parametrize("words", [["image", ""], ["image", "a.jpg", "--out", ""], ["run", "--config", ""]])
def test_an_empty_path_is_not_this_folder(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and "the path is empty; name a file or a folder" in capsys.readouterr().err
