"""Fixtures for tests with real databases."""

from collections.abc import Iterator

import pytest
from support.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL that runs, for tests that leave it running. Each makes a database of its own."""
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of one test, which is not started yet."""
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()
