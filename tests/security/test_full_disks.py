"""Disks that fill up while databases are written: no file that is mapped into memory ends the process (SIGBUS)."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support import ROOT, until
from support.mounts import fill, mounted
from support.outboxes import fill_outbox

from edge.outbox.database import connect, reading
from edge.outbox.reading import peek

pytestmark = pytest.mark.security

WRITER = Path(__file__).with_name("writer.py")
SYSTEMS = {
    "ext4-1k": ("mkfs.ext4 -q -F -b 1024", 16),
    "ext4-4k": ("mkfs.ext4 -q -F -b 4096", 16),
    "btrfs": ("mkfs.btrfs -q -f --mixed", 120),
    "xfs": ("mkfs.xfs -q -f", 320),
    "f2fs": ("mkfs.f2fs -q -f", 64),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_full_disk_ends_no_process_is_told_once_and_heals(system: str, tmp_path: Path) -> None:
    command, megabytes = SYSTEMS[system]
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    image = tmp_path / "device"
    image.touch()
    os.truncate(image, megabytes << 20)
    subprocess.run([*command.split(), image], check=True, capture_output=True, timeout=60)
    with mounted(image, tmp_path / "disk", "-o", "loop") as disk, (tmp_path / "out").open("w+b") as out:
        environ = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        writer = subprocess.Popen([sys.executable, WRITER, disk], stdout=out, env=environ)
        lines = lambda: (tmp_path / "out").read_text("utf-8").splitlines()  # noqa: E731
        try:
            until(lambda: {"outbox well", "record well"} <= set(lines()), "both files are written", 30)
            for name in ("big", "probe"):  # a full disk may refuse the names
                (disk / name).touch()
            big = fill(disk)
            until(lambda: sum("trouble" in line for line in lines()) >= 2, "the full disk is told", 30)
            time.sleep(3)
            assert writer.poll() is None, f"the process has ended: {writer.poll()}"
            assert sum("outbox trouble" in line for line in lines()) == 1, lines()
            big.unlink()
            until(lambda: lines()[-1].endswith("well") and lines()[-2].endswith("well"), "it heals", 40)
            assert writer.poll() is None and peek(disk / "outbox.db")[0]
            assert not [file.name for file in disk.iterdir() if file.name.endswith(("-shm", "-wal"))]
        finally:
            writer.kill()
            writer.wait(30)


@pytest.mark.parametrize("umask", [0, 0o22, 0o77])
def test_databases_are_for_their_user_only_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    old, path = os.umask(umask), tmp_path / "outbox.db"
    try:
        fill_outbox(path, 2)
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
        for file in tmp_path.iterdir():
            file.chmod(0o666)  # as earlier versions left them
        fill_outbox(path, 2)
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    finally:
        os.umask(old)


def test_a_file_of_an_earlier_version_is_read_and_taken_over_without_mapping_anything(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    code = "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
    code += "db.execute('PRAGMA journal_mode = WAL'); db.execute('CREATE TABLE t (a)'); "
    code += "db.execute('INSERT INTO t VALUES (7)'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, path], timeout=60)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    with reading(path) as db:
        assert db.execute("SELECT a FROM t").fetchall() == [(7,)]
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before, "reading has written"
    with closing(connect(path, "")) as db:
        assert db.execute("SELECT a FROM t").fetchall() == [(7,)]
        assert "-shm" not in Path("/proc/self/maps").read_text("utf-8")
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT a FROM t").fetchall() == [(7,)], "others may read"
    assert not list(tmp_path.glob("*-shm")) and not list(tmp_path.glob("*-wal"))
