"""Names the one failure that the workstation side adds to those of ``edge.errors``."""


class DataError(ValueError):
    """Training or evaluation data, or an output path, cannot be used.

    The text names the file or folder, says what is expected there and what to do. The exit code is 2.
    """
