"""Lists what the options of ``maskwatch bench`` accept. Imports nothing, so that ``--help`` does not load OpenCV."""

STAGES = ("motion", "detect", "classify", "track")
"""Stages that can be profiled alone."""
RIVALS = ("article", "every-picture")
"""Rivals that have a name; any other is a .tflite file."""
EMPTY = "empty"
"""The source that is the bundled clip's doorway before anybody comes, with sensor noise."""
