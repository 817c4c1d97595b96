"""edge.mqtt.client: where the password comes from, and which file is refused."""

from pathlib import Path

import pytest

from edge.config.schema import MqttConfig
from edge.errors import ConfigError
from edge.mqtt.client import new_client, read_password


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_password_file(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "password"
    path.write_text(" s3crét \n", "utf-8")
    path.chmod(mode)
    assert read_password(str(path)) == " s3crét "


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_password_file_for_everybody_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 640") as caught:
        read_password(str(path))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/password", "~nobody-of-that-name/password"])
def test_a_password_file_that_is_not_there(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_password(path)


def test_the_password_may_come_as_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mqtt-password"
    file.touch(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert new_client(MqttConfig(host="a", user="door"), "c").password is None, "an empty one is none"
    file.chmod(0o600)
    file.write_text("canary\n")
    assert new_client(MqttConfig(host="a", user="door"), "c").password == "canary"
    with pytest.raises(ConfigError, match="set mqtt.user"):
        new_client(MqttConfig(host="a"), "c")
    own = tmp_path / "own"
    own.touch(0o600)
    own.write_text("mine")
    assert new_client(MqttConfig(host="a", user="door", password_file=str(own)), "c").password == "mine"
