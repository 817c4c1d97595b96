"""Checks the page: whether it can be served, and where it is."""

import importlib.util
import time
from pathlib import Path

from ..config.web import WebConfig
from ..listening import listen_problem, try_to_listen, url_of
from ..monitor.state import running_health
from ..serving.certificates import load_pair
from .check import Result

WARN_S = 14 * 86400


def check_page(web: WebConfig, state: Path) -> Result:
    """Uses what the running maskwatch reports, else tries the page's address."""
    if not web.enabled:
        return "ok", "not served; maskwatch set web.enabled=true serves it"
    if importlib.util.find_spec("aiohttp") is None:
        return "FAIL", "the page needs the extra web: .venv/bin/pip install -e '.[web]'"
    url = url_of(web.host, web.port, "https" if web.certificate else "http")
    if (running := running_health(state)) is not None:
        problem = str(running.get("problem") or "")
        if "the page" in problem:
            return "FAIL", f"the running maskwatch reports: {problem}"
        return _certificate(web) or ("ok", f"at {url}")
    try:
        try_to_listen(web.host, web.port)
    except OSError as error:
        return "FAIL", f"the page cannot use {listen_problem(web.host, web.port, error)}"
    return _certificate(web) or ("ok", f"will be at {url}")


def _certificate(web: WebConfig) -> Result | None:
    """Returns what is wrong with the certificate, or will soon be. Raises ``ConfigError`` if it cannot be used."""
    if web.certificate:
        pair = load_pair(web.certificate, web.key)
        if pair.expires < time.time() + WARN_S:
            return "warn", f"the page's certificate expires on {pair.until}; renew it"
    return None
