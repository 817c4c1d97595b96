"""The part of the page that checks images: files, drag and drop, and the visitor's camera."""

from pathlib import Path

import cv2
import pytest
from browser.visit import Visit
from support import ROOT

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
