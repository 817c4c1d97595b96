#!/bin/sh
# Makes a virtual environment that fits this machine, for the Makefile and install.sh: make-venv.sh FOLDER PYTHON.
# It also writes constraints.txt there, for every `pip install -c` into the environment.
set -eu
venv=$1 python=$2

# -I everywhere: without it a file venv.py in the folder of the caller is run, and PYTHONPATH counts
"$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "maskwatch needs Python 3.11 or newer; $python is $("$python" -V 2>&1). Name another: PYTHON=python3.13" >&2
    exit 1
}
"$python" -I -c 'import ensurepip, venv' 2>/dev/null || {
    echo "Python's venv is missing: sudo apt install python3-venv" >&2
    exit 1
}
# --system-site-packages on a Pi only: picamera2 and lgpio come from apt, and a plain environment does not see them
has() { "$python" -I -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)' "$1"; }
shared=
if has picamera2 || has lgpio; then shared=--system-site-packages; fi
if ! has picamera2 && { [ -e /etc/rpi-issue ] || grep -qs 'Raspberry Pi' /proc/device-tree/model; }; then
    echo "this Pi has no python3-picamera2, so USB and network cameras only. For a Pi camera:" \
        "sudo apt install python3-picamera2 --no-install-recommends, and remove $venv before you repeat this" >&2
fi
"$python" -I -m venv ${shared:+"$shared"} "$venv"
# apt's picamera2 needs NumPy of apt's major version, and OpenCV must accept that
"$venv/bin/python" -I - >"$venv/constraints.new" <<'END'
import importlib.metadata as metadata
import importlib.util as util

numpy = metadata.version("numpy").split(".")[0] if util.find_spec("picamera2") and util.find_spec("numpy") else ""
print({"1": "numpy<2\nopencv-python-headless==4.11.0.86", "2": "numpy>=2,<3"}.get(numpy, ""))
END
mv "$venv/constraints.new" "$venv/constraints.txt"
