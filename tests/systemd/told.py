#!/usr/bin/python3
"""Takes an alert as the program of an output. Appends it to the file named, with what its sandbox lets it do."""

import json
import mmap
import os
import sys


def succeeds(action) -> bool:
    """Whether the kernel allows it."""
    try:
        action()
        return True
    except OSError:
        return False


def executable_memory() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


line = {
    "alert": json.load(sys.stdin),
    "variables": sorted(os.environ),
    "writes /usr": succeeds(lambda: open("/usr/told", "w")),
    "reads the password": succeeds(lambda: open("/etc/maskwatch/maskwatch.password")),
    "executable memory": succeeds(executable_memory),
    "no new privileges": next(line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")),
}
with open(sys.argv[1], "a") as file:
    print(json.dumps(line), file=file)
