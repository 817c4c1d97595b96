"""Plays one WAV file with aplay, the player of ALSA's Debian package alsa-utils, and says why it cannot."""

import io
import os
import shutil
import wave

from ..children import public_environment
from ..config.sounds import WavFile
from .program import Ending, Program

SPARE_S = 5.0
"""Seconds that aplay may take longer than the sound lasts: some devices open slowly."""
MISSING = (
    "it is not there; `aplay -L` lists the devices of this machine (the service sees them after install.sh --sound)"
)
CONVERT = "it does not take sounds of this kind; name it plughw:... instead of hw:..., which converts them"
HINTS = {
    "audio open error: No such file or directory": MISSING,
    "audio open error: No such device": MISSING,
    "audio open error: Device or resource busy": "another program uses it; end that program",
    "audio open error: Permission denied": "the service needs install.sh --sound, a user the group audio",
    "Sample format non available": CONVERT,
    "Channels count non available": CONVERT,
}
"""What a person can do, by what aplay says."""


class Aplay:
    """Plays one sound at a time in the calling thread. ``stop`` may come from any thread, and is for good."""

    def __init__(self) -> None:
        self._program = Program(public_environment() | {"LC_ALL": "C"})  # its messages are read

    def play(self, file: WavFile, device: str) -> str:
        """Plays a file to its end; returns why it could not, or an empty text. ``device`` is ALSA's, or empty."""
        return self._run([os.path.abspath(file.path)], b"", file.seconds, device)

    def try_out(self, device: str) -> str:
        """Plays a tenth of a second of silence; returns why it could not, or an empty text."""
        return self._run([], SILENCE, 0.1, device)

    def stop(self) -> None:
        """Ends the sound that is played, and lets none be played any more."""
        self._program.stop()

    def _run(self, arguments: list[str], payload: bytes, seconds: float, device: str) -> str:
        name = f"the sound device {device}" if device else "the default sound device"
        # asked each time: alsa-utils may be installed while maskwatch runs
        if not (program := shutil.which("aplay")):
            return "aplay is missing, which plays sounds: sudo apt install alsa-utils"
        command = [os.path.abspath(program), "-q", *([f"--device={device}"] if device else []), *arguments]
        try:
            ending = self._program.run(command, payload, seconds + SPARE_S)
        except OSError as error:
            return f"{command[0]} does not start: {error.strerror}"
        return "" if ending.code == 0 or self._program.stopped else f"{name} does not play: {_reason(ending, seconds)}"


def _reason(ending: Ending, seconds: float) -> str:
    if ending.code is None:
        return f"a sound of {seconds:.1f} s had not ended after {seconds + SPARE_S:.1f} s, so aplay was ended"
    # aplay: FUNCTION:LINE: MESSAGE; lines of libraries are before it, and lists of what is possible behind it
    messages = [line.split(":", 3)[-1].strip() for line in ending.said if line.startswith("aplay: ")]
    message = [f"aplay ended with exit code {ending.code}", *ending.said[-1:], *messages][-1]
    return HINTS.get(message, message)


def _silence() -> bytes:
    with io.BytesIO() as file:
        with wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(16000)
            wav.writeframes(bytes(2 * 1600))
        return file.getvalue()


SILENCE = _silence()
