"""No message about a configuration shows a password, whatever is mistyped and wherever it stands."""

from pathlib import Path

import pytest

from edge.config.load import load
from edge.errors import ConfigError
from edge.outputs.faults import output_faults

SECRET = "Kanari"
ADDRESS = f"rtsp://admin:{SECRET}@10.0.0.7:554/stream"
FILE = __file__


@pytest.mark.parametrize(
    "text",
    [
        # not TOML
        f"[source]\nsource = {ADDRESS}\n",
        f'[source]\nsource = "{ADDRESS}\n',
        f"[source]\nsource = \"{ADDRESS}'\n",
        f'[source]\n"{ADDRESS}" = 1\n"{ADDRESS}" = 2\n',
        f'["{ADDRESS}"]\n["{ADDRESS}"]\n',
        f'[source]\na = {{"{SECRET}" = 1, "{SECRET}" = 2}}\n',
        f'[a]\n"{SECRET}".b = 1\n["a"."{SECRET}"]\n',
        f'[source]\nsource = "\\{SECRET}"\n',
        f"{ADDRESS}\n",
        f'[source]\nsource : "{ADDRESS}"\n',
        # in the wrong place, of the wrong type
        f'source = "{ADDRESS}"\n',
        f'[source]\nsorce = "{ADDRESS}"\n',
        f'[sorce]\nsource = "{ADDRESS}"\n',
        f'[source]\n"{ADDRESS}" = "source"\n',
        f'["{ADDRESS}"]\nsource = 1\n',
        f'[source]\nfps = "{ADDRESS}"\n',
        f'[source]\nsource = ["{ADDRESS}"]\n',
        f'[source]\nsource.user = "admin"\nsource.password = "{SECRET}"\n',
        f'[source]\nsource = {{ user = "admin", password = "{SECRET}" }}\n',
        f'[source]\npassword = "{SECRET}"\n',
        f'[detect]\nzones = ["{ADDRESS}"]\n',
        f'[device]\nname = "{ADDRESS}"\n',
        f'[detect]\ndetector = "{ADDRESS}"\n',
        f'[web]\npassword_hash = "{SECRET}"\n',
        f'[web]\nenabled = "{ADDRESS}"\n',
        f'[web]\nenabled = true\nhost = "admin:{SECRET}@0.0.0.0"\n',
        # the password instead of a file with it
        f'[source]\nsource = "rtsp://10.0.0.7"\nuser = "admin"\npassword_file = "{SECRET}"\n',
        f'[source]\nsource = "rtsp://10.0.0.7"\nuser = "admin"\npassword_file = "{SECRET}\\n"\n',
        f'[source]\npassword_file = ["{SECRET}"]\n',
        f'[mqtt]\nhost = "broker"\nuser = "cam"\npassword_file = "{SECRET}"\n',
        f'[phone]\ntoken_file = "{SECRET}\\t"\n',
        f'[state]\nfolder = "{ADDRESS}"\n',
        # addresses that cannot be read
        f'[mqtt]\nhost = "mqtt://cam:{SECRET}@broker"\n',
        f'[mqtt]\nhost = "cam:{SECRET}@broker"\n',
        f'[mqtt]\nhost = "cam:{SECRET}"\n',
        f'[mqtt]\nuser = "cam:{SECRET}"\n',
        f'[source]\nsource = "rtsp://admin:a/{SECRET}@10.0.0.7/stream"\n',
        f'[source]\nsource = "RTSP://admin:a#{SECRET}@cam.lan/stream"\n',
        f'[source]\nsource = "rtsp://admin:1?{SECRET}@cam/stream"\n',
        f'[source]\nsource = "rtsp://admin:{SECRET}/stream"\n',
        f'[source]\nsource = "{ADDRESS}\\n"\n',
        f'[source]\nsource = "{ADDRESS}"\nuser = "other"\n',
        f'[homeassistant]\npage = "https://admin:{SECRET}@page.lan/"\n',
        f'[phone]\npage = "https://{SECRET}@page.lan/"\n',
        f'[phone]\npage = "https://admin:1/{SECRET}@page.lan/"\n',
        f'[homeassistant]\npage = "admin:{SECRET}@page.lan"\n',
        # outputs
        f'[outputs]\nhook = "{ADDRESS}"\n',
        f'[outputs."{ADDRESS}"]\ndriver = "webhook"\n',
        f'[outputs.hook]\ndriver = "{ADDRESS}"\n',
        f'[outputs.hook]\n"{ADDRESS}" = "webhook"\n',
        f'[outputs.webhook]\nurl = "{ADDRESS}"\n',
        f'[outputs.webhook]\nurl = "https://hook.lan/{SECRET} "\n',
        f'[outputs.webhook]\nurl = ["https://hook.lan/{SECRET}"]\n',
        f'[outputs.webhook]\nurl = "https://hook.lan/{SECRET}"\nurl_file = "{FILE}"\n',
        f'[outputs.webhook]\nurl_file = "https://hook.lan/{SECRET}"\n',
        f'[outputs.webhook]\nurl = "https://hook.lan/"\nsecret_file = "{SECRET}"\n',
        f'[outputs.webhook]\nurl = "https://hook.lan/"\ntoken_file = "{SECRET}\\n"\n',
        f'[outputs.webhook]\nurl = "https://hook.lan/"\nformat = "{ADDRESS}"\n',
        f'[outputs.command]\nprogram = "/bin/tell --password {SECRET}"\n',
        f'[outputs.command]\nprogram = ["tell", "{SECRET}"]\n',
        f'[outputs.command]\nprogram = [["/bin/tell", "{SECRET}"]]\n',
        f'[outputs.led]\nwhen = ["{ADDRESS}"]\n',
        f'[outputs.led]\npin = "{ADDRESS}"\n',
        f'[outputs.sound]\nfiles = "{ADDRESS}"\n',
        f'[outputs.sound]\nlanguages = ["{ADDRESS}"]\n',
    ],
)
def test_no_message_shows_the_password(tmp_path: Path, text: str) -> None:
    file = tmp_path / "maskwatch.toml"
    file.write_text(text, "utf-8")
    message = ""
    try:
        message = "\n".join(output_faults(load(file).outputs, ()).values())
    except ConfigError as error:
        message = str(error)
    assert str(file) in message or "." in message
    assert SECRET not in message and "Kan" not in message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"source": "rtsp://admin:a/b@10.0.0.7/"}, "write %40 %3A %2F %23 %3F for it, or set source.user"),
        ({"source": "http:///video"}, "host and port cannot be told"),
        ({"source": "rtsp://admin:a@cam/", "user": "b"}, "leave one out"),
        ({"password_file": FILE}, "source.password_file needs source.user"),
        ({"user": "a", "password_file": "/nowhere/secret"}, "source.password_file = /nowhere/secret: the file cannot"),
        ({"ca_file": FILE}, "source.ca_file needs source.verify = true"),
        ({"verify": True, "ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem: the file cannot be read"),
        ({"source": "rtsps://10.0.0.7/", "verify": True}, "source.verify needs source.ca_file"),
        ({"source": ""}, "source.source is empty"),
    ],
)
def test_contradictory_options_of_the_source_are_refused(source: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"source": source})
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and message in lines[0]


@pytest.mark.parametrize(
    "page", ["http://door.local:8080/", "https://{device}.lan/#alerts", "https://page.lan/{device}?a=b@c"]
)
def test_links_to_the_page_are_taken(page: str) -> None:
    assert load(None, {"homeassistant": {"page": page}, "phone": {"page": page}}).phone.page == page


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:pa%2Fss%40@cam/stream", "rtsp://admin:a@b@cam.lan/stream", "http://10.0.0.7/v?mail=a@b.c",
        "http://[fe80::1]:80/v", "rtsp://cam", "HTTPS://cam.lan:8443/", "rtsp://a:b@10.0.0.7:554/user=c_password=d@e",
    ],
)  # fmt: skip
def test_addresses_that_can_be_used_are_taken(address: str) -> None:
    assert load(None, {"source": {"source": address}}).source.source == address
