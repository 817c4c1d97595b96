"""A program under ``edge.monitor.systemd.Watchdog``, for tests: ``python watched.py LIMIT KIND``.

Pulses every 0.1 s; after two seconds it ``hang``s in the main thread, hangs with Python's lock held (``lock``), lets
its check fail for ever (``check``) or for a moment (``moment``), or goes ``on`` and ends after three limits.
"""

import ctypes
import sys
import threading
import time

from edge.monitor.systemd import Notifier, Watchdog


def main(limit: float, kind: str) -> None:
    start = time.monotonic()

    def well() -> bool:
        late = time.monotonic() - start - 2
        return not (kind == "check" and late > 0 or kind == "moment" and 0 < late < limit / 3)

    def another_thread_that_waits() -> None:
        threading.Event().wait()

    threading.Thread(target=another_thread_that_waits, daemon=True).start()
    watchdog = Watchdog(Notifier(), {"the part": well}, limit)
    while time.monotonic() - start < 2 + 3 * limit:
        watchdog.pulse()
        time.sleep(0.1)
        if time.monotonic() - start > 2 and kind == "hang":
            threading.Event().wait()
        if time.monotonic() - start > 2 and kind == "lock":
            ctypes.PyDLL(None).pause()
    watchdog.close()
    print("ended by itself")


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
