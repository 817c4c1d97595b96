"""The part of the page that checks images: files, drag and drop, and the visitor's camera."""

import io
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest
from browser.visit import Visit
from PIL import Image
from support import ROOT
from support.browsing import Client, Watched

pytestmark = pytest.mark.browser


def test_image_files_are_checked_and_downloaded(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "no picture.jpg").write_text("hello")
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.set_input_files("#files", [ROOT / "edge" / "camera" / "door.jpg", tmp_path / "no picture.jpg"])
    visit.wait_for_script("/checked,/.test(document.getElementById('checking').textContent)")
    texts = visit.page.locator("#results > li").all_inner_texts()
    assert "the file is not a JPEG, PNG or WebP image" in texts[0]
    assert texts[1].startswith("door.jpg") and texts[1].count("No mask") == 2
    visit.save_screenshot("check")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "door-checked.jpg"
    assert cv2.imread(str(download.value.path())).shape == (360, 1440, 3)
    visit.errors[:] = [text for text in visit.errors if "415" not in text]  # the refusal of the invalid file


def test_image_files_can_be_dropped(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.evaluate(
        """async () => {
            const blob = await (await fetch("/live.jpg")).blob(), data = new DataTransfer();
            data.items.add(new File([blob], "dropped.jpg", { type: "image/jpeg" }));
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    visit.wait_for_script("/1 checked/.test(document.getElementById('checking').textContent)")
    assert "dropped.jpg" in visit.page.locator("#results > li").first.inner_text()


def test_an_image_of_the_visitor_s_camera_is_checked(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.get_by_role("button", name="Use this device's camera").click()
    visit.wait_for_script("document.getElementById('video').videoWidth > 0")
    visit.page.wait_for_timeout(500)
    visit.page.get_by_role("button", name="Check this image").click()
    visit.page.locator("#results td.no_mask").first.wait_for()
    visit.page.get_by_role("button", name="Camera off").click()
    assert not visit.page.locator("#video").is_visible()


def photograph(path: Path, orientation: int) -> Path:
    """Writes a JPEG of 4000 x 3000 as a phone does: the picture of the door, to be turned by its EXIF data."""
    door = cv2.imread(str(ROOT / "edge" / "camera" / "door.jpg"))
    image = np.full((4000, 3000, 3), 110, np.uint8)
    image[1000:1750] = cv2.resize(door, (3000, 750))
    turned = Image.fromarray(np.rot90(image, 1)[..., ::-1].copy())  # the sensor's picture lies on its side
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned.save(path, "JPEG", quality=92, exif=exif.tobytes())
    return path


def test_a_large_photograph_is_made_smaller_and_upright_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
    answers: list[Any] = []
    visit.page.on("response", lambda answer: "api/check?" in answer.url and answers.append(answer))
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.set_input_files("#files", photograph(tmp_path / "phone.jpg", 6))
    visit.wait_for_script("/1 checked/.test(document.getElementById('checking').textContent)")
    found = answers[0].json()
    assert (found["width"], found["height"]) == (1500, 2000), "it is upright, and has as many pixels as are searched"
    places = visit.page.locator("#results td:last-child").all_inner_texts()
    x, y = (int(number) for number in places[0].rpartition(" at ")[2].split(", "))
    assert 200 < x < 3000 and 1000 < y < 1750, "places are in pixels of the file"


def test_other_kinds_of_files_get_advice_in_words(visit: Visit, tmp_path: Path) -> None:
    gif = io.BytesIO()
    Image.new("RGB", (40, 30)).save(gif, "GIF")
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400))
    (tmp_path / "text.pdf").write_bytes(b"%PDF-1.7" + bytes(400))
    (tmp_path / "small.gif").write_bytes(gif.getvalue())
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.set_input_files("#files", [tmp_path / name for name in ("phone.heic", "text.pdf", "small.gif")])
    visit.wait_for_script("/checked,/.test(document.getElementById('checking').textContent)")
    texts = visit.page.locator("#results > li").all_inner_texts()
    assert "Settings > Camera > Formats > Most Compatible" in texts[2]
    assert "PDF" in texts[1] and "JPEG, PNG or WebP" in texts[1]
    assert "No face found" in texts[0], "the browser makes a JPEG of what it can read"
    visit.errors[:] = [text for text in visit.errors if "415" not in text]  # the refusals


def test_the_place_in_the_queue_is_shown(visit: Visit, watched: Watched) -> None:
    """The process that checks images stands still for a while, as on a device that is busy."""
    small = cv2.imencode(".png", np.zeros((40, 30, 3), np.uint8))[1].tobytes()
    assert watched.client.ask("/api/check", "POST", small).status == 200
    children = psutil.Process(watched.process.popen.pid).children()
    checking = next(process for process in children if "edge.web.checking" in process.cmdline())
    checking.suspend()
    thread = threading.Thread(target=lambda: Client(watched.port).ask("/api/check", "POST", small))
    thread.start()
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.set_input_files("#files", ROOT / "edge" / "camera" / "door.jpg")
    visit.page.get_by_text("1 image is checked before this one").wait_for()
    checking.resume()
    visit.wait_for_script("/1 checked/.test(document.getElementById('checking').textContent)")
    thread.join()
