"""maskwatch on the device: watch one entrance camera, tell people over MQTT who comes in without a mask.

Data flows one way, and so do the imports:

    source -> frame -> faces -> classify -> track -> decide -> messages -> publish -> MQTT

Conventions, said once; docstrings below only note exceptions:

- Images are ``(H, W, 3) uint8`` in B, G, R order; luma is ``(h, w) uint8`` (it may be smaller than the image).
- Boxes are integer pixels of the full image, half-open: ``x0 y0 x1 y1``.
- Durations are seconds, scores and probabilities are 0..1, temperatures are degrees Celsius.
- ``Frame.time`` (monotonic seconds, from the source) is the only clock that ``track`` and ``decide`` know.
  Wall-clock time appears only where something is shown or sent, as UTC ISO 8601.
"""

import os

# Before OpenCV is imported: what goes wrong with a camera or file is said once, in our own words.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

__version__ = "0.1.0"
