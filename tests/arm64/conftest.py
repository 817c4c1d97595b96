"""Makes the Pis before the first test."""

import pytest
from arm64.machines import PIS
from arm64.pi import NotBuilt, install_tools


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    try:
        install_tools()
        for pi in PIS:
            pi.build()
    except NotBuilt as error:
        pytest.exit(str(error), returncode=1)
