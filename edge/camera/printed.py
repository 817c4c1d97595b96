"""Hears what the C libraries that decode a picture print to standard error, and keeps it from being printed.

libjpeg fills what is missing in a file with grey, and says so in no other way. It says so at each picture, so a camera
that sends damaged ones would fill the log.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

LONGEST = 4096
"""Bytes that are kept of what was printed; libjpeg prints one line per picture."""
_UNBUFFERED = 2
_Result = TypeVar("_Result")


class Printed:
    """Runs functions, and takes what C code prints to ``stderr`` meanwhile.

    Python writes to the file descriptor instead, so nothing of Python's is taken.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._libc.fdopen.restype = ctypes.c_void_p
        self._libc.setvbuf.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
        self._stderr = ctypes.c_void_p.in_dll(self._libc, "stderr")
        self._own = self._stderr.value
        self._open()
        os.register_at_fork(after_in_child=self._open)  # else the two processes would hear each other

    def _open(self) -> None:
        """Opens what takes the text. It is not closed in this process: another thread may just print to it."""
        self._lock = threading.Lock()
        self._memory = os.memfd_create("printed")
        self._stream = self._libc.fdopen(self._memory, b"a")
        self._libc.setvbuf(self._stream, None, _UNBUFFERED, 0)
        self._stderr.value = self._own

    def during(self, call: Callable[[], _Result]) -> tuple[_Result, bytes]:
        """Returns the result of ``call``, and what was printed while it ran."""
        with self._lock:
            self._stderr.value = self._stream
            try:
                result = call()
            finally:
                self._stderr.value = self._own
                text = os.pread(self._memory, LONGEST, 0)
                os.ftruncate(self._memory, 0)
        return result, text
