"""Runs the monitor: the loop over one door, its health, its statistics, its files, and systemd.

In: a configuration. Out: a watched door.
Public names: ``run`` (loop.py), ``watch_door`` (run.py), ``Door`` (door.py), ``Pipeline`` (pipeline.py),
``HealthMonitor`` (health.py), ``StateFolder`` (state.py).
Threads: the loop runs in the main thread. ``HealthMonitor`` and ``Pipeline.change`` may be called from any thread.
``watchdog`` notices a loop without progress (systemd.py).
``audit`` runs while the audit trail is written (auditing.py).
``mqtt-forget`` runs while earlier retained messages are taken back (announcing.py).
"""
