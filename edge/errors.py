"""Exception classes; each message says what failed and what to do."""


class EdgeError(Exception):
    """An expected failure; the text says what failed, where, what is allowed and what to do."""


class ConfigError(EdgeError, ValueError):
    """The configuration or the command line is not usable (exit code 2)."""


class SourceError(EdgeError):
    """A camera, stream, recording or picture cannot be opened or read, or gives no more frames (exit code 1)."""


class ModelError(EdgeError, ValueError):
    """The model, its card or the cascade is missing, damaged or of the wrong shape (exit code 2)."""


class BrokerError(EdgeError):
    """A broker cannot be reached, does not start, or does not do what it must (exit code 1: it may next time)."""


class ReaderGone(Exception):
    """The program that reads standard output (head or less, for example) has ended; the command ends as if asked to.

    It is no ``OSError``, so that nobody takes it for a fault of a file that is read at that moment.
    """


class FileError(EdgeError):
    """A file or folder cannot be read or written (exit code 1)."""


class OutputError(EdgeError):
    """An output at the door (pin, sound, web address, program) does not do what it must (exit code 1)."""
