"""Finds pictures of which a decoder had to make up a part, and marks them: they must not be judged."""

import logging
import time

import numpy as np
from numpy.typing import NDArray

from .frames import Driver, Image, Picture, as_image

log = logging.getLogger(__name__)

SAMPLE_STEP = 8
"""Every eighth pixel of every eighth row is examined. At 1280x720 this takes 0.15 ms per picture (x86)."""
GREY, GREY_FILL = (118, 136), (123, 132)
"""Levels of a neutral grey, and those where a decoder had nothing: 128, or 130 in the narrow range of video. Where such
a picture was coded once more, (122, 125, 123) was measured."""
GREEN = (100, 24)
"""The least green, and the most of the others, where all planes are empty: (0, 135, 0)."""
MIN_SHARE = 0.01
"""Share of the picture that must be filled newly. In 17,440 pictures of 37 clips of whole pictures an area that looked
filled was 0.0018 at most, and 0.0039 without colour, as at night under infrared light."""
UNIFORM_SHARE = 0.9
"""Share of the new area that must have one level, and the two beside it. A grey wall has a gradient, and noise."""
ACCEPTED_AFTER_S = 30.0
"""Seconds without a whole picture after which damaged ones are taken: the filled area may be a part of the scene, or
the decoder may always complain about this camera. The groups of pictures of most cameras are shorter."""
KNOWN_S = 10.0
"""Seconds for which a grey or green area that was taken as a part of the scene is remembered, at least."""
EPISODE_S = 10.0
"""Seconds without damage after which the next damage is logged again."""

Mask = NDArray[np.bool_]


def grey_and_green(sample: Image) -> Mask:
    """Returns where samples are grey, and where they are green, with their neighbours to the right and below."""
    blue, green, red = sample[..., 0], sample[..., 1], sample[..., 2]
    low, span = np.uint8(GREY[0]), GREY[1] - GREY[0]  # below ``low`` the difference wraps
    grey = (green - low <= span) & (blue - low <= span) & (red - low <= span)
    colours = np.stack((grey, (green >= GREEN[0]) & (blue <= GREEN[1]) & (red <= GREEN[1])))
    return colours[:, :-1, :-1] & colours[:, 1:, :-1] & colours[:, :-1, 1:] & colours[:, 1:, 1:]


def is_fill(levels: NDArray[np.uint8], is_grey: bool) -> bool:
    """Returns whether the green channel of an area is as uniform as what a decoder fills in."""
    near = np.convolve(np.bincount(levels, minlength=256), np.ones(3, int), "same")
    level = int(near.argmax())
    return bool(near[level] >= UNIFORM_SHARE * levels.size and (not is_grey or GREY_FILL[0] <= level <= GREY_FILL[1]))


class DamageGuard:
    """Tells damaged pictures of one source from whole ones, by what its earlier pictures were like.

    It outlives the driver: a camera that is opened again must not begin with a damaged picture.
    """

    def __init__(self) -> None:
        self._known: list[Mask] = []
        self._known_since = float("-inf")
        self._whole_at: float | None = None
        self._damaged_at = float("-inf")

    def is_damaged(self, picture: Picture, name: str) -> bool:
        """Returns whether the decoder says so, or an area appeared that is filled with its grey or green."""
        image = as_image(picture.image)
        if image is None:
            return False
        now = time.monotonic() if picture.time is None else picture.time
        if self._whole_at is None or now < self._whole_at:  # the first picture, or a recording begins again
            self._whole_at = now
        sample = image[::SAMPLE_STEP, ::SAMPLE_STEP]
        mask = grey_and_green(sample)
        if not picture.is_damaged and not self._appeared(mask, sample):
            self._whole_at = now
            self._remember(mask, now)
            return False
        if now - self._whole_at >= ACCEPTED_AFTER_S:
            self._remember(mask, now)
            return False
        if now - self._damaged_at >= EPISODE_S or now < self._damaged_at:
            log.warning("%s: pictures are damaged in part (lost packets?); they are left out", name)
        self._damaged_at = now
        return True

    def _appeared(self, mask: Mask, sample: Image) -> bool:
        if not self._known or self._known[0].shape != mask.shape:
            return False
        new = mask & ~np.logical_or.reduce(self._known)
        least = MIN_SHARE * new[0].size
        return any(
            np.count_nonzero(area) >= least and is_fill(sample[:-1, :-1, 1][area], is_grey)
            for area, is_grey in zip(new, (True, False), strict=True)
        )

    def _remember(self, mask: Mask, now: float) -> None:
        """Keeps what was grey or green in this period and in the one before. Noise may hide an area for a moment."""
        if not self._known or self._known[0].shape != mask.shape:
            self._known, self._known_since = [mask], now
        elif 0 <= now - self._known_since < KNOWN_S:
            self._known[-1] |= mask
        else:
            self._known, self._known_since = [self._known[-1], mask], now


class GuardedDriver:
    """Marks the damaged pictures of a driver."""

    def __init__(self, driver: Driver, guard: DamageGuard) -> None:
        self.name = driver.name
        self._driver = driver
        self._guard = guard

    def read(self) -> Picture | None:
        """Reads the next picture and marks it if it is damaged."""
        picture = self._driver.read()
        if picture is None or not self._guard.is_damaged(picture, self.name):
            return picture
        return picture._replace(is_damaged=True)

    def close(self) -> None:
        """Closes the wrapped driver."""
        self._driver.close()
