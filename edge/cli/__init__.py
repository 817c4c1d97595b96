"""The commands of ``maskwatch``, one file per command: ``maskwatch NAME`` is ``edge/cli/NAME.py``.

Each file has ``add_arguments`` and ``run``. Files are small on purpose: their place is predictable.
"""
