"""One small tree of errors: each message says what was expected, what was got and what to do.

The command line prints the message alone and exits with `exit_code`: 2 for wrong use, 1 for a failure.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable
from functools import cache
from typing import Any


class HwnasError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with its message alone. A class that makes the message from other arguments fails
        # at that, and a pool whose worker raises what cannot be read back breaks.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(HwnasError):
    """The caller asked for something that cannot be: a wrong value, an unknown name, a wrong combination."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name of a device, proxy, space, ... that is not known; the message names the nearest ones.

    known: every name that would do. listed: those to name where none is near, by default all of `known`. advice: how
    another name becomes known, where one may.
    """

    def __init__(
        self, kind: str, name: str, known: Iterable[str], listed: Iterable[str] | None = None, *, advice: str = ""
    ) -> None:
        names = sorted(known)
        by_lower = {known_name.lower(): known_name for known_name in names}
        near = [by_lower[match] for match in difflib.get_close_matches(str(name).lower(), by_lower, n=3, cutoff=0.5)]
        others = ", ".join(names if listed is None else sorted(listed))
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {others}"
        super().__init__(f"{kind} {name!r} is not known; {hint}{advice and f'; {advice}'}")
        self.kind, self.name, self.near = kind, name, tuple(near)


class InfeasibleError(UsageError):
    """No candidate meets the bounds; the message names the cheapest one and its cost."""


class DataError(HwnasError):
    """A data file is absent, truncated, of a wrong version or does not have the contents that were published."""


class AbsentError(DataError):
    """Scores or accuracies that were asked for are not at hand; the message says how to get them."""


class OfflineError(DataError):
    """A download was needed and did not come; the message says how to import the file by hand."""


class MissingExtraError(HwnasError):
    """A feature needs an optional library; the message names the extra that brings it."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f'{feature} needs the extra {extra!r}: run `python -m pip install "hwnas[{extra}]"`')
        self.feature, self.extra = feature, extra


class ProxyError(HwnasError):
    """A proxy cannot score this module or batch; the message names the proxy and what it needs."""


class WorkerError(HwnasError):
    """A process that shares the work died; what was finished before is kept."""


@cache
def tell_once(message: str) -> None:
    """Log what is passed over, such as a damaged file of the user's; without a log it goes to the error stream."""
    import logging

    logging.getLogger("hwnas").warning("%s", message)
