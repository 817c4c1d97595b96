"""Connects the outputs to their door: who is there after each frame, and health for what is wrong with them.

It is imported only where an output is configured, and before OpenCV is: a relay has to be in its safe state within a
second of a restart, and OpenCV takes longer to load on a Raspberry Pi.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..config.schema import Config
from ..config.zone import Zone
from ..outputs.control import Control
from ..outputs.opening import open_outputs
from ..outputs.outputs import Report
from ..outputs.situation import Person, Presence
from ..people.pace import Pace
from ..people.tracker import Track

log = logging.getLogger("maskwatch")


class Answering:
    """The outputs of one door. The loop's thread calls it, except ``report`` and ``watch`` (any thread).

    Raises like ``open_outputs``.
    """

    def __init__(self, config: Config, printed: Callable[[str], None] | None = None) -> None:
        self._is_demo = printed is not None
        self._lock = threading.Lock()
        self._early: dict[str, str | None] = {}  # what was reported before there was health
        self._report: Report | None = None
        self._pace = Pace()
        self._searched = False
        self._control: Control | None = None
        self.outputs = open_outputs(config, self.report, printed=printed)

    def report(self, part: str, problem: str | None) -> None:
        """Takes a part's problem, or None when it is healthy."""
        with self._lock:
            if self._report is None:
                self._early[part] = problem
            else:
                self._report(part, problem)

    def connected(self, report: Report, *, is_clip: bool = False) -> "Answering | None":
        """Reports to health from now on, and what was reported until now. Returns itself.

        If a clip plays in place of the camera, it closes itself and returns None, unless it only prints.
        """
        if is_clip and not self._is_demo:
            log.warning("the outputs stay off: the bundled clip must open no door")
            self.close()
            return None
        with self._lock:
            self._report = report
            for part, problem in self._early.items():
                report(part, problem)
        return self

    def frame_done(
        self, states: Mapping[int, str], tracks: Sequence[Track], size: tuple[int, int], searched: bool
    ) -> None:
        """Takes who is present, after a frame that counts; ``size`` is its (width, height).

        ``searched`` tells whether the frame was searched. People of before a pause are known until the first search
        after it, and do not count: they may have gone.
        """
        now = time.monotonic()
        self._pace.update(now)
        self._searched = self._searched or searched
        if not self._searched:
            return self.outputs.see(Presence(now, judging=False))
        people = [
            Person(states[track.key], track.box.centre[0] / size[0], track.box.centre[1] / size[1])
            for track in tracks
            if track.key in states
        ]
        self.outputs.see(Presence(now, people, interval=self._pace.interval))

    def blind(self) -> None:
        """Takes that nobody can be judged: watching is paused, or the camera sees nothing, or the loop ends."""
        self._searched = False
        self.outputs.see(Presence(time.monotonic(), judging=False))

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones."""
        self.outputs.watch(zones)

    def listen(self, path: Path) -> None:
        """Fires an output when ``maskwatch test-output`` asks for it at this socket."""
        self._control = Control(path, self.outputs.fire)

    def rest(self) -> None:
        """Turns every output off; alerts are still delivered."""
        if self._control is not None:
            self._control.close()
        self.outputs.rest()

    def close(self) -> None:
        """Turns every output off, and ends deliveries."""
        self.rest()
        self.outputs.close()
