"""Draws the page's icons for phones from ``icon.svg``: ``PYTHONPATH=tests .venv/bin/python -m support.make_icons``.

It needs what the tests in a browser need. A maskable icon and Apple's fill the whole square: the phone cuts its own
shape out of it.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parents[2] / "edge" / "web" / "static"
ICONS = {"icon-192.png": (192, False), "icon-512.png": (512, False), "icon-maskable.png": (512, True)}
APPLE = {"icon-apple.png": (180, True)}
COLOURS = 16


def main() -> None:
    drawing = (STATIC / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (size, full) in {**ICONS, **APPLE}.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            back = "#0b5d4e" if full else "transparent"
            page.set_content(f"<style>*{{margin:0}}body{{background:{back}}}svg{{display:block}}</style>{drawing}")
            shot = Image.open(io.BytesIO(page.screenshot(omit_background=True))).convert("RGBA")
            shot.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(STATIC / name, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
