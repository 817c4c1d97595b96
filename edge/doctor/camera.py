"""Checks the camera."""

from ..camera.source import open_source
from ..config.schema import Config
from ..monitor.state import StateFiles, running_health
from .check import Result, State

CAMERA_LIMIT_S = 25.0
"""Seconds for opening the camera and for its first pictures."""
MIN_BRIGHTNESS = 8
"""Mean level (0..255) of a frame below which the lens is probably covered."""


def check_camera(config: Config, files: StateFiles) -> Result:
    """Uses what the running maskwatch reports, else reads one frame. Raises ``SourceError``."""
    if running := running_health(files.folder):
        condition = running.get("camera", "unknown")
        state: State = "ok" if condition in ("ok", "starting") else "FAIL"
        return state, f"the running maskwatch reports: {condition}"
    source = open_source(config.source.source, config.source)
    try:
        image = next(iter(source)).image
        text = f"{source.name}: {image.shape[1]} x {image.shape[0]}"
        if float(image.mean()) < MIN_BRIGHTNESS:
            return "warn", f"{text}, but almost black; is the lens covered?"
        return "ok", text
    finally:
        source.close()
