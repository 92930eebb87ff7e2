"""What the database, or what it knows, refuses."""

from __future__ import annotations

from typing import final

from hwnas.errors import HwnasError, UsageError


@final
class StoreError(HwnasError):
    """The database is locked, full, or cannot be reached; nothing was changed, and the same call may succeed later."""


@final
class TooManyJobsError(UsageError):
    """A caller has as many unfinished jobs as it may have."""

    def __init__(self, number: int, most: int) -> None:
        super().__init__(f"expected at most {most} unfinished jobs of one caller, got {number}; wait or cancel some")


@final
class KeyReusedError(UsageError):
    """An idempotency key came again with another question."""

    def __init__(self, key: str) -> None:
        super().__init__(f"expected a new idempotency key for a new question, got {key!r} again; make another one")
