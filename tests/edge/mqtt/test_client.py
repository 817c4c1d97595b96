"""edge.mqtt.client: the sources of the password, and the files that are refused."""

from pathlib import Path

import pytest

from edge.config.credentials import read_password
from edge.config.schema import MqttConfig
from edge.errors import ConfigError
from edge.mqtt.client import new_client


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_password_file_is_read_without_its_line_end(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "password"
    path.write_text(" s3crét \n", "utf-8")
    path.chmod(mode)
    assert read_password("mqtt.password_file", str(path)) == " s3crét "


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_password_file_that_every_user_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 640") as caught:
        read_password("mqtt.password_file", str(path))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/password", "~nobody-of-that-name/password"])
def test_a_missing_password_file_is_an_error(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_password("mqtt.password_file", path)


def test_the_password_may_come_as_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mqtt-password"
    file.touch(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert new_client(MqttConfig(host="a", user="door"), "c").password is None, "an empty credential counts as none"
    file.chmod(0o600)
    file.write_text("canary\n")
    assert new_client(MqttConfig(host="a", user="door"), "c").password == "canary"
    with pytest.raises(ConfigError, match="set mqtt.user"):
        new_client(MqttConfig(host="a"), "c")
    password_file = tmp_path / "password"
    password_file.touch(0o600)
    password_file.write_text("from the file")
    settings = MqttConfig(host="a", user="door", password_file=str(password_file))
    assert new_client(settings, "c").password == "from the file"
