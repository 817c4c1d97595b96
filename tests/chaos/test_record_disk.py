"""Counts on a real disk that is full for a while: none is lost, and none counts twice."""

import time
from pathlib import Path

import pytest
from support import until
from support.mounts import ext4_image, fill, mounted
from support.recorded import recorder

from edge.record.reading import read

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]
PEOPLE = 50


def test_a_full_disk_delays_counts_and_loses_none(tmp_path: Path) -> None:
    with mounted(ext4_image(tmp_path / "device"), tmp_path / "disk", "-o", "loop") as disk:
        reports: list[str | None] = []
        made = recorder(disk / "record.db", reports.append)
        made.person("mask")
        made.mark(["first"], True)
        until(lambda: any(slot.counts.people for slot in read(disk / "record.db", 0, 1e11)), "the first is on disk")
        filler = fill(disk)
        for number in range(PEOPLE):
            made.person("no_mask")
            made.mark([f"{number:036}" * 100], True)  # wakes the writer, and needs a page
            time.sleep(0.01)
        until(lambda: reports[-1] is not None, "the full disk is reported", 30)
        filler.unlink()
        until(lambda: reports[-1] is None, "it is written", 30)
        assert made.close(30)
        sums = [slot.counts for slot in read(disk / "record.db", 0, 1e11)]
        assert (sum(one.mask for one in sums), sum(one.no_mask for one in sums)) == (1, PEOPLE)
