"""Zones that are changed on the page, and the outputs at the door that have one."""

from pathlib import Path
from typing import Any

from support.browsing import Watched

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
OPTIONS = """
[detect]
zones = [{name = "all", corners = [[0, 0], [1, 0], [1, 1], [0, 1]]},
         {name = "step", corners = [[0, 0], [0.1, 0], [0.1, 0.1]]}]

[outputs.lamp]
driver = "led"
pin = 17
zone = "step"
"""


def test_an_output_follows_its_zone_and_the_page_may_not_take_it_away(maskwatch: Any, tmp_path: Path) -> None:
    watched = Watched(maskwatch, tmp_path, OPTIONS, "--outputs-demo")
    try:
        watched.until(lambda: watched.client.ask("/api/now").json.get("state", {}).get("people"), "somebody in view")
        refused = watched.client.post("/api/settings", {"detect": {"zones": [WHOLE]}})
        assert refused.status == 400 and "outputs.lamp.zone = 'step'" in refused.json["error"]
        assert "lamp  is on" not in watched.process.out, "nobody stands there"
        changed = watched.client.post("/api/settings", {"detect": {"zones": [{"name": "step", "corners": WHOLE}]}})
        assert changed.status == 200, changed.json
        watched.process.wait_for("lamp  is on: no mask")
    finally:
        watched.close()
