"""The tables of the store, which are the same in PostgreSQL and in SQLite.

Times are whole numbers: ``slot`` in Unix seconds (the start of a quarter of an hour), ``moment`` in Unix milliseconds.
PostgreSQL has partitions by month of alerts, counts and health, and views with ``timestamptz`` for people
(``alerts_at``, ``counts_at``, ``health_at``).
"""

TABLES = {
    "doors": "door, online, since, heard, camera, problem, model, paused",
    "alerts": "door, moment, id, event_type, score, frames, seen_s, clock_synced, snapshot, model; key (id, moment)",
    "counts": "door, slot, detector, model, people, mask, no_mask, incorrect_mask, unsure, alerts, watched, paused, "
    "blind, unsynced; key (slot, door, detector, model)",
    "health": "door, moment, camera, problem, model: one row per change; key (door, moment)",
}
