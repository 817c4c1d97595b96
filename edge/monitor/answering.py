"""Connects the outputs to their door: who is there after each frame, and health for what is wrong with them.

It is imported only where an output is configured, and before OpenCV is: a relay has to be in its safe state within a
second of a restart, and OpenCV takes longer to load on a Raspberry Pi.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.schema import Config
from ..config.zone import Zone
from ..errors import OutputError
from ..outputs.control import Control
from ..outputs.opening import described, open_outputs
from ..outputs.outputs import Report
from ..outputs.situation import Person, Presence, is_settled
from ..people.pace import Pace
from ..people.policy import JUDGED

if TYPE_CHECKING:  # it needs OpenCV, which is not loaded yet
    from ..camera.source import Source
    from .scene import Scene

log = logging.getLogger("maskwatch")


class Answering:
    """The outputs of one door. The loop's thread calls it, except ``report`` and ``watch`` (any thread).

    Raises like ``open_outputs``.
    """

    def __init__(self, config: Config, printed: Callable[[str], None] | None = None) -> None:
        self.is_demo = printed is not None
        self._configs = config.outputs
        self._lock = threading.Lock()
        self._early: dict[str, str | None] = {}  # what was reported before there was health
        self._report: Report | None = None
        self._pace = Pace()
        self._searched = False
        self.outputs = open_outputs(config, self.report, printed=printed)

    def report(self, part: str, problem: str | None) -> None:
        """Takes a part's problem, or None when it is healthy."""
        with self._lock:
            if self._report is None:
                self._early[part] = problem
            else:
                self._report(part, problem)

    def connected(self, report: Report, source: "Source | None" = None, *, is_clip: bool = False) -> "Answering | None":
        """Reports to health from now on, and what was reported until now. Returns itself.

        If a clip plays in place of the camera, it closes itself and returns None, unless it only prints.
        """
        if is_clip and not self.is_demo:
            log.warning("the outputs stay off: the bundled clip must open no door")
            self.close()
            return None
        if self.is_demo:
            log.info("the outputs only print what they would do; alerts and states are published as always")
        elif self._configs:
            log.info("outputs: %s", ", ".join(map(described, self._configs)))
            if source and not source.live:
                log.warning("%s is no camera, and drives the outputs; --outputs-demo only prints", source.name)
        with self._lock:
            self._report = report
            for part, problem in self._early.items():
                report(part, problem)
        return self

    def frame_done(self, states: Mapping[int, str], scene: "Scene", searched: bool, unchanged: float = 0.0) -> None:
        """Takes who is present, after a frame that counts.

        ``searched`` tells whether the frame was searched. People of before a pause are known until the first search
        after it, and do not count: they may have gone. ``unchanged`` are the seconds for which the camera has shown
        nothing new.
        """
        now = time.monotonic()
        self._pace.update(now)
        self._searched = self._searched or searched
        if not self._searched:
            return self.outputs.see(Presence(now, judging=False))
        height, width = scene.frame.image.shape[:2]
        present = [(states[track.key], track) for track in scene.tracks if track.key in states]
        people = [Person(state, track.box.centre[0] / width, track.box.centre[1] / height) for state, track in present]
        unjudged = (scene.frame.time - track.first_seen for state, track in present if state not in JUDGED)
        settled = is_settled(unjudged, unchanged, self._pace.interval)
        self.outputs.see(Presence(now, people, settled=settled, interval=self._pace.interval))

    def blind(self) -> None:
        """Takes that nobody can be judged: watching is paused, or the camera sees nothing, or the loop ends."""
        self._searched = False
        self.outputs.see(Presence(time.monotonic(), judging=False))

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones."""
        self.outputs.watch(zones)

    def listen(self, path: Path) -> Control:
        """Fires an output when ``maskwatch test-output`` asks for it at this socket."""
        return Control(path, _refuse if self.is_demo else self.outputs.fire)

    def rest(self) -> None:
        """Turns every output off; alerts are still delivered."""
        self.outputs.rest()

    def close(self) -> None:
        """Turns every output off, and ends deliveries."""
        self.outputs.close()


def _refuse(name: str) -> bool:
    raise OutputError(
        "the maskwatch that is running only prints what its outputs would do (--outputs-demo); end it first"
    )
