"""edge.addresses: what is shown of an address, and logins in addresses."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edge.addresses import has_raw_characters, is_ambiguous, shown, shown_path, split_login, with_login

SECRET = "Kanari"
PIECES = re.compile(r"Kan|ari", re.IGNORECASE)
"""No piece of the secret may be shown, wherever a raw character has split it."""
ADDRESSES = [
    "rtsp://admin:{}@10.0.0.7:554/stream1",
    "rtsps://admin:{}@cam.lan/stream1?channel=1",
    "http://{}@cam.lan/video.mjpg",
    "http://10.0.0.7/video?user=admin&pwd={}",
    "rtsp://10.0.0.7:554/user=admin_password={}_channel=1_stream=0.sdp",
    "rtsp://cam.lan/h264/admin/{}/ch1/main",
    "https://admin:{}@[fe80::1]:8443/video",
    "mqtts://cam:{}@broker.lan:8883",
]
HOSTS = ("10.0.0.7", "10.0.0.7:554", "cam.lan", "[fe80::1]:8443", "broker.lan:8883")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_shown_as_scheme_host_and_port(address: str) -> None:
    scheme, _, rest = shown(address.format(SECRET)).partition("://")
    assert scheme == urlsplit(address).scheme and rest.removesuffix("/...") in HOSTS


PASSWORDS = st.sampled_from(["Kanari", "Kan@ari", "Kan:ari", "Kan/ari", "Kan#ari", "Kan?ari", "Kan%40ari", "@Kanari/"])


@st.composite
def mistyped(draw: st.DrawFn) -> str:
    """An address with a password, of which up to three characters outside the password are wrong."""
    template = draw(st.sampled_from(ADDRESSES))
    start, end = template.split("{}")
    for _ in range(draw(st.integers(0, 3))):
        text = start if draw(st.booleans()) and start else end
        at = draw(st.integers(0, max(0, len(text) - 1)))
        wrong = draw(
            st.sampled_from(["", " ", "@", ":", "/", "\\", "?", "#", "2", ";", ".", "%", "=", "\n", "ß", "[", "]"])
        )
        changed = text[:at] + wrong + text[at + draw(st.integers(0, 1)) :]
        start, end = (changed, end) if text == start else (start, changed)
    password = draw(PASSWORDS)
    # without the @ and the colon of a login, or with another @ in the password, it cannot be told from a host
    assume("{}@" not in template or "@" in end or ":" in start.partition("//")[2])
    return start + (password if "@" in end else password.replace("@", "")) + end


@settings(max_examples=500, deadline=None, derandomize=True)
@given(mistyped())
@example("rtsp:/admin:Kanari@10.0.0.7")
@example("rtsp//admin:Kanari@10.0.0.7")
@example("tsp//cam.lan/h264/admin/Kanari/ch1/main")
@example("admin:Kanari@rtsp://10.0.0.7/stream")
@example("rtsp://admin:Kanari210.0.0.7/stream")
@example("rtsp://admin:55/Kanari@10.0.0.7/stream")
def test_no_mistake_shows_a_piece_of_the_password(address: str) -> None:
    assert not PIECES.search(shown(address))
    assert not PIECES.search(shown_path(Path(address)))


@pytest.mark.parametrize(
    "text",
    [
        "auto", "usb:0", "demo", "/dev/video0", "/home/pi/12:30.mp4", "/home/pi/my clip, no. 2.mp4", "videos/clip.mp4",
        "~/clip.mp4", "../clip.mp4", "clip.v2.mp4", "10.0.0.7", "10.0.0.7:1883", "::1", "file:///home/pi/clip.mp4",
    ],
)  # fmt: skip
def test_what_is_no_address_is_shown_whole(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.7/h264/admin/Kanari", "cam.lan/h264/admin/Kanari", "rtsp//10.0.0.7/Kanari", "admin:Kanari",
        "usb:Kanari", "Kanari://cam.lan", "file://admin:Kanari@nas/clip.mp4", "rtsp:10.0.0.7/Kanari",
    ],
)  # fmt: skip
def test_what_may_be_an_address_is_not(text: str) -> None:
    assert "Kanari" not in shown(text)


def test_a_path_that_exists_is_shown_whole(tmp_path: Path) -> None:
    path = tmp_path / "cam@2:door?.toml"
    assert shown_path(path) != str(path)
    path.touch()
    assert shown_path(path) == str(path)


def test_a_path_in_a_folder_that_exists_is_shown_whole(tmp_path: Path) -> None:
    (tmp_path / "my.clips").mkdir()
    for name in ("50% off.mp4", "a & b.mp4", "what?.mp4", "my.clips/12: front.mp4", "my.clips/x=3.mp4"):
        assert shown_path(tmp_path / name) == str(tmp_path / name)
    for name in ("admin:Kanari@10.0.0.7", "none/user=Kanari", "rtsp:/admin:Kanari"):
        assert "Kanari" not in shown_path(tmp_path / name)
    for text in ("/admin:Kanari", "//admin:Kanari", "./admin:Kanari", "../admin:Kanari", "../../?pwd=Kanari"):
        assert "Kanari" not in shown_path(Path(text))


@given(st.text(min_size=1), st.text())
def test_a_login_put_into_an_address_is_read_from_it_again(user: str, password: str) -> None:
    address = with_login("rtsp://old:one@cam.lan:554/stream?a=b@c", user, password)
    assert split_login(address) == ("rtsp://cam.lan:554/stream?a=b@c", user, password)
    parts = urlsplit(address)
    assert (parts.hostname, parts.port, parts.query) == ("cam.lan", 554, "a=b@c")
    assert unquote(parts.username or "") == user and unquote(parts.password or "") == password
    assert not has_raw_characters(address) and address.isascii()


@pytest.mark.parametrize(
    ("password", "ambiguous"), [("a@b", False), ("a:b", False), ("a/b", True), ("a?b", True), ("a#b", True)]
)
def test_raw_characters_in_a_password_are_noticed(password: str, ambiguous: bool) -> None:
    address = f"rtsp://admin:{password}@cam.lan/stream"
    assert has_raw_characters(address) and is_ambiguous(address) == ambiguous
    if not ambiguous:
        assert split_login(address) == ("rtsp://cam.lan/stream", "admin", password)
    encoded = with_login("rtsp://cam.lan/stream", "admin", password)
    assert not has_raw_characters(encoded) and not is_ambiguous(encoded)


@pytest.mark.parametrize("piece", ["x", "1", "a.", "/a", "a/", "//", "rtsp://", "-", "["])
def test_a_text_that_is_too_long_for_an_address_is_not_examined(piece: str) -> None:
    assert shown(piece * 200_000) == "..."
    shown((piece * 10_000)[:10_000])
