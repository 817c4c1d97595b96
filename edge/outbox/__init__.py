"""Keeps alerts on disk until the broker has acknowledged them.

In: messages as bytes with a topic and an id. Out: the messages that still wait, also after a power cut or a kill.
Public names: ``Outbox`` (outbox.py), ``Letter`` and what other processes may read (letters.py).
Threads: one writer thread, ``outbox``, owns the database; callers only enqueue.
"""
