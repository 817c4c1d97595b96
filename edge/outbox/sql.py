"""The tables of the outbox file, the statements on them, and the message that they keep."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HISTORY_KEPT = 5000
"""Alerts that the page can still show, delivered or not. There may be some more until they are counted again."""
DEAD_LETTERS_KEPT = 1000
SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, topic TEXT, payload BLOB);
CREATE TABLE IF NOT EXISTS dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, topic TEXT, payload BLOB, reason TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS history (seq INTEGER PRIMARY KEY, payload BLOB);
"""
PUT = "INSERT OR IGNORE INTO alerts (id, topic, payload) VALUES (?, ?, ?)"
DELETE = "DELETE FROM alerts WHERE id = ?"
PUT_DEAD_LETTER = "INSERT OR REPLACE INTO dead_letters (id, topic, payload, reason) VALUES (?, ?, ?, ?)"
OF_BROKER = "instr(id, '@') = 0"
"""Holds for the broker's messages; the id of a sink's copy is ``ID@NAME``."""
TRIM_DEAD_LETTERS = f"""DELETE FROM dead_letters WHERE seq IN (SELECT seq FROM (SELECT seq, row_number() OVER
    (PARTITION BY CASE WHEN {OF_BROKER} THEN '' ELSE topic END ORDER BY seq DESC) AS place FROM dead_letters)
    WHERE place > {DEAD_LETTERS_KEPT})"""
"""Keeps so many of the broker and of each sink: one that refuses everything pushes out no other's."""
NEXT_DEAD_LETTER = f"""SELECT id, topic, payload FROM dead_letters WHERE seq <= ? AND {OF_BROKER}
    AND typeof(id) = 'text' AND typeof(topic) = 'text' AND typeof(payload) = 'blob' ORDER BY seq LIMIT 1"""
DELETE_DEAD_LETTER = "DELETE FROM dead_letters WHERE id = ?"
DEAD_LETTERS_DELETED = "dead letters deleted"
"""The setting that counts the dead letters that were deleted because newer ones came."""
PURGED = "alerts purged"
"""The setting that says what somebody has deleted last: alerts before which Unix time; and when, so that it is new."""
PUT_HISTORY = "INSERT INTO history (payload) VALUES (?)"
TRIM_HISTORY = f"DELETE FROM history WHERE seq <= (SELECT max(seq) FROM history) - {HISTORY_KEPT}"
PUT_SETTING = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)"
MESSAGE: dict[str, type] = {"id": str, "topic": str, "payload": bytes}
RESCUED: dict[str, tuple[str, dict[str, type]]] = {
    "alerts": (PUT, MESSAGE),
    "dead_letters": (PUT_DEAD_LETTER, MESSAGE | {"reason": str}),
    "settings": (PUT_SETTING, {"name": str, "value": str}),
    "history": (PUT_HISTORY, {"payload": bytes}),
}
"""What is carried over from a damaged file: the statement for each table, and its columns."""
TABLES = {table: columns for table, (_, columns) in RESCUED.items()}
BACKLOG_LIMITS = {PUT_DEAD_LETTER: DEAD_LETTERS_KEPT, PUT_HISTORY: HISTORY_KEPT}
"""How many of these statements wait for a disk that refuses, at most; the newest are kept."""

Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message to be delivered: byte-identical however often it is sent."""

    id: str
    topic: str
    payload: bytes


def sink_of(id: str) -> str:
    """Returns the name of the sink whose copy has this id; empty for a message of the broker."""
    return id.partition("@")[2]


def waiting(db: sqlite3.Connection) -> list[OutboxMessage]:
    """Returns the messages that wait for the broker or a sink, oldest first."""
    sound = "typeof(id) = 'text' AND typeof(topic) = 'text' AND typeof(payload) = 'blob'"
    rows = db.execute(f"SELECT id, topic, payload FROM alerts WHERE {sound} ORDER BY seq")
    return [OutboxMessage(*row) for row in rows]


def compacted(statements: Sequence[Statement]) -> list[Statement]:
    """Returns the statements within the limits, without messages that were put and deleted before they were written.

    A full disk must not fill the memory too.
    """
    deleted = {values[0] for sql, values in statements if sql == DELETE}
    put = {values[0] for sql, values in statements if sql == PUT}
    surplus = {sql: sum(s == sql for s, _ in statements) - limit for sql, limit in BACKLOG_LIMITS.items()}
    kept: list[Statement] = []
    for sql, values in statements:
        if surplus.get(sql, 0) > 0:
            surplus[sql] -= 1
        elif sql not in (PUT, DELETE) or values[0] not in deleted & put:
            kept.append((sql, values))
    return kept
