"""The page in a real browser behind nginx and Caddy, below a base path, and over https of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser.visit import Tab
from support.browsing import Watched
from support.certificates import make_pair
from support.proxies import NAME, Proxy

from edge.listening import own_addresses
from edge.serving.passwords import hash_password

PASSWORD = "correct horse"
LOCKED = f'password_hash = "{hash_password(PASSWORD)}"\n'

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[[str], Tab]]:
    """Opens an address in a browser that has accepted the certificate."""
    context = chromium.new_context(ignore_https_errors=True, permissions=["camera"])
    yield lambda address: Tab(context, address)
    context.close()


def log_in(tab: Tab) -> None:
    tab.page.fill("#password", PASSWORD)
    tab.page.click("button")
    tab.page.wait_for_selector("#picture")


def sees_the_door(tab: Tab) -> None:
    """The live image has an image, and events arrive."""
    tab.wait_for_script(
        "(document.querySelector('#picture').naturalWidth || document.querySelector('#picture').width) > 100"
    )
    tab.wait_for_script("document.body.innerText.includes('entrance')")


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_the_page_below_a_base_path_of_a_proxy(
    tab: Callable[[str], Tab], maskwatch: Any, tmp_path: Path, kind: str
) -> None:
    text = f'{LOCKED}trusted_proxies = ["127.0.0.1"]\nbase_path = "/door"\n'
    with (
        closing(Watched(maskwatch, tmp_path, text, "--print")) as door,
        closing(Proxy(kind, tmp_path, door.port, lambda example: example)) as proxy,
    ):
        address = f"https://{NAME}:{proxy.port}/door"
        opened = tab(address)
        assert opened.page.url == f"{address}/login"
        log_in(opened)
        assert opened.page.url.startswith(f"{address}/")
        sees_the_door(opened)
        assert all(url.startswith((address, "data:", "blob:")) for url in opened.requested)
        assert opened.errors == []
        cookies = [one for one in opened.page.context.cookies() if not one["name"].endswith("language")]
        assert {(one["path"], one["secure"], one["httpOnly"]) for one in cookies} == {("/door", True, True)}


def test_over_https_a_browser_gives_its_camera(tab: Callable[[str], Tab], maskwatch: Any, tmp_path: Path) -> None:
    addresses = own_addresses()
    if not addresses or ":" in addresses[0]:
        pytest.skip("this machine has no address in a network: a browser trusts 127.0.0.1 without https too")
    certificate, key = make_pair(tmp_path / "pair")
    plain = {"camera": "navigator.mediaDevices !== undefined", "secure": "isSecureContext"}
    text = f'host = "0.0.0.0"\ncertificate = "{certificate}"\nkey = "{key}"\n{LOCKED}'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        opened = tab(f"http://{addresses[0]}:{door.port}/")
        assert opened.page.url == f"https://{addresses[0]}:{door.port}/login", "http leads to https"
        log_in(opened)
        sees_the_door(opened)
        assert all(opened.page.evaluate(expression) for expression in plain.values())
        assert opened.page.evaluate("navigator.mediaDevices.getUserMedia({video: true}).then(s => s.active)")
        assert opened.errors == []
