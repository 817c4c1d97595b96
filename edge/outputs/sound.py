"""Says a sentence, or plays another sound, when a situation begins: never two at a time, whatever the outputs."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from ..config.outputs import Situation, SoundConfig
from ..config.sounds import WavFile, read_sounds
from ..errors import ConfigError, OutputError
from ..phone.quiet import QuietHours
from ..timing import Backoff
from .aplay import Aplay

log = logging.getLogger(__name__)

SHORTEST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
JOIN_S = 3.0


class Sound:
    """A loudspeaker as an output. A file that has begun is played to its end; one language follows the other while the
    situation holds.

    What may not be played yet waits while the output is on. The device is tried with silence at the start and, after
    an attempt that failed, from time to time: so the problem is known before somebody comes, and ends by itself.
    """

    def __init__(self, config: SoundConfig, player: "Player") -> None:
        self._config = config
        self._files: dict[str, tuple[WavFile, ...]] | None = None  # read when it is used, and again after a fault
        self._device, self._every = config.device, config.every
        self._quiet, self._hours = QuietHours.parse(config.quiet), config.quiet
        self._player, self._lock = player, player.lock
        self._situation: str | None = None
        self._waiting: str | None = None
        self._is_tested = False
        self._problem: str | None = None  # an empty text after a success
        self._spoken_until = self._retry_at = time.monotonic()
        self._backoff = Backoff(SHORTEST_RETRY_S, LONGEST_RETRY_S)
        player.add(self)

    def set(self, on: bool, situation: Situation) -> None:
        with self._lock:
            now = situation if on else None
            if now != self._situation:
                self._situation = self._waiting = now
                self._is_tested = self._is_tested and on
                self._retry_at = time.monotonic()
                self._lock.notify()
            if self._problem:
                raise OutputError(self._problem)

    def test(self) -> None:
        with self._lock:
            if self._is_quiet():
                raise OutputError(f"not played: quiet hours {self._hours}; change its option quiet to hear it now")
            self._waiting, self._is_tested = self._situation, True
            self._lock.notify()

    def close(self) -> None:
        self._player.remove(self)

    def _is_quiet(self) -> bool:
        return self._quiet is not None and self._quiet.contains(datetime.now())

    def due(self) -> float | None:
        """Returns when it needs the device (monotonic seconds), None for not at all. Called with the lock."""
        if self._is_quiet():
            self._waiting = None
        if self._waiting:
            return self._retry_at if self._is_tested else max(self._spoken_until, self._retry_at)
        return self._retry_at if self._problem != "" else None

    def use(self, aplay: Aplay) -> None:
        """Plays what waits, or silence. Called by the player's thread, without the lock."""
        with self._lock:
            situation, self._waiting, self._is_tested = self._waiting, None, False
        try:
            if self._files is None:
                self._files = read_sounds(self._config)
            problem = self._say(situation, self._files, aplay) if situation else aplay.try_out(self._device)
        except ConfigError as error:
            problem = str(error)
        except Exception as error:  # one output must not take the others' sounds with it
            log.exception("a sound failed")
            problem = f"{type(error).__name__}: {error}"
        with self._lock:
            self._problem = problem
            if problem:
                self._files = None
                pause = self._backoff.next()
                if self._waiting is None:  # else a situation has begun meanwhile, which is tried at once
                    self._retry_at = time.monotonic() + pause
                    self._waiting = situation if situation == self._situation else None
                return
            self._backoff.reset()
            if situation:
                self._spoken_until = time.monotonic() + self._every

    def _say(self, situation: str, files: Mapping[str, Sequence[WavFile]], aplay: Aplay) -> str:
        for file in files.get(situation, ()):
            if self._situation != situation:
                break
            if problem := aplay.play(file, self._device):
                return problem
        return ""


class Player:
    """The device that all sound outputs share. Owns the thread ``sound``, which runs while there is an output."""

    def __init__(self, aplay: Aplay | None = None) -> None:
        self.lock = threading.Condition()
        self._sounds: list[Sound] = []
        self._aplay = aplay or Aplay()
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)

    def add(self, sound: Sound) -> None:
        """Lets an output play. The first one starts the thread."""
        with self.lock:
            self._sounds.append(sound)
            self.lock.notify()
        if not self._thread.is_alive():
            self._thread.start()

    def remove(self, sound: Sound) -> None:
        """Lets an output play no more. The last one ends what is played, and the thread."""
        with self.lock:
            if sound in self._sounds:
                self._sounds.remove(sound)
            is_last = not self._sounds
            self.lock.notify()
        if is_last:
            self._aplay.stop()
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        while sound := self._next():
            sound.use(self._aplay)

    def _next(self) -> Sound | None:
        """Waits until an output needs the device; None when there is no output any more."""
        with self.lock:
            while self._sounds:
                now = time.monotonic()
                due = {sound: at for sound in self._sounds if (at := sound.due()) is not None}
                first = min(due, key=lambda sound: due[sound], default=None)
                if first and due[first] <= now:
                    return first
                self.lock.wait(due[first] - now if first else None)
        return None
