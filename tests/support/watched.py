"""A program with an ``edge.monitor.systemd.Watchdog``: ``python watched.py LIMIT KIND``.

It calls ``pulse`` every 0.1 s. KIND is what happens after two seconds: ``hang`` hangs in the main thread, ``lock``
hangs and holds Python's global interpreter lock, ``check`` lets the check fail for ever, ``moment`` lets it fail for a
short time, and ``on`` changes nothing. The program ends after three limits.
"""

import ctypes
import sys
import threading
import time

from edge.monitor.systemd import Notifier, Watchdog


def main(limit: float, kind: str) -> None:
    start = time.monotonic()

    def check() -> bool:
        late = time.monotonic() - start - 2
        return not (kind == "check" and late > 0 or kind == "moment" and 0 < late < limit / 3)

    def another_thread_that_waits() -> None:
        threading.Event().wait()

    threading.Thread(target=another_thread_that_waits, daemon=True).start()
    watchdog = Watchdog(Notifier(), {"the part": check}, limit)
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
