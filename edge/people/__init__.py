"""Follows people over time, judges whether they wear a mask, and plans where to search next.

In: faces with their times. Out: tracks, alerts, and the regions of the next frame that are worth a search.
Public names: ``Track`` and ``Tracker`` (tracker.py), ``Alert`` and ``Policy`` (policy.py), ``open_planner``
(planner.py).
Threads: none of its own; everything here runs in the loop's thread.
"""
