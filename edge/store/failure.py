"""Says why a database did not do what was asked."""

from ..errors import EdgeError


class StoreError(EdgeError):
    """Says in one sentence, without a secret, why the database did not do what was asked.

    ``temporary`` is False where the database refuses these rows for good, because of what is in them. Everything else
    may be mended, and the same rows are then taken: the server is away, a password is wrong, the disk is full.
    """

    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.temporary = temporary


class StoreSilent(StoreError):
    """Says that the database does not answer. To ask again at once would take as long again."""

    def __init__(self, shown: str) -> None:
        super().__init__(f"{shown} does not answer", temporary=True)
