"""Opens USB cameras by their V4L2 node, and recognizes a camera that was unplugged and plugged in again."""

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
    """Lists the V4L2 nodes in numerical order, without the Pi's own."""
    nodes = [node for node in (root / "dev").glob("video[0-9]*") if node.name[5:].isdecimal()]
    nodes.sort(key=lambda node: int(node.name[5:]))
    return [node for node in nodes if not identity(node, root)[0].startswith(NOT_CAMERAS)]


def identity(node: Path, root: Path = Path("/")) -> tuple[str, str]:
    """Returns the camera's name and the path of its USB device, which tells the port. Both are empty if unknown."""
    entry = root / "sys/class/video4linux" / node.name
    try:
        return (entry / "name").read_text("utf-8", "replace").strip(), str((entry / "device").resolve(strict=True))
    except OSError:
        return "", ""


def same_camera(camera: tuple[str, str], root: Path = Path("/")) -> list[Path]:
    """Returns the present nodes of a camera by its ``identity``: those at its port, else those with its name.

    The name alone counts only if one camera has it. With two of them the result is empty, because the other camera
    may watch another door.
    """
    name, _ = camera
    if not name:
        return []
    known = {node: identity(node, root) for node in usb_nodes(root)}
    at_port = [node for node, other in known.items() if other == camera]
    with_name = [node for node, other in known.items() if other[0] == name]
    return at_port or (with_name if len({known[node][1] for node in with_name}) == 1 else [])


class UsbCamera:
    """Opens a USB camera by its node, and after a replug under whatever number it then has.

    Which camera that is becomes fixed when it is opened for the first time; until then any camera at the node is
    tried. A call raises ``SourceError`` if the camera cannot be opened.
    """

    def __init__(
        self,
        node: Path,
        config: SourceConfig,
        root: Path = Path("/"),
        capture: Callable[[str, SourceConfig], Driver] = Capture,
    ) -> None:
        self._node = node
        self._config = config
        self._root = root
        self._capture = capture
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
                return self._open(node)
        return self._open(candidates[-1])

    def _open(self, node: Path) -> Driver:
        driver = self._capture(str(node), self._config)
        self._identity = identity(node, self._root)
        return driver
