"""Keeps what all doors of a broker say in one database: PostgreSQL, or SQLite for a single desk.

In: the messages of all doors, each acknowledged to the broker once it is in the spool on disk. Out: rows of alerts,
counts and health; counts and alerts for reports. Nothing pictorial and no track is kept. Public names:
``store_address`` and ``open_store`` (opening.py), ``Collector`` (collector.py), ``Engine`` and ``open_engine``
(engine.py), ``Spool`` (spool.py), ``StoreWriter`` (writer.py), ``StoreReader`` (reading.py), ``StoreReports``
(reports.py). Threads: ``mqtt-collector`` hears the doors, ``store`` alone writes to the database.
"""
