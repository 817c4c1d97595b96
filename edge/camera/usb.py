"""USB cameras by their V4L2 node: which nodes are cameras, and which is the one that was pulled out and put back."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..config.schema import SourceConfig
from ..errors import SourceError
from .capture import Capture
from .frames import Driver

NOT_CAMERAS = ("bcm2835", "rpi", "rp1", "unicam", "pispbe")
"""Beginnings of the names of the Pi's own codec, ISP and sensor nodes."""


def usb_nodes(root: Path = Path("/")) -> list[Path]:
    """V4L2 nodes in numerical order, without the Pi's own."""
    nodes = [node for node in (root / "dev").glob("video[0-9]*") if node.name[5:].isdecimal()]
    nodes.sort(key=lambda node: int(node.name[5:]))
    return [node for node in nodes if not identity(node, root)[0].startswith(NOT_CAMERAS)]


def identity(node: Path, root: Path = Path("/")) -> tuple[str, str]:
    """The camera's name, and where it is plugged in (the path of its USB device); empty where the kernel knows none."""
    known = root / "sys/class/video4linux" / node.name
    try:
        return (known / "name").read_text().strip(), str((known / "device").resolve(strict=True))
    except OSError:
        return "", ""


def same_camera(wanted: tuple[str, str], root: Path = Path("/")) -> list[Path]:
    """The nodes of that camera now: at the same plug, else those of its name, if only one camera has it.

    Another door's camera of the same make must never stand in: two plugs with one name are no answer.
    """
    name, plug = wanted
    if not name:
        return []
    known = {node: identity(node, root) for node in usb_nodes(root)}
    here = [node for node, found in known.items() if found == wanted]
    named = [node for node, found in known.items() if found[0] == name]
    return here or (named if len({known[node][1] for node in named}) == 1 else [])


class UsbCamera:
    """Opens a USB camera by its node, and after a replug also under another number. Raises ``SourceError``.

    Which camera that is, is settled when it is opened first; until then whatever has the node is tried.
    """

    def __init__(
        self,
        node: Path,
        wanted: SourceConfig,
        root: Path = Path("/"),
        capture: Callable[[str, SourceConfig], Driver] = Capture,
    ) -> None:
        self._node, self._wanted, self._root, self._capture = node, wanted, root, capture
        self._identity = ("", "")

    def __call__(self) -> Driver:
        candidates = same_camera(self._identity, self._root) if self._identity[0] else [self._node]
        if not candidates:
            raise SourceError(
                f"{self._node} was '{self._identity[0]}', and that is not plugged in (or twice); "
                "after an exchange for another camera, restart maskwatch"
            )
        for node in candidates[:-1]:
            with suppress(SourceError):
                return self._opened(node)
        return self._opened(candidates[-1])

    def _opened(self, node: Path) -> Driver:
        driver = self._capture(str(node), self._wanted)
        self._identity = identity(node, self._root)
        return driver
