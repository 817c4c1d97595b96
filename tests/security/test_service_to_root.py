"""A compromised service against root: it owns the state folder, and root runs every command that works there."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import ROOT
from support.users import NOBODY, open_folder

pytestmark = [
    pytest.mark.security,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be attacked, and only root becomes another user"),
]
SECRET = b'[detect]\nmin_face = 40\n[secret]\nword = "canary-of-root"\n'
LOOSE = ("protected_symlinks", "protected_hardlinks", "protected_fifos", "protected_regular")
COMMANDS = (
    ("set", "detect.min_face=60"), ("set", "web.enabled=true"), ("purge", "--all"), ("outbox", "--resend"),
    ("report", "--by", "alert"), ("report",), ("audit", "--verify"), ("forget",),
)  # fmt: skip
NAMES = ("page.toml", "outbox.db", "outbox.db-wal", "outbox.db-journal", "record.db", "health.json", "announced.json")
NAMES += ("configuration", "lock", "snapshots", "audit.jsonl")

SWAPPER = """
import itertools, os, sys
state, secret, folder = sys.argv[1:]
page, text = f"{state}/page.toml", b"[detect]\\nmin_face = 40\\n"
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
def make(name, kind):
    if kind == "link": os.symlink(secret, name)
    elif kind == "hard":
        try: os.link(secret, name)
        except OSError: os.symlink(secret, name)
    elif kind == "fifo": os.mkfifo(name)
    else:
        with open(name, "wb") as file: file.write(text)
swaps = os.open(f"{state}/swaps", os.O_WRONLY | os.O_CREAT)
print("ready", flush=True)
# each temporary file that appears becomes a link; between them page.toml changes its kind, and the folder moves away
for kind in itertools.cycle(("file", "link", "file", "hard", "file", "file")):
    try:
        make(f"{state}/.next", kind)
        os.rename(f"{state}/.next", page)
    except OSError: pass
    for _ in range(20):
        try: names = os.listdir(state)
        except OSError: continue
        for name in names:
            if ".new" in name:
                try:
                    os.unlink(f"{state}/{name}")
                    make(f"{state}/{name}", "link" if kind == "file" else "hard")
                    os.write(swaps, b".")
                except OSError: pass
"""
RACING = """
import sys, time
from pathlib import Path
from edge.config.edit import SettingsStore
from edge.errors import ConfigError
file, state, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
done, end = 0, time.monotonic() + 40  # fewer races on a busy machine
for _ in range(times):
    if time.monotonic() > end: break
    try: done += bool(SettingsStore(file, lambda config: state, {}).give_way({"detect": {"min_face": 50}}))
    except ConfigError as error: assert "canary" not in str(error)
print("changed", done)
"""


class Scene:
    """A state folder of the user nobody, a configuration of root, and things of root that must stay as they are."""

    def __init__(self, folder: Path) -> None:
        self.state, self.etc, self.root = (folder / name for name in ("lib/state", "etc", "root"))
        for made in (folder / "lib", self.state, self.etc, self.root):
            made.mkdir()
        os.chown(self.state, NOBODY, NOBODY)
        self.state.chmod(0o700)
        self.root.chmod(0o755)  # the secrets can be linked to, and not be read
        self.secret, self.picture = self.root / "secret.toml", self.root / "picture.jpg"
        for file in (self.secret, self.picture):
            file.write_bytes(SECRET)
            file.chmod(0o600)
        self.file = self.etc / "door.toml"
        self.file.write_text("[web]\nenabled = false\n")

    def run(self, *words: str, state: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "edge", words[0], "--config", str(self.file), *words[1:]]
        environment = os.environ | {"STATE_DIRECTORY": str(state or self.state)}
        return subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=25
        )

    def assert_safe(self) -> None:
        for file in (self.secret, self.picture):
            status = file.stat()
            assert file.read_bytes() == SECRET and (status.st_uid, status.st_mode & 0o777) == (0, 0o600), file
        assert sorted(self.root.iterdir()) == [self.picture, self.secret], "root made a file where a link led"
        assert sorted(os.listdir(self.etc)) == ["door.toml"] and self.file.stat().st_uid == 0


@pytest.fixture
def scene() -> Iterator[Scene]:
    with open_folder() as folder:
        yield Scene(folder)


@contextmanager
def without_protection() -> Iterator[None]:
    """Turns off what the kernel does against links: it must not be needed. For one test: tests run at the same time."""
    files = [Path("/proc/sys/fs") / name for name in LOOSE]
    before = [file.read_text() for file in files]
    try:
        for file in files:
            try:
                file.write_text("0")
            except OSError:
                pytest.skip("the kernel's protection of links cannot be turned off here")
        yield
    finally:
        for file, text in zip(files, before, strict=True):
            file.write_text(text)


@contextmanager
def attacker(code: str, *words: object) -> Iterator[None]:
    """Runs a program of the compromised service beside the block."""
    command = [sys.executable, "-c", code, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


def planted(path: Path, kind: str, target: Path) -> None:
    """Puts something into the service's folder, as the service would."""
    if kind == "link":
        path.symlink_to(target)
    elif kind == "hard link":
        path.hardlink_to(target)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(target.parent)
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False) if kind != "hard link" else None


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_the_service_has_planted_misleads_no_command(scene: Scene, words: tuple[str, ...], kind: str) -> None:
    for name in NAMES:
        planted(scene.state / name, kind if name != "snapshots" else "folder", scene.secret)
    began = time.monotonic()
    done = scene.run(*words)
    assert time.monotonic() - began < 20 and done.returncode in (0, 1, 2)
    assert "canary" not in done.stdout + done.stderr and "Traceback" not in done.stderr, done.stderr
    scene.assert_safe()
    for path in scene.state.rglob("*"):
        assert path.is_symlink() or kind == "hard link" or path.lstat().st_uid == NOBODY, f"{path} is root's"


@pytest.mark.parametrize("words", [("set", "detect.min_face=60"), ("purge", "--all"), ("outbox",)], ids=" ".join)
@pytest.mark.parametrize("where", ["the folder", "the folder above"])
def test_a_folder_that_is_a_link_leads_nowhere(scene: Scene, words: tuple[str, ...], where: str) -> None:
    above = scene.state / "above"
    above.mkdir()
    os.chown(above, NOBODY, NOBODY)
    (scene.root / "page.toml").write_bytes(SECRET)
    named = above / "state"
    if where == "the folder":
        named.symlink_to(scene.root)
        os.chown(named, NOBODY, NOBODY, follow_symlinks=False)
    else:
        above.rmdir()
        above.symlink_to(scene.root.parent)
        named = above / "root"
        os.chown(above, NOBODY, NOBODY, follow_symlinks=False)
    scene.run(*words, state=named)
    assert (scene.root / "page.toml").read_bytes() == SECRET
    (scene.root / "page.toml").unlink()
    scene.assert_safe()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_root_does_not_work_where_several_users_may_write(scene: Scene, mode: int) -> None:
    os.chown(scene.state, 0, NOBODY)
    scene.state.chmod(mode)
    for words in (("purge", "--all"), ("outbox",), ("report",)):
        done = scene.run(*words)
        assert done.returncode == 1 and "chmod go-w" in done.stderr, done.stderr
    assert not os.listdir(scene.state)


def test_a_thousand_races_gain_nothing(scene: Scene) -> None:
    """The temporary file is swapped for a link as soon as it appears, and ``page.toml`` changes its kind."""
    with without_protection(), attacker(SWAPPER, scene.state, scene.secret, scene.root):
        command = [sys.executable, "-c", RACING, scene.file, scene.state, "1000"]
        done = subprocess.run(map(str, command), cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0 and "canary" not in done.stderr, done.stderr
    assert (scene.state / "swaps").stat().st_size > 0, "no temporary file was swapped in time"
    scene.assert_safe()


def test_the_page_s_file_sets_only_what_the_page_may(scene: Scene) -> None:
    """Else the service would name the folder in which a command of root works next, or files that it reads."""
    (scene.state / "page.toml").write_text(f'[detect]\nmin_face = 70\n[state]\nfolder = "{scene.root}"\n')
    os.chown(scene.state / "page.toml", NOBODY, NOBODY)
    code = "import sys; from pathlib import Path; from edge.config.edit import SettingsStore\n"
    code += "config = SettingsStore(Path(sys.argv[1]), lambda config: Path(sys.argv[2]), {}).load()\n"
    code += "print(config.detect.min_face, repr(config.state.folder))"
    command = [sys.executable, "-c", code, scene.file, scene.state]
    done = subprocess.run(map(str, command), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "70 ''\n", done.stderr


def test_a_certificate_beside_a_file_of_another_user_is_his(scene: Scene) -> None:
    """A link in place of the key would else give him a file of root."""
    os.chown(scene.etc, NOBODY, NOBODY)
    os.chown(scene.file, NOBODY, NOBODY)
    for name in ("door.web.key", "door.web.crt"):
        planted(scene.etc / name, "link", scene.secret)
    done = scene.run("set", "--web-certificate", "web.enabled=true")
    assert done.returncode == 0, done.stderr
    for name in ("door.web.key", "door.web.crt", "door.toml"):
        status = (scene.etc / name).lstat()
        assert (status.st_uid, status.st_nlink) == (NOBODY, 1) and not (scene.etc / name).is_symlink()
        (scene.etc / name).unlink()
    scene.file.touch()
    scene.assert_safe()


def test_doctor_works_as_the_owner(scene: Scene) -> None:
    for name in NAMES[1:]:  # a pipe in place of page.toml ends it with one sentence
        planted(scene.state / name, "pipe", scene.secret)
    done = scene.run("doctor", "--source", str(scene.root))
    assert done.returncode == 1 and "working as user" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "disk" in done.stdout and "canary" not in done.stdout + done.stderr
    scene.assert_safe()
