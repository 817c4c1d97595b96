"""Checks the page: whether it can be served, and where it is."""

import importlib.util
from pathlib import Path

from ..config.web import WebConfig
from ..listening import listen_problem, try_to_listen, url_of
from ..monitor.state import running_health
from .check import Result


def check_page(web: WebConfig, state: Path) -> Result:
    """Uses what the running maskwatch reports, else tries the page's address."""
    if not web.enabled:
        return "ok", "not served; maskwatch set web.enabled=true serves it"
    if importlib.util.find_spec("aiohttp") is None:
        return "FAIL", "the page needs the extra web: .venv/bin/pip install -e '.[web]'"
    url = url_of(web.host, web.port)
    if (running := running_health(state)) is not None:
        problem = str(running.get("problem") or "")
        return ("FAIL", f"the running maskwatch reports: {problem}") if "the page" in problem else ("ok", f"at {url}")
    try:
        try_to_listen(web.host, web.port)
    except OSError as error:
        return "FAIL", f"the page cannot use {listen_problem(web.host, web.port, error)}"
    return "ok", f"will be at {url}"
