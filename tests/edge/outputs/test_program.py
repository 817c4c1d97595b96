"""edge.outputs.program: real programs that hang, flood, close their input, leave others behind, or do not start."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from support import until

from edge.outputs.program import TAIL_BYTES, Ending, Program

FOR_EVER = 60.0


def run(script: str, payload: bytes = b"", limit: float = FOR_EVER, **variables: str) -> Ending:
    return Program({"PATH": "/usr/bin:/bin", **variables}).run(["/bin/sh", "-c", script], payload, limit)


def exists(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def number_in(file: Path) -> int:
    until(lambda: file.exists() and file.read_text().strip())
    return int(file.read_text())


def test_it_gets_the_payload_and_says_how_it_ended() -> None:
    assert run("cat >&2; exit 7", "one\ntwo ü\n\n".encode()) == Ending(7, ("one", "two ü"))
    assert run("kill -SEGV $$") == Ending(-signal.SIGSEGV, ())


def test_a_large_payload_arrives_whole() -> None:
    assert run("wc -c >&2", bytes(2_000_000)) == Ending(0, ("2000000",))


@pytest.mark.parametrize("script", ["exit 0", "exec 0<&-; sleep 0.05"], ids=["ends", "closes it"])
def test_a_program_need_not_read(script: str) -> None:
    assert run(script, bytes(2_000_000)) == Ending(0, ())


def test_much_output_is_bounded_and_its_end_is_kept() -> None:
    code = "head -c 30000000 /dev/zero | tr '\\0' x >&2; head -c 3000000 /dev/zero; echo >&2; echo the end >&2"
    ending = run(code)
    assert ending.code == 0 and ending.said[-1] == "the end"
    assert sum(map(len, ending.said)) <= TAIL_BYTES


def test_control_characters_are_not_passed_on() -> None:
    (line,) = run("printf 'a\\033[2Jb\\377\\n' >&2").said
    assert line == "a\\x1b[2Jb\ufffd"


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    begun = time.monotonic()
    ending = run(f"trap '' TERM INT; sleep 60 & echo $! > {tmp_path}/child; wait", limit=0.3)
    assert ending == Ending(None, ()) and 0.3 <= time.monotonic() - begun < 10
    assert not exists(number_in(tmp_path / "child"))


def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert run(f"sleep 60 & echo $! > {tmp_path}/child").code == 0  # it holds the standard error open
    assert time.monotonic() - begun < 10
    until(lambda: not exists(number_in(tmp_path / "child")))


def test_stop_ends_it_from_another_thread_and_for_good(tmp_path: Path) -> None:
    program, endings = Program({"PATH": "/usr/bin:/bin"}), list[Ending]()
    command = ["/bin/sh", "-c", f"echo $$ > {tmp_path}/it; sleep 60; sleep 60"]
    thread = threading.Thread(target=lambda: endings.append(program.run(command, b"", FOR_EVER)))
    thread.start()
    number = number_in(tmp_path / "it")
    program.stop()
    thread.join(10)
    assert endings == [Ending(-signal.SIGKILL, ())] and not exists(number)
    assert program.run(command, b"", FOR_EVER).code == -signal.SIGKILL


def test_no_descriptor_is_lost_and_no_zombie_stays() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for _ in range(5):
        run("exit 0")
        run("sleep 60", limit=0.01)
        with pytest.raises(OSError):
            Program({}).run(["/no/such/program"], b"", FOR_EVER)
    assert descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)


def test_it_has_a_session_and_a_folder_of_its_own_and_gives_way() -> None:
    script = "cat /proc/$$/stat >&2; pwd >&2; ls /proc/self/fd >&2"
    status, folder, *descriptors = run(f"sleep 0.1; {script}").said
    number, _, _, _, _, session, *_ = status.split()
    assert (session, folder) == (number, "/") and int(status.split()[18]) >= os.nice(0)
    assert descriptors == ["0", "1", "2", "3"]  # 3 is the folder that ls reads
