"""edge.outputs.command: what the end of a program means for the alert that it was given."""

import logging
import threading
from pathlib import Path

import pytest
from support import until

from edge.config.outputs import CommandConfig
from edge.outputs.command import MOST_CUTS, Command, environment
from edge.outputs.driver import Failure
from edge.outputs.opening import described

ALERT = '{"schema":1,"id":"a1","device":"Tür Süd"}'.encode()


def command(script: str, **options: float) -> Command:
    return Command(CommandConfig(name="tell", program=("/bin/sh", "-c", script), **options))


def test_the_alert_is_one_line_on_the_standard_input(tmp_path: Path) -> None:
    assert (
        command(f"read -r line; printf %s \"$line\" > '{tmp_path}/it'; cat >> '{tmp_path}/it'").deliver(ALERT) is None
    )
    assert (tmp_path / "it").read_bytes() == ALERT


def test_arguments_are_given_as_they_are_without_a_shell(tmp_path: Path) -> None:
    words = ("$(id)", "a b", "; exit 3", "*", "ü")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{tmp_path}/words'\n")
    program.chmod(0o755)
    assert Command(CommandConfig(name="tell", program=(str(program), *words))).deliver(ALERT) is None
    assert (tmp_path / "words").read_text().splitlines() == list(words)


def test_arguments_in_the_text_of_the_program_are_not_shown() -> None:
    failure = Command(CommandConfig(name="tell", program=("/bin/tell --password Kanari",))).deliver(ALERT)
    assert failure and failure.reason.startswith("/bin/tell ... does not start: No such file or directory")
    assert described(CommandConfig(name="tell", program=("/bin/tell Kanari",))) == "tell (program /bin/tell ...)"


@pytest.mark.parametrize(("code", "retry"), [(75, True), (1, False), (2, False), (127, False), (143, False)])
def test_its_exit_code_is_the_answer(code: int, retry: bool) -> None:
    assert command(f"exit {code}").deliver(ALERT) == Failure(f"/bin/sh ended with exit code {code}", retry=retry)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("sleep 60", "did not end within 0.1 s"), ("kill -TERM $$", "was ended by signal 15")],
)
def test_one_that_is_cut_off_gets_the_same_alert_some_times(script: str, reason: str) -> None:
    program = command(script, timeout=0.1 if "sleep" in script else 60.0)
    for alert in (ALERT, b"another"):
        failures = [program.deliver(alert) for _ in range(MOST_CUTS)]
        assert failures == [Failure(f"/bin/sh {reason}", retry=n < MOST_CUTS - 1) for n in range(MOST_CUTS)]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "No such file or directory (it, or the interpreter that its first line names)"),
        ("#!/no/interpreter\n", 0o755, "No such file or directory (it, or the interpreter that its first line names)"),
        ("#!/bin/sh\n", 0o644, "Permission denied"),
        ("no program\n", 0o755, "Exec format error"),
    ],
    ids=["missing", "interpreter", "rights", "format"],
)
def test_one_that_does_not_start_is_tried_until_it_does(
    tmp_path: Path, content: str | None, mode: int, reason: str
) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)
    recipient = Command(CommandConfig(name="tell", program=(str(program),)))
    for _ in range(MOST_CUTS + 1):
        assert recipient.deliver(ALERT) == Failure(f"{program} does not start: {reason}", retry=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert recipient.deliver(ALERT) is None


def test_what_it_says_about_a_failure_is_logged_and_no_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        failure = command("echo first >&2; echo 'no \033[1mroute' >&2; exit 1").deliver(ALERT)
        assert command("echo fine >&2").deliver(ALERT) is None
    assert failure == Failure("/bin/sh ended with exit code 1", retry=False)
    assert caplog.messages == ["/bin/sh printed: no \\x1b[1mroute"]


def test_arguments_are_in_no_reason() -> None:
    for options in ("exit 3 # s3cret", "sleep 60 # s3cret"):
        failure = command(options, timeout=0.1).deliver(ALERT)
        assert failure and "s3cret" not in failure.reason


def test_close_ends_it_and_keeps_the_alert(tmp_path: Path) -> None:
    program, answers = command(f"touch '{tmp_path}/begun'; sleep 60"), list[Failure | None]()
    thread = threading.Thread(target=lambda: answers.append(program.deliver(ALERT)))
    thread.start()
    until(lambda: (tmp_path / "begun").exists())
    program.close()
    thread.join(10)
    assert answers == [Failure("maskwatch ends", retry=True)]
    assert program.deliver(ALERT) == Failure("maskwatch ends", retry=True)


def test_it_gets_none_of_our_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "HTTPS_PROXY", "MY_TOKEN", "PYTHONPATH", "LD_PRELOAD"):
        monkeypatch.setenv(name, "/private")
    monkeypatch.setenv("LC_TIME", "de_DE.UTF-8")
    assert command(f"env > '{tmp_path}/variables'").deliver(ALERT) is None
    variables = (tmp_path / "variables").read_text()
    assert "/private" not in variables and "LC_TIME=de_DE.UTF-8\n" in variables and "PATH=" in variables


def test_text_is_utf_8_unless_the_locale_says_otherwise() -> None:
    assert environment({"HOME": "/root"}) == {"HOME": "/root", "LC_CTYPE": "C.UTF-8"}
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        assert environment({name: "de_DE.UTF-8"}) == {name: "de_DE.UTF-8"}
