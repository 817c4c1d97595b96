"""Declares the options, reads and checks them, and writes them back.

In: a TOML file, the settings that the page has kept, the command line. Out: one frozen ``Config``.
Public names: ``Config`` and its sections (schema.py), ``load`` and ``build`` (load.py), ``SettingsStore`` (edit.py).
Threads: none of its own.
"""
