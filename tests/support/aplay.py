"""A stand-in for ALSA's aplay that records what it plays, and can be busy, hang or be missing."""

from pathlib import Path

from edge.config.outputs import Situation
from edge.errors import OutputError
from edge.outputs.sound import Sound

STANDIN = """#!/bin/sh
# aplay -q [--device=DEVICE] [FILE]
for last; do :; done
case $last in
*.wav) ;;
*) last=silence; cat > /dev/null ;;
esac
echo "begin $last" >> DIR/log
if [ -e DIR/fault ]; then
    cat DIR/fault >&2
    exit 1
fi
sleep $(cat DIR/seconds)
echo "end $last" >> DIR/log
"""
OPEN_ERROR = (
    "ALSA lib pcm_dmix.c:1032:(snd_pcm_dmix_open) unable to open slave\naplay: main:831: audio open error: {}\n"
)


class Standin:
    """The recording aplay, in a folder of its own, which is PATH's first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "aplay"
        self.sounds_last(0.0)
        self.install()

    def install(self) -> None:
        self.program.write_text(STANDIN.replace("DIR", str(self.folder)))
        self.program.chmod(0o755)

    def sounds_last(self, seconds: float) -> None:
        (self.folder / "seconds").write_text(str(seconds))

    def fail(self, message: str | None) -> None:
        """Lets it fail with a message of aplay, or work again."""
        file = self.folder / "fault"
        file.unlink(missing_ok=True) if message is None else file.write_text(message)

    @property
    def log(self) -> list[str]:
        """``begin NAME`` and ``end NAME`` in order; NAME is like en/mask, or silence."""
        file = self.folder / "log"
        return [_short(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def begun(self) -> list[str]:
        """What it has begun to play, without silence."""
        return [line[6:] for line in self.log if line.startswith("begin") and line != "begin silence"]


def _short(line: str) -> str:
    word, _, path = line.partition(" ")
    return f"{word} {'/'.join(Path(path).with_suffix('').parts[-2:])}"


def problem(sound: Sound, on: bool, situation: Situation) -> str:
    """What is wrong, as the thread ``outputs`` is told when it sets the output."""
    try:
        sound.set(on, situation)
    except OutputError as error:
        return str(error)
    return ""
