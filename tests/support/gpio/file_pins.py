"""A pin factory for gpiozero that behaves as a chip of the kernel does, and keeps the pins in files.

``GPIOZERO_PIN_FACTORY=files`` chooses it, ``FILE_PINS`` names its folder; see ``support.pins``. A pin belongs to one
process at a time, which loses it by its death. Its level stays. A pin that nobody drives has the level of its pull.
"""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

from gpiozero.exc import PinInvalidFunction, PinSetInput
from gpiozero.pins.pi import PiFactory, PiPin

POLL_S = 0.005


class FileFactory(PiFactory):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(os.environ["FILE_PINS"])
        if not self.folder.is_dir():
            raise OSError(f"can not open gpiochip: {self.folder}")
        self.pin_class = FilePin

    def _get_revision(self) -> int:
        return 0xA02082

    @staticmethod
    def ticks() -> float:
        return time.monotonic()

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        return later - earlier


class FilePin(PiPin):  # type: ignore[misc]
    """Files ``17.out`` (what it puts out, ``-`` while it is an input), ``17.in`` (what drives it from outside)."""

    def __init__(self, factory: Any, info: Any) -> None:
        super().__init__(factory, info)
        self._folder: Path = factory.folder
        self._lock: int | None = None
        self._pull = "floating"
        self._frequency: float | None = None
        self._watch: threading.Event | None = None

    def close(self) -> None:
        self.when_changed = None
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def output_with_state(self, state: bool) -> None:
        self._claim()
        self._put(f"{int(state)}")

    def _claim(self) -> None:
        self._work()
        if self._lock is None:
            lock = os.open(self._folder / f"{self._number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                raise OSError("'GPIO busy'") from None
            self._lock = lock

    def _work(self) -> None:
        if (self._folder / "broken").exists():
            raise OSError("'GPIO does not answer'")

    def _put(self, text: str) -> None:
        """Replaces the level in one step, and adds it to what the pin has been since."""
        self._work()
        fresh = self._folder / f"{self._number}.new"
        fresh.write_text(text, "ascii")
        fresh.replace(self._folder / f"{self._number}.out")
        with (self._folder / f"{self._number}.history").open("a", encoding="ascii") as history:
            history.write(f"{time.monotonic():.6f} {text}\n")

    def _text(self, kind: str) -> str:
        try:
            return (self._folder / f"{self._number}.{kind}").read_text("ascii")
        except FileNotFoundError:
            return "-"

    def _get_function(self) -> str:
        return "input" if self._text("out") == "-" else "output"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(value)
        self._claim()
        self._put("-" if value == "input" else "0")

    def _get_state(self) -> float:
        self._work()
        level = self._text("out")
        if level == "-":
            level = self._text("in")
        return float(level) if level != "-" else float(self._pull == "up")

    def _set_state(self, value: float) -> None:
        if self._get_function() == "input":
            raise PinSetInput(f"{self._number} is an input")
        self._put(f"{value:.5g}" if self._frequency else f"{int(value)}")

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        self._pull = value

    def _get_frequency(self) -> float | None:
        return self._frequency

    def _set_frequency(self, value: float | None) -> None:
        self._frequency = value
        if value is None and self._get_function() == "output" and self._lock is not None:
            self._put("0")

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: float | None) -> None:
        pass

    def _get_edges(self) -> str:
        return "both"

    def _set_edges(self, value: str) -> None:
        pass

    def _enable_event_detect(self) -> None:
        self._watch = stopped = threading.Event()
        threading.Thread(target=self._poll, args=(stopped, self._get_state()), daemon=True).start()

    def _disable_event_detect(self) -> None:
        if self._watch is not None:
            self._watch.set()

    def _poll(self, stopped: threading.Event, last: float) -> None:
        while not stopped.wait(POLL_S):
            try:
                level = self._get_state()
            except OSError:
                continue
            if level != last:
                last = level
                self._call_when_changed(time.monotonic(), level)
