"""What outputs name on this machine: files of webhooks, sounds, programs. What is missing stops no service."""

import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.canaries import private

from edge.config.load import load
from edge.config.sounds import read_sounds
from edge.config.webhooks import WebhookAccess, read_webhook
from edge.errors import ConfigError
from edge.outputs.faults import output_faults

URL = "https://hook.lan/alerts"


def output(driver: str, **options: Any) -> Any:
    (only,) = load(None, {"outputs": {driver: options}}).outputs
    return only


def lack(driver: str, **options: Any) -> str:
    """What an output lacks, whose options are accepted."""
    return output_faults((output(driver, **options),), ())[driver]


def recording(path: Path, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * int(8000 * seconds)))
    return path


def test_a_webhook_is_read_from_its_files(tmp_path: Path) -> None:
    url, key, token = (private(tmp_path / name, f" {text} ") for name, text in (("u", URL), ("k", "kéy"), ("t", "abc")))
    hook = output("webhook", url_file=str(url), secret_file=str(key), token_file=str(token))
    assert read_webhook(hook) == WebhookAccess(URL, "abc", "kéy".encode())
    assert URL not in repr(read_webhook(hook))
    key.chmod(0o644)
    assert "secret_file" in lack("webhook", url=URL, secret_file=str(key))
    with pytest.raises(ConfigError, match="can be read by every user; chmod 640 it"):
        read_webhook(hook)


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("secret_file", " \n", "is empty"),
        ("token_file", "", "is empty"),
        ("token_file", "Kanari b", "the file must contain the token alone, on one line"),
        ("token_file", "a\nb", "the file must contain the token alone"),
        ("url_file", "", "is empty"),
        ("url_file", "ftp://Kanari", "outputs.webhook.url_file: must begin with http:// or https://; use an address"),
    ],
)
def test_a_file_of_a_webhook_with_something_else_is_named(
    tmp_path: Path, option: str, content: str, message: str
) -> None:
    file = str(private(tmp_path / "file", content))
    line = lack("webhook", **({"url": URL} if option != "url_file" else {}), **{option: file})
    assert message in line and "Kanari" not in line


def test_a_login_in_the_address_and_a_token_are_refused(tmp_path: Path) -> None:
    token = str(private(tmp_path / "token", "abc"))
    with pytest.raises(ConfigError, match="leave one out"):
        output("webhook", url="https://a:b@hook.lan/", token_file=token)
    url = str(private(tmp_path / "url", "https://a:b@hook.lan/"))
    assert "leave one out" in lack("webhook", url_file=url, token_file=token)


def test_sounds_of_the_owner_are_found_by_language(tmp_path: Path) -> None:
    common, german = recording(tmp_path / "no_mask.wav"), recording(tmp_path / "de" / "no_mask.wav", 1.0)
    mask = recording(tmp_path / "mask.wav")
    options = {"files": str(tmp_path), "languages": ["de", "en", "fr"], "when": ["no_mask", "mask"]}
    found = read_sounds(output("sound", **options))
    assert [file.path for file in found["no_mask"]] == [german, common], "one for the other languages, played once"
    assert [file.path for file in found["mask"]] == [mask]
    assert [round(file.seconds, 1) for file in found["no_mask"]] == [1.0, 0.5]
    assert "there is no de/nobody.wav and no nobody.wav" in lack("sound", **options | {"when": ["nobody"]})


def telephone(file: Path) -> None:
    """Names mu-law as the encoding of a recording, which aplay refuses."""
    file.write_bytes(file.read_bytes().replace(b"fmt \x10\0\0\0\1", b"fmt \x10\0\0\0\7"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda file: file.write_text("RIFF no WAVE"),
            "is no WAV file that aplay plays; convert it, for example by ffmpeg",
        ),
        (lambda file: file.write_bytes(b"RIFF\0\0\0\0WAVE"), "is no WAV file"),
        (lambda file: telephone(recording(file)), "is no WAV file that aplay plays"),
        (lambda file: recording(file, 61), "lasts 61 s; at most 60 s are allowed"),
        (lambda file: file.mkdir(), "cannot be read: it is a folder"),
        (os.mkfifo, "cannot be read: it is a named pipe"),
        (lambda file: file.symlink_to("none"), "cannot be read: No such file"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path / "no_mask.wav")
    assert message in lack("sound", files=str(tmp_path), when=["no_mask"])


@pytest.mark.parametrize(
    ("driver", "options", "message"),
    [
        ("webhook", {"url_file": "/none"}, "outputs.webhook.url_file /none cannot be read: No such file"),
        ("webhook", {"url": URL, "secret_file": "/none"}, "outputs.webhook.secret_file /none cannot be read: No such"),
        ("webhook", {"url": URL, "secret_file": "hunter2"}, "; name a file that contains it, by its whole path"),
        ("command", {"program": "/none"}, "outputs.command.program: '/none' cannot be run: there is no such file"),
        ("command", {"program": "/usr"}, "'/usr' cannot be run: it is a folder"),
        ("command", {"program": __file__}, "cannot be run: it is not executable; chmod +x it"),
        ("command", {"program": "/bin/echo -n"}, 'program and arguments are in one text; write ["/bin/echo", "ARGU'),
        ("command", {"program": "/none -n"}, "'/none ...' cannot be run: there is no such file"),
        ("sound", {"files": "/none"}, "outputs.sound.files = '/none': must be a folder that can be read"),
        ("led", {"pin": 1, "zone": "porch"}, "outputs.led.zone = 'porch': no zone of [detect] has this name"),
    ],
)
def test_what_this_machine_lacks_is_named(driver: str, options: dict[str, Any], message: str) -> None:
    assert message in lack(driver, **options)


def test_all_that_is_lacking_is_named_by_output(tmp_path: Path) -> None:
    tables = {"sound": {"zone": "x", "files": "/none"}, "command": {"program": "/none"}, "webhook": {"url": URL}}
    faults = output_faults(load(None, {"outputs": tables}).outputs, ())
    assert list(faults) == ["sound", "command"] and "'x'" in faults["sound"] and "'/none'" in faults["sound"]
    assert list(output_faults(load(None, {"outputs": {"led": {"pin": 1, "zone": "x"}}}).outputs, None)) == []
