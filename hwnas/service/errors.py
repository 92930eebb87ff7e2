"""What callers ask for and is not there, or cannot be now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from hwnas.errors import DataError, HwnasError, UnknownNameError, UsageError


@final
class NotFoundError(UsageError):
    """There is nothing at this address."""


@final
class ConflictError(UsageError):
    """A job or device is in a state that does not allow it."""


@final
class UploadError(DataError):
    """A file that a caller sent cannot be read."""


@final
class BusyError(HwnasError):
    """Others are answered, and the time for an answer is over."""


@contextmanager
def missing_if_unknown() -> Iterator[None]:
    """A name that stands in the address: where it is unknown, there is nothing at the address."""
    try:
        yield
    except UnknownNameError as error:
        raise NotFoundError(str(error)) from error
