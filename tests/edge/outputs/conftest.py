"""Fixtures for tests of sounds (a recording aplay, and outputs that play with it) and of sinks (an outbox with one)."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.aplay import Standin
from support.sinks import SinkDoor

from edge.config.outputs import SoundConfig
from edge.outputs.sound import Player, Sound


@pytest.fixture
def aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standin:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Standin(tmp_path / "bin")


@pytest.fixture
def sounds(aplay: Standin) -> Iterator[Callable[..., Sound]]:
    """Opens sound outputs of one player, and waits until they have tried the device."""
    player, opened = Player(), list[Sound]()

    def open_sound(**options: Any) -> Sound:
        tried = aplay.log.count("begin silence")
        opened.append(Sound(SoundConfig(**{"name": "voice", "every": 0.0} | options), player))
        until(lambda: aplay.log.count("begin silence") > tried)
        return opened[-1]

    yield open_sound
    for sound in opened:
        sound.close()
    assert "sound" not in [thread.name for thread in threading.enumerate()]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[SinkDoor]:
    door = SinkDoor(tmp_path)
    yield door
    door.receiver.blocked = False
    door.sink.close(time.monotonic())
