"""Failures with names. Each is also the right built-in, so a caller can catch either."""


class EdgeError(Exception):
    """Something maskwatch expected could go wrong; the text says what, where, and what to do."""


class ConfigError(EdgeError, ValueError):
    """The configuration or the command line is not usable (exit code 2)."""


class SourceError(EdgeError, OSError):
    """The camera, stream, file or folder cannot be opened, or stopped giving pictures."""


class ModelError(EdgeError, ValueError):
    """The model, its card or the cascade is missing, damaged or of the wrong shape (exit code 2)."""


class BrokerError(EdgeError, OSError):
    """A broker does not come up, or does not do what it must (exit code 1: it may next time)."""
