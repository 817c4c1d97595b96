"""Tests network cameras that answer and send nothing, or nothing that can be used."""

import socket
import time
from contextlib import ExitStack

import pytest
from support import until
from support.streams import StreamServer
from support.viewer import watching

from edge.camera.source import open_source
from edge.errors import SourceError


def test_a_camera_that_answers_and_sends_nothing_is_described_as_such() -> None:
    """It sends no answer, or an answer without a picture, over HTTP or RTSP. All of them are asked at once."""
    started, series = time.monotonic(), "multipart/x-mixed-replace; boundary=a"
    with ExitStack() as stack:
        servers = [stack.enter_context(StreamServer([], hold=hold, Content_Type=series)) for hold in (True, False)]
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=50))
        addresses = [*(server.url for server in servers), f"rtsp://127.0.0.1:{silent.getsockname()[1]}/"]
        viewers = [stack.enter_context(watching(open_source(url, retry_opening=True))) for url in addresses]
        for viewer in viewers:
            viewer.wait_for("lost", "answers, but sends no picture")
            assert time.monotonic() - started < 30
            assert viewer.source.alive()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_an_opening_that_ends_by_itself_does_not_hang(scheme: str) -> None:
    """The camera accepts connections and says nothing. Each attempt lasts longer than ``lost_after``."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"
        with watching(open_source(address, retry_opening=True, lost_after=0.5)) as viewer:
            viewer.wait_for("lost", "no picture for 0.5 s; it is still being opened")
            end = time.monotonic() + 2
            until(lambda: time.monotonic() > end or not viewer.source.alive(), "two seconds")
            assert viewer.source.alive() and [condition for condition, _ in viewer.conditions] == ["lost"]


def test_a_stream_that_is_no_picture_is_left_to_ffmpeg(door: object) -> None:
    with StreamServer([b"not a stream" * 100], ends=True, Content_Type="video/mp2t") as server:
        with pytest.raises(SourceError, match="does not answer with a video stream"):
            open_source(server.url)
        assert server.requests >= 2
