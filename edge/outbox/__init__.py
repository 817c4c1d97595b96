"""Keeps alerts on disk until the broker, and each sink beside it, has taken them.

In: messages as bytes with a topic and an id. Out: the messages that still wait, also after a power cut or a kill.
Public names: ``Outbox`` (outbox.py), ``OutboxMessage`` (sql.py), ``Sink`` (listener.py), what other processes may do
(reading.py).
Threads: one writer thread, ``outbox``, owns the database; callers only enqueue.
"""
