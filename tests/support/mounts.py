"""Mounted file systems for one test: small, read-only or full ones. Skips the test where it cannot mount."""

import errno
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def mounted(what: str | Path, where: Path, *options: str) -> Iterator[Path]:
    """Mounts with the arguments of ``mount``, and unmounts afterwards even if a process still uses the file system."""
    if not where.exists():  # it may be a file, for a bind mount
        where.mkdir(parents=True)
    done = subprocess.run(["mount", *options, str(what), str(where)], capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.skip(f"cannot mount here (not root, or no such device): {done.stderr.strip()}")
    try:
        yield where
    finally:
        if subprocess.run(["umount", str(where)], capture_output=True, timeout=60).returncode:
            subprocess.run(["umount", "-l", str(where)], check=True, timeout=60)


@contextmanager
def small_disk(where: Path, size: str = "1m") -> Iterator[Path]:
    with mounted("tmpfs", where, "-t", "tmpfs", "-o", f"size={size}"):
        yield where


def ext4_image(file: Path) -> Path:
    """Makes an empty ext4 file system of 16 MB in a file, to be mounted with ``-o loop``."""
    with file.open("wb") as device:
        device.truncate(16 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", str(file)], check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("mkfs.ext4 is not installed (sudo apt install e2fsprogs)")
    return file


def remount(where: Path, mode: str) -> None:
    """Changes the mode to ``ro`` or ``rw``. The kernel refuses ``ro`` while a file is open for writing."""
    subprocess.run(["mount", "-o", f"remount,{mode}", str(where)], check=True, capture_output=True, timeout=60)


def fill(where: Path) -> Path:
    """Fills the file system until even one byte more is refused; returns the file that takes the space.

    A single pass is not enough everywhere: XFS gives space back after it has refused a write (preallocated blocks), and
    whoever else writes to the disk may free some.
    """
    big = where / "big"
    for _ in range(100):
        with big.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)
        with (where / "probe").open("ab", buffering=0) as file:
            try:
                file.write(b"x")
            except OSError as error:
                assert error.errno == errno.ENOSPC, error
                return big
        time.sleep(0.1)
    raise AssertionError(f"{where} is not full")
