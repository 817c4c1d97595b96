"""``maskwatch set`` on files as they occur: any locale, line ends, marks, links, mounts, rights, pipes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.commands import ASCII, maskwatch
from support.mounts import fill, mounted, remount, small_disk

from edge.config.edit import SettingsStore, write
from edge.config.load import load
from edge.errors import ConfigError

TEXT = '# Tür\n[device]\nname = "a" # übrig\n\n[source]\nsource = "clip.mp4"\n'
NAMED = TEXT.replace('"a"', '"b"')


@pytest.fixture
def latin(tmp_path: Path) -> dict[str, str]:
    """The environment of a locale in Latin-1, made for this test."""
    folder = tmp_path / "locales"
    folder.mkdir()
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(folder / "de_DE")]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("localedef makes no locale here (sudo apt install locales)")
    return {"LC_ALL": "de_DE", "LOCPATH": str(folder), "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    path = folder / "maskwatch.toml"
    path.write_bytes(TEXT.encode())
    path.chmod(0o640)
    return path


def assert_alone(file: Path) -> None:
    assert os.listdir(file.parent) == [file.name], "no other file is left in the folder"


def assert_utf8_is_written(file: Path, env: dict[str, str]) -> None:
    done = maskwatch("set", "--config", file, "source.source=/srv/Tür/März.mp4".encode(), "device.name=b", env=env)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == NAMED.replace("clip.mp4", "/srv/Tür/März.mp4").encode()
    assert_alone(file)


def test_a_file_is_written_in_utf8_in_a_locale_of_ascii(file: Path) -> None:
    assert_utf8_is_written(file, ASCII)


def test_a_file_is_written_in_utf8_in_a_locale_of_latin_1(file: Path, latin: dict[str, str]) -> None:
    assert_utf8_is_written(file, latin)
    done = maskwatch("set", "--config", file, "source.source=Mär".encode("latin-1"), env=latin)
    assert done.returncode == 0 and load(file).source.source == "Mär", "what is typed there is Latin-1"


def test_a_value_that_is_not_utf8_is_refused(file: Path) -> None:
    done = maskwatch("set", "--config", file, b"source.source=M\xe4r", env=ASCII)
    assert done.returncode == 2 and b"is not UTF-8; nothing was changed" in done.stderr
    assert file.read_bytes() == TEXT.encode() and b"Traceback" not in done.stderr
    assert_alone(file)


def test_a_password_with_other_letters_is_the_same_in_any_locale(file: Path, latin: dict[str, str]) -> None:
    from edge.serving.passwords import matches

    for env in (ASCII, latin, {}):
        done = maskwatch("set", "--config", file, "--web-password", env=env, input="schlüssel\n".encode())
        assert done.returncode == 0, done.stderr
        assert matches("schlüssel", load(file).web.password_hash)


@pytest.mark.parametrize("content", ["Tür".encode("latin-1"), TEXT.encode("utf-16"), b"\xff"])
def test_a_file_that_is_not_utf8_stays_as_it_is(file: Path, content: bytes) -> None:
    file.write_bytes(b"# a\n" + content)
    done = maskwatch("set", "--config", file, "device.name=b")
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1
    assert b"line 2 is not UTF-8; save the file as UTF-8" in done.stderr
    assert file.read_bytes() == b"# a\n" + content
    assert_alone(file)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "mark"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "mixed"])
def test_line_ends_and_the_byte_order_mark_are_kept(file: Path, ends: str, mark: str) -> None:
    lines = TEXT.splitlines()
    kinds = ["\n", "\r\n", "\r\n", "\r\n", "\n", "\r\n"] if ends == "mixed" else [ends] * len(lines)
    text = mark + "".join(line + end for line, end in zip(lines, kinds, strict=True))
    file.write_bytes(text.encode())
    write(file, {"device": {"name": "b"}})
    assert file.read_bytes() == text.replace('"a"', '"b"').encode()
    write(file, {"web": {"port": 81}, "source": {"fps": 5.0}})
    added = file.read_bytes().decode()
    usual = "\n" if ends == "\n" else "\r\n"
    assert f"port = 81{usual}" in added and f"fps = 5.0{usual}" in added
    for line, end in zip(NAMED.splitlines()[:4], kinds, strict=False):
        assert line + end in added
    assert load(file).web.port == 81 and added.startswith(mark + "#")


def test_the_page_keeps_line_ends_and_mark_too(file: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    page = state / "page.toml"
    page.write_bytes(b"\xef\xbb\xbf# of the page\r\n[detect]\r\nmin_face = 40\r\ngate = false\r\n")
    store = SettingsStore(file, lambda config: state, {})
    assert store.give_way({"detect": {"gate": True}}) == ["detect.gate"]
    assert page.read_bytes() == b"\xef\xbb\xbf# of the page\r\n[detect]\r\nmin_face = 40\r\n"


def test_a_bind_mounted_file_is_written_in_place(file: Path, tmp_path: Path) -> None:
    """A rename over a mount fails with EBUSY. Containers are given their configuration so."""
    inside = tmp_path / "inside" / "maskwatch.toml"
    inside.parent.mkdir()
    inside.touch()
    with mounted(file, inside, "--bind"):
        done = maskwatch("set", "--config", inside, "device.name=bb")
        assert done.returncode == 0, done.stderr
        write(inside, {"device": {"name": "b"}})  # shorter
        assert file.read_bytes() == inside.read_bytes() == NAMED.encode()
        assert_alone(file)
        assert_alone(inside)


def test_a_bind_mounted_file_in_a_read_only_system_is_written_in_place(file: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "system") as system:
        inside = system / file.name
        inside.touch()
        with mounted(file, inside, "--bind"):
            remount(system, "ro")
            write(inside, {"device": {"name": "b"}})
            assert SettingsStore(inside, lambda config: tmp_path, {}).keep({"source": {"fps": 5.0}}).source.fps == 5.0
            assert "fps = 5.0" in file.read_text("utf-8"), "the page writes into the file too"
            assert os.listdir(system) == [file.name]


def test_links_are_kept(file: Path, tmp_path: Path) -> None:
    relative, hard = tmp_path / "link.toml", tmp_path / "hard.toml"
    relative.symlink_to(Path("etc") / file.name)
    (tmp_path / "link2.toml").symlink_to(relative)
    write(tmp_path / "link2.toml", {"device": {"name": "b"}})
    assert relative.is_symlink() and file.read_bytes() == NAMED.encode()
    hard.hardlink_to(file)
    write(hard, {"device": {"name": "c"}})
    assert file.samefile(hard) and load(file).device.name == "c"
    assert file.stat().st_mode & 0o777 == 0o640
    assert_alone(file)


@pytest.mark.parametrize("owner", [12345, 0])
def test_a_file_in_a_folder_that_may_not_be_written_is_written_in_place(file: Path, owner: int) -> None:
    """Also a file of another user, which a rename would make one's own."""
    if os.geteuid() != 0:
        pytest.skip("only root may act as another user")
    os.chown(file, owner, 12345)
    file.chmod(0o660)
    for folder in (file.parent, *file.parent.parents[:-2]):
        folder.chmod(0o755)
    code = "import os, sys, tomlkit; from pathlib import Path; from edge.config.edit import write\n"
    code += "os.setgroups([]); os.setegid(12345); os.seteuid(12345)\n"
    code += "write(Path(sys.argv[1]), {'device': {'name': 'b'}})"
    done = subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == NAMED.encode()
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (owner, 12345, 0o660)
    assert_alone(file)


@pytest.mark.parametrize("linked", [False, True], ids=["replaced", "in place"])
def test_a_full_disk_leaves_the_file_as_it_is(tmp_path: Path, linked: bool) -> None:
    with small_disk(tmp_path / "small") as disk:
        file = disk / "etc" / "maskwatch.toml"
        file.parent.mkdir()
        file.write_text(TEXT, "utf-8")
        if linked:
            (disk / "link.toml").hardlink_to(file)
        fill(disk)
        done = maskwatch("set", "--config", file, f"source.source={'x' * 9000}")
        assert done.returncode == 2 and b"cannot be written (No space left on device); nothing" in done.stderr
        assert file.read_text("utf-8") == TEXT
        assert_alone(file)


def test_access_control_lists_are_kept(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no attributes")
    write(file, {"device": {"name": "b"}})
    assert os.getxattr(file, "user.note") == b"kept"


def test_names_are_printed_in_any_locale(file: Path) -> None:
    folder = file.parent.with_name("Tür €")
    file.parent.rename(folder)
    done = maskwatch("set", "--config", folder / file.name, "device.name=b", env=ASCII)
    assert done.returncode == 0 and b"device.name changed" in done.stdout, done.stderr
    assert b"device.name" in maskwatch("set", "--config", folder / file.name, "device.name=B", env=ASCII).stderr


def test_what_is_saved_meanwhile_is_kept(file: Path) -> None:
    class Slow(dict[str, Any]):
        """Options that an editor is faster than."""

        def items(self) -> Any:
            file.write_text(file.read_text().replace("übrig", "neu"))
            return super().items()

    write(file, Slow(device={"name": "b"}))
    assert file.read_text() == NAMED.replace("übrig", "neu")


def test_a_file_that_has_been_deleted_is_not_written_anew(file: Path) -> None:
    with file.open() as opened:
        file.unlink()
        with pytest.raises(ConfigError, match="the file has been deleted"):
            write(Path(f"/dev/fd/{opened.fileno()}"), {"device": {"name": "b"}})
    assert not os.listdir(file.parent)


def test_a_link_in_the_state_folder_is_not_followed(file: Path, tmp_path: Path) -> None:
    """``sudo maskwatch set`` writes into the folder of a service that somebody may have broken into."""
    state, other = tmp_path / "state", tmp_path / "other"
    state.mkdir()
    other.write_text("[detect]\nmin_face = 40\n")
    (state / "page.toml").symlink_to(other)
    SettingsStore(file, lambda config: state, {}).give_way({"detect": {"min_face": 50}})
    assert other.read_text() == "[detect]\nmin_face = 40\n" and not (state / "page.toml").is_symlink()
