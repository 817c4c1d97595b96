"""The installed command ``maskwatch`` runs a program as the service's user, who may have taken that program over."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT
from support.users import NOBODY, open_folder

pytestmark = [
    pytest.mark.security,
    pytest.mark.skipif(os.geteuid() != 0, reason="the command needs root"),
]
TAKEN_OVER = """#!/bin/sh
for number in 0 1 2; do readlink /proc/self/fd/$number; done
printf 'title \\033]0;owned\\007 line \\302\\233 T\\303\\274r\\r\\n'
printf 'error \\033[2J\\n' >&2
exit 7
"""
SYSTEMD_RUN = f"""#!/bin/sh
while [ "${{1#/}}" = "$1" ]; do shift; done
exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups "$@"
"""


@pytest.fixture
def command() -> Iterator[Path]:
    """The command over folders of its own, with programs in place of systemd's that run what they are given."""
    text = (ROOT / "systemd" / "maskwatch").read_text("utf-8")
    with open_folder() as folder:
        for place, here in (("/opt/maskwatch/current/bin/maskwatch", folder / "program"), ("/etc/maskwatch", folder)):
            assert place in text
            text = text.replace(place, str(here))
        (folder / "maskwatch.toml").touch()
        programs = {"program": TAKEN_OVER, "systemd-run": SYSTEMD_RUN, "systemctl": "#!/bin/sh\n", "command": text}
        for name, program in programs.items():
            (folder / name).write_text(program, "utf-8")
            (folder / name).chmod(0o755)
        yield folder / "command"


def environment(command: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{command.parent}:/usr/bin:/bin"}


def test_it_never_holds_the_terminal_of_root_and_cannot_control_it(command: Path) -> None:
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [command, "doctor"], stdin=other, stdout=other, stderr=other, env=environment(command), start_new_session=True
    )
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # nobody has the terminal open any more
            break
        shown += piece
    os.close(terminal)
    assert process.wait(20) == 7
    assert b"/dev/pts" not in shown and b"/dev/null\r\n" in shown, shown  # the two streams may come in any order
    assert b"\x1b" not in shown and b"\x07" not in shown and b"\xc2\x9b" not in shown
    assert "title ?]0;owned? line ? Tür?".encode() in shown and b"error ?[2J" in shown, shown


def test_it_never_holds_a_file_of_root_and_its_answer_arrives_whole(command: Path, tmp_path: Path) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as to, err.open("wb") as errors:
        done = subprocess.run([command, "report"], stdout=to, stderr=errors, env=environment(command), timeout=30)
    assert done.returncode == 7
    links, rest = out.read_bytes().split(b"title", 1)
    assert links.split()[0] == b"/dev/null" and str(tmp_path).encode() not in links, links
    assert rest == " \x1b]0;owned\x07 line \x9b Tür\r\n".encode() and err.read_bytes() == b"error \x1b[2J\n"


def test_the_installed_command_takes_no_code_from_the_environment(tmp_path: Path) -> None:
    """``sudo -E maskwatch``: a module of the caller's would run as root."""
    for name in ("sitecustomize.py", "json.py"):
        (tmp_path / name).write_text("open('/dev/stdout', 'w').write('owned\\n')\n")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "program"
    program.write_text(f"#!{sys.executable}\nimport json\nprint('ran')\n")
    program.chmod(0o755)
    text = (ROOT / "systemd" / "maskwatch").read_text("utf-8")
    for place, here in (("/opt/maskwatch/current/bin/maskwatch", program), ("/etc/maskwatch", tmp_path)):
        text = text.replace(place, str(here))
    (tmp_path / "maskwatch.toml").touch()
    env = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "PYTHONSTARTUP": "/x",
        "X": "a\nPYTHONPATH=b",
        "PYTHONBREAKPOINT": "",
    }
    for words in (["set", "mqtt.port=1"], ["run", "--config", "x"]):
        run = ["sh", "-c", text, "maskwatch", *words]
        done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout == "ran\n", done
