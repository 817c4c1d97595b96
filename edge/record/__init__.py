"""Keeps what happened at the door: counts of people per 15 minutes, and which alerts somebody has seen.

In: people, alerts and seconds of watching from the loop, marks from the page. Out: counts by hour, day or weekday,
alerts that match a search, CSV and JSON. Public names: ``Recorder`` (recorder.py), ``AlertIndex`` and ``Search``
(alerts.py), ``Report`` (report.py). Threads: one writer thread, ``record``, alone writes the file; the loop only adds
numbers.
"""
