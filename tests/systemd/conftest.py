"""Fixtures of the tests of the installed service: one machine per release, and a subscriber of its broker."""

import os
from collections.abc import Iterator

import pytest
from support.brokers import Subscriber
from systemd.container import PYTHONS
from systemd.machine import Machine


@pytest.fixture(scope="session", params=PYTHONS)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted machine; all tests run on one release before the next is made."""
    releases = os.environ.get("MASKWATCH_RELEASES", " ".join(PYTHONS))
    if request.param not in releases.split():
        pytest.skip(f"MASKWATCH_RELEASES asks for {releases}")
    started = Machine(request.param, tmp_path_factory.mktemp(request.param))
    yield started
    started.close()


@pytest.fixture
def received(machine: Machine) -> Iterator[Subscriber]:
    """A subscriber of all topics of the machine's broker."""
    subscriber = Subscriber(machine.port, user="watcher", password="w")
    yield subscriber
    subscriber.close()
