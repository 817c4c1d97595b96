"""What the loop passes on: a scene for each frame, to an observer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..camera.frames import Frame
from ..faces.face import Face
from ..faces.geometry import Box
from ..people.policy import Alert
from ..people.tracker import Track


@dataclass(frozen=True, slots=True)
class Scene:
    """One frame, and what is known at its time: boxes and faces of the last search, and the tracks since then.

    ``previous`` are the tracks before that search: somebody whose track has just ended may still be in the picture.
    """

    frame: Frame
    boxes: Sequence[Box] = ()
    faces: Sequence[Face] = ()
    tracks: Sequence[Track] = ()
    previous: Sequence[Track] = ()


class Observer(Protocol):
    """Receives the results: ``alert`` for each alert, ``frame_done`` after every frame."""

    def alert(self, alert: Alert, scene: Scene) -> None: ...

    def frame_done(self, scene: Scene) -> None: ...


class Unobserved:
    """An observer that has no use for the results: the caller measures a stage."""

    def alert(self, alert: Alert, scene: Scene) -> None:
        """Does nothing."""

    def frame_done(self, scene: Scene) -> None:
        """Does nothing."""
