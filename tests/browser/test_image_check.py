"""The part of the page that checks images: files, drag and drop, and the visitor's camera."""

import io
import json
import threading
import time
from itertools import pairwise
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


@pytest.mark.parametrize("place", ["#drop", "footer"])
def test_image_files_can_be_dropped_anywhere_on_the_page(visit: Visit, place: str) -> None:
    """A browser opens a file that is dropped where the page does not take it."""
    drop = """async place => {
        const blob = await (await fetch("/live.jpg")).blob(), dataTransfer = new DataTransfer();
        for (const name of ["1.jpg", "2.jpg", "3.jpg"])
            dataTransfer.items.add(new File([blob], name, { type: blob.type }));
        const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector(place).dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert visit.page.evaluate(drop, "#stage"), "the part with the live image takes no file, and the browser stays"
    visit.page.get_by_role("link", name="Check an image").click()
    assert visit.page.locator("#results > li").count() == 0
    assert visit.page.evaluate(drop, place)
    visit.wait_for_script("/3 checked/.test(document.getElementById('checking').textContent)")
    texts = visit.page.locator("#results > li").all_inner_texts()
    assert [text[:5] for text in texts] == ["3.jpg", "2.jpg", "1.jpg"]


def test_an_image_of_the_visitor_s_camera_is_checked(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.get_by_role("button", name="Use this device's camera").click()
    visit.wait_for_script("document.getElementById('video').videoWidth > 0")
    visit.page.wait_for_timeout(500)
    visit.page.get_by_role("button", name="Check this image").click()
    visit.page.locator("#results td.no_mask").first.wait_for()
    visit.page.get_by_role("button", name="Camera off").click()
    assert not visit.page.locator("#video").is_visible()


CHECKS = "performance.getEntriesByType('resource').filter(entry => /check.picture=no/.test(entry.name))"
SENT = f"{CHECKS}.length"
MARKS = "[...document.querySelectorAll('#found-now text')].map(text => text.textContent).join()"


def open_camera(visit: Visit) -> Any:
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.get_by_role("button", name="Use this device's camera").click()
    visit.wait_for_script("document.getElementById('video').videoWidth > 0")
    return visit.page.get_by_role("button", name="Check continuously")


def test_the_visitor_s_camera_is_checked_continuously_until_it_is_stopped(visit: Visit) -> None:
    """One image after the other, about one per second; what is found is drawn over the video."""
    sent: list[Any] = []
    visit.page.on("request", lambda request: "picture=no" in request.url and sent.append(request))
    button = open_camera(visit)
    button.click()
    visit.wait_for_script(f"/^No mask .*%$/.test({MARKS})")
    assert (
        button.get_attribute("aria-pressed") == "true"
        and visit.page.locator("#said").inner_text() == "In view: No mask"
    )
    video, box = (visit.page.locator(at).bounding_box() for at in ("#video", "#found-now rect"))
    assert video["x"] <= box["x"] < box["x"] + box["width"] <= video["x"] + video["width"]
    visit.save_screenshot("check-continuously")
    before = len(sent)
    visit.page.wait_for_timeout(4000)
    assert 1 <= len(sent) - before <= 5
    starts = visit.page.evaluate(f"{CHECKS}.map(entry => entry.startTime)")  # by the browser's clock
    assert all(later - earlier > 900 for earlier, later in pairwise(starts))
    answer = sent[-2].response().json()
    assert max(answer["width"], answer["height"]) <= 640 and "picture" not in answer
    button.click()
    visit.page.wait_for_timeout(500)
    before = len(sent)
    visit.page.wait_for_timeout(2500)
    assert len(sent) == before and visit.page.evaluate(MARKS) == "" and button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("end", [("link", "Health"), ("button", "Camera off")], ids=["part", "camera"])
def test_the_continuous_check_ends_with_its_part_of_the_page_and_with_the_camera(visit: Visit, end: Any) -> None:
    open_camera(visit).click()
    visit.wait_for_script(f"{MARKS} !== ''")
    visit.page.evaluate("window.track = document.getElementById('video').srcObject.getTracks()[0]")
    visit.page.get_by_role(end[0], name=end[1]).click()
    visit.wait_for_script("track.readyState === 'ended'")  # the address changes a moment after the click
    before = visit.page.evaluate(SENT)
    visit.page.wait_for_timeout(2500)
    assert visit.page.evaluate(SENT) <= before + 1 and visit.page.evaluate(MARKS) == ""
    assert open_camera(visit).get_attribute("aria-pressed") == "false"


def test_a_hidden_page_checks_nothing_and_goes_on_when_it_is_seen(visit: Visit) -> None:
    open_camera(visit).click()
    visit.wait_for_script(f"{MARKS} !== ''")
    see = "seen => { Object.defineProperty(document, 'hidden', { value: !seen, configurable: true });"
    see += " document.dispatchEvent(new Event('visibilitychange')); }"
    visit.page.evaluate(see, False)
    assert visit.page.evaluate(MARKS) == ""
    visit.page.wait_for_timeout(500)
    before = visit.page.evaluate(SENT)
    visit.page.wait_for_timeout(2500)
    assert visit.page.evaluate(SENT) == before
    visit.page.evaluate(see, True)
    visit.wait_for_script(f"{MARKS} !== ''")


def test_the_continuous_check_waits_as_long_as_a_busy_device_asks_for(visit: Visit) -> None:
    """The answer is the one that the device gives when its places are taken."""
    moments: list[float] = []

    def refuse(route: Any) -> None:
        moments.append(time.monotonic())
        if len(moments) > 1:
            return route.continue_()
        text = json.dumps({"error": "full", "code": "full", "waiting": 8})
        route.fulfill(status=503, body=text, headers={"Retry-After": "3", "Content-Type": "application/json"})

    visit.page.route("**/api/check?picture=no", refuse)
    open_camera(visit).click()
    visit.page.get_by_text("Not checked: 8 images are being checked or wait. Try again in a minute").wait_for()
    visit.wait_for_script(f"{MARKS} !== ''")
    assert moments[1] - moments[0] > 2.9
    visit.errors[:] = [text for text in visit.errors if "503" not in text]


def test_the_continuous_check_goes_on_after_a_restart_of_the_device(visit: Visit, watched: Watched) -> None:
    open_camera(visit).click()
    visit.wait_for_script(f"{MARKS} !== ''")
    assert watched.process.end(15) == 0
    visit.wait_for_script("/^Not checked: /.test(document.getElementById('said').textContent)")
    assert visit.page.evaluate(MARKS) == ""
    watched.process = watched._start()
    visit.wait_for_script(f"{MARKS} !== ''")
    visit.errors[:] = [text for text in visit.errors if "Failed to load resource" not in text]


def test_a_camera_that_is_allowed_too_late_is_closed_and_one_that_ends_is_reported(visit: Visit) -> None:
    visit.page.evaluate(
        """() => { const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.tracks = [];
        navigator.mediaDevices.getUserMedia = async wanted => {
            await new Promise(done => setTimeout(done, 600)); // the visitor is asked
            const stream = await real(wanted);
            window.tracks.push(...stream.getTracks());
            return stream;
        }; }"""
    )
    visit.page.get_by_role("link", name="Check an image").click()
    visit.page.get_by_role("button", name="Use this device's camera").click()
    visit.page.get_by_role("link", name="Health").click()
    visit.wait_for_script("tracks.length === 1 && tracks[0].readyState === 'ended'")
    open_camera(visit).click()
    visit.wait_for_script(f"{MARKS} !== ''")
    visit.page.evaluate("tracks[1].dispatchEvent(new Event('ended'))")
    visit.page.get_by_text("No camera: it was disconnected, or is no longer allowed").wait_for()
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
