"""Tests with clips of real doors that no picture of a whole clip is taken for a damaged one."""

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.damage import DamageGuard
from edge.camera.frames import Picture
from edge.camera.recordings import VideoFile

CLIPS = sorted(Path("/work/shared/data").glob("*-clips/*.mp4"))
EVERY = 12
"""Of all clips, one in so many is looked at by default; ``make chaos`` looks at the others."""


@pytest.mark.skipif(not CLIPS, reason="the clips of real doors are not on this machine")
@pytest.mark.parametrize(
    "clip",
    [
        pytest.param(clip, id=clip.stem, marks=[] if number % EVERY == 0 else [pytest.mark.chaos])
        for number, clip in enumerate(CLIPS)
    ],
)
def test_clips_of_real_scenes_lose_nothing(clip: Path) -> None:
    """With their colours, and without, as at night."""
    guard, night = DamageGuard(), DamageGuard()
    with closing(VideoFile(clip)) as video:
        while (picture := video.read()) is not None:
            assert not guard.is_damaged(picture, clip.name), picture.time
            grey = np.asarray(cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY))
            assert not night.is_damaged(Picture(grey, time=picture.time), clip.name), picture.time
