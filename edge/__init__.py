"""maskwatch on the device: watches one entrance camera and tells people over MQTT who comes in without a mask.

Data flows one way, and the folders ("rooms") follow it. README.md in this folder shows the rooms and the threads:

    camera -> people.motion/planner -> faces -> people -> monitor.door -> outbox -> mqtt

These conventions hold everywhere. A docstring only notes exceptions.

- Images are ``(H, W, 3) uint8`` in B, G, R order. Luma is ``(h, w) uint8``; it may be smaller than the image.
- Boxes have integer pixels of the full image and are half-open: ``x0 y0 x1 y1``.
- Durations are seconds, scores and probabilities are 0..1, temperatures are degrees Celsius.
- ``Frame.time`` (monotonic seconds, from the source) is the only clock that the tracker and the policy know.
  Wall-clock time appears only where it is shown or sent, as UTC ISO 8601.
- picamera2, the TFLite runtime and aiohttp are imported inside the function that opens them.
- Each thread has a name, an owner, and an end that is bounded in time.
- The log has a line per change of state, never one per frame or per attempt.
- Exit codes: 0 ended as asked; 2 configuration or usage, after which systemd does not restart; 1 any other failure.
"""

import os

# Set before OpenCV is imported: maskwatch reports a fault of a camera or file once, in its own words.
os.environ.setdefault("OPENCV_LOG_LEVEL", "FATAL")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# The decoders know the size that they will fill, whatever the file's header said (pictures.MAX_PIXELS).
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "64000000")

__version__ = "0.1.0"
