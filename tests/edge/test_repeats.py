"""edge.repeats: what is repeated is counted, and everything else is told."""

import logging
from pathlib import Path

from edge.repeats import MAX_LINES, MAX_MESSAGES, MAX_TRACEBACKS, Repeats


def logger_to(file: Path) -> logging.Logger:
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.addFilter(Repeats())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger


def test_what_is_repeated_is_told_some_times(tmp_path: Path) -> None:
    logger = logger_to(tmp_path / "log")
    for number in range(100_000):
        logger.warning("no connection from %s", number)
    for _ in range(3):
        logger.error("another one")
        logger.info("alert")
    lines = (tmp_path / "log").read_text("utf-8").splitlines()
    assert len(lines) == MAX_LINES + 6 and lines[-2:] == ["another one", "alert"]


def test_tracebacks_are_told_less_often(tmp_path: Path) -> None:
    logger = logger_to(tmp_path / "log")
    for _ in range(1000):
        try:
            raise ValueError("x")
        except ValueError:
            logger.exception("failed")
    assert (tmp_path / "log").read_text("utf-8").count("Traceback") == MAX_TRACEBACKS


def test_messages_without_number_take_no_memory(tmp_path: Path) -> None:
    logger = logger_to(tmp_path / "log")
    for number in range(MAX_MESSAGES * 2):
        logger.warning(f"{number}")
    assert len(logger.handlers[0].filters[0]._counts) <= MAX_MESSAGES  # type: ignore[union-attr]
