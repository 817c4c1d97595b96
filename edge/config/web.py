"""Declares the options of the page."""

from dataclasses import dataclass

from .option import option


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Options of the page."""

    enabled: bool = option(
        False, "true serves a page to aim the camera, check pictures and see alerts; needs the extra web"
    )
    host: str = option(
        "127.0.0.1",
        "address to serve at: 127.0.0.1 for this machine only, 0.0.0.0 for the whole network, which needs a password",
    )
    port: int = option(8080, "port of the page", low=1, high=65535)
    certificate: str = option(
        "",
        "certificate (PEM) with which the page is served over https, written by `maskwatch set --web-certificate`; "
        "empty for http",
    )
    key: str = option(
        "", "key of the certificate (PEM), not readable by every user; empty if it is in the certificate's file"
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "names under which a browser may ask for the page, besides the names and addresses of this machine, for "
        'example ["door.example.org", "*.example.net"]',
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        "addresses or networks of reverse proxies whose X-Forwarded-For and the like count, for example "
        '["127.0.0.1", "10.1.0.0/16"]; the page then needs a password',
    )
    base_path: str = option(
        "", "path of the page at a reverse proxy, for example /door, whether the proxy removes it or not"
    )
    password_hash: str = option("", "written by `maskwatch set --web-password`", secret=True)
    setup: bool = option(True, "true shows faces in the live picture (set-up mode); false blurs them")
    fps: float = option(5.0, "frames per second of the live picture, at most", low=0.2, high=30)
