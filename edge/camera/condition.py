"""Judges the pictures of a live camera: frozen ones, and dark ones."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .frames import Condition, Image

FROZEN_AFTER_S = 6.0
"""Seconds of bit-identical pictures after which a camera counts as frozen. A sensor's noise makes every picture
different, and every key picture of a coded stream: of five encoder settings over a still scene with a noise of 0.7 to 3
levels, none gave two equal key pictures in 30 s, and three of four gave equal ones without noise. Between two key
pictures a codec repeats a still scene bit for bit, for 14 s at the length of x264's groups (250 pictures)."""
FROZEN_WITHOUT_KEY_S = 60.0
"""The same, for a coded stream without a key picture in that time."""
MOVED_LEVELS = 1.0
"""Mean difference, in levels, between two pictures that a codec does not make by refining a still picture."""
NEW_LEVELS = 32.0
"""Difference of one pixel, in levels, that a codec does not make of a still picture. At three settings of x264, a
picture that was repeated gave 22 at most, and somebody who walks up to a door 57 in half of the pictures."""
DARK_AFTER_S = 4.0
"""Seconds of pictures that show nothing after which a camera counts as dark."""
SETTLING_S = 3.5
"""Seconds after the first picture that are not judged: exposure has to settle, and the first pictures are often black.
With the limits above a camera that is dark or frozen from the start is still reported within 10 s."""
DARK_MEAN, LIT_MEAN = 16.0, 20.0
"""Mean brightness, of 255 levels. A low-contrast picture below the first is dark; above the second it is dark no more.
The gap between them keeps the condition from alternating."""
DARK_MAX_CONTRAST = 10.0
"""Standard deviation, in levels, above which a picture shows something, however dark it is."""
MIN_CONTRAST = 3.0
"""Standard deviation, in levels, below which a picture shows nothing, however bright it is: the lens is covered or
dazzled."""
SAMPLE_STEP = 8
"""Every eighth pixel of every eighth row is examined."""
REASONS = {
    "frozen": "the same picture again and again; restart the camera",
    "dark": "nothing to see; is the lens covered, or the light off?",
}
"""What is reported with a condition, and what to do about it."""


class ConditionWatch:
    """Judges the pictures of one camera; ``condition`` is ``ok``, ``frozen`` or ``dark``.

    ``frozen_after``, ``dark_after`` and ``settling`` are seconds. ``new_at`` is the time of the last picture that shows
    something else than the one before. A picture of before that may be of a camera that is frozen or dark already.
    """

    def __init__(
        self,
        frozen_after: float = FROZEN_AFTER_S,
        dark_after: float = DARK_AFTER_S,
        settling: float = SETTLING_S,
    ) -> None:
        self.condition: Condition = "ok"
        self.new_at = float("-inf")
        self._frozen_after = frozen_after
        self._dark_after = dark_after
        self._settling = settling
        self._previous: NDArray[np.uint8] | None = None
        self._previous_key: NDArray[np.uint8] | None = None
        self._repeated = False
        self._changed_at = self._identical_since = self._visible_at = float("-inf")

    def update(self, image: Image, now: float, is_key: bool | None = None) -> Condition:
        """Takes the next picture and its time. Returns the condition.

        ``is_key`` tells of a coded stream whether the picture is coded by itself. It is None where all of them are.
        """
        sample = np.ascontiguousarray(image[::SAMPLE_STEP, ::SAMPLE_STEP])
        is_new = self._previous is not None and self._is_new(sample, self._previous, is_key)
        if self._previous is None:
            self._changed_at = self._identical_since = self._visible_at = now + self._settling
        else:
            self._compare(sample, self._previous, now, is_key)
        self._previous = sample
        if is_key:
            self._previous_key = sample
        mean, contrast = float(sample.mean()), float(sample.std(axis=(0, 1)).max())
        dark = mean < (DARK_MEAN if self.condition == "ok" else LIT_MEAN) and contrast < DARK_MAX_CONTRAST
        if not dark and contrast >= MIN_CONTRAST:
            self._visible_at = now
            self.new_at = now if is_new else self.new_at
        frozen = self._repeated and now - self._changed_at > self._frozen_after
        if frozen or now - self._identical_since > FROZEN_WITHOUT_KEY_S:
            self.condition = "frozen"
        else:
            self.condition = "dark" if now - self._visible_at > self._dark_after else "ok"
        return self.condition

    def _is_new(self, sample: Image, previous: Image, is_key: bool | None) -> bool:
        """Returns whether a frozen camera would not give this picture after the previous one."""
        both_keys = is_key and previous is self._previous_key  # in Motion JPEG every picture is one
        if is_key is None or both_keys or sample.shape != previous.shape:
            return not np.array_equal(sample, previous)
        return cv2.norm(sample, previous, cv2.NORM_INF) > NEW_LEVELS

    def _compare(self, sample: Image, previous: Image, now: float, is_key: bool | None) -> None:
        """Notes whether the camera sees something new, by the rules for its kind of stream."""
        identical = np.array_equal(sample, previous)
        if not identical:
            self._identical_since = now
        if is_key is False:
            changed = sample.shape != previous.shape or cv2.norm(sample, previous, cv2.NORM_L1) > (
                MOVED_LEVELS * sample.size
            )
        elif is_key:
            changed = self._previous_key is None or not np.array_equal(sample, self._previous_key)
        else:
            changed = not identical
        if changed:
            self._changed_at, self._repeated = now, False
        elif is_key is not False:
            self._repeated = True
