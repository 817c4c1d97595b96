"""Fixtures for tests of what a real camera leaves at a real broker."""

from pathlib import Path
from typing import Any

import pytest
from support.announced import Camera


@pytest.fixture
def broker(mosquitto: Any) -> Any:
    """A broker that runs."""
    return mosquitto().start()


@pytest.fixture
def camera(maskwatch: Any, tmp_path: Path) -> Camera:
    """A maskwatch process that can be started again with other settings."""
    return Camera(maskwatch, tmp_path)
