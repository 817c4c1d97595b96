"""Holds the commands of ``maskwatch``, one file per command: ``maskwatch NAME`` is ``edge/cli/NAME.py``.

Each file has ``add_arguments(command)``, which declares the options, and ``run(args)``, which runs the command and
returns the exit code. Only the file of the chosen command is loaded. Everything runs in the main thread, except that
``watch --post`` has the thread ``post``.
"""
