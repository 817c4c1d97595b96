"""edge.config.web: what the options of the page take."""

from pathlib import Path
from typing import Any

import pytest

from edge.config import edit
from edge.config.load import load
from edge.errors import ConfigError


def web(**options: Any) -> Any:
    return load(None, {"web": options}).web


@pytest.mark.parametrize("value", [["a.example", "b.example"], "a.example, b.example", "a.example b.example"])
def test_a_list_of_names_may_be_typed_as_one_text(value: Any) -> None:
    assert web(allowed_hosts=value).allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"allowed_hosts": ["http://door.example.org"]}, "without http:// and port"),
        ({"allowed_hosts": ["*"]}, "must be a host name"),
        ({"allowed_hosts": ["door.example.org:443"]}, "without http:// and port"),
        ({"allowed_hosts": [3]}, "must be a list of texts"),
        ({"trusted_proxies": ["proxy.local"]}, "must be an address such as 127.0.0.1"),
        ({"trusted_proxies": ["10.0.0.0/33"]}, "network such as 10.1.0.0/16"),
        ({"base_path": "door"}, "must be a path such as /door"),
        ({"base_path": "//evil.example"}, "must be a path such as /door"),
        ({"base_path": "/a/../b"}, "must be a path such as /door"),
        ({"key": "door.key"}, "web.key needs web.certificate"),
        ({"enabled": True, "trusted_proxies": ["127.0.0.1"]}, "needs a password"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text.replace("/", ".")):
        web(**options)


def test_what_works_is_taken() -> None:
    options = web(
        allowed_hosts=["door.example.org", "*.example.net", "192.168.1.7", "pi_3.local."],
        trusted_proxies=["127.0.0.1", "::1", "10.1.2.3/16", "fd00::/8"],
        base_path="/doors/front/",
    )
    assert options.base_path == "/doors/front/"


def test_a_list_is_set_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[web]\n")
    edit.write(file, edit.parse(["web.allowed_hosts=door.example.org", 'web.trusted_proxies=["::1"]']))
    options = load(file).web
    assert options.allowed_hosts == ("door.example.org",) and options.trusted_proxies == ("::1",)
