"""Keeps what happened at the door: counts of people per 15 minutes, which alerts somebody has seen, the audit trail.

In: people, alerts and seconds of watching from the loop, marks from the page, changes of options. Out: counts by hour,
day, weekday, month or shift, alerts that match a search, CSV, JSON and HTML, lines with checksums.
Public names: ``Recorder`` (recorder.py), ``AlertIndex`` and ``Search`` (alerts.py), ``Report`` (report.py),
``AuditTrail`` (audit.py). Threads: one writer thread, ``record``, alone writes the file; the loop only adds numbers.
"""
