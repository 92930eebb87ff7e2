"""Problems that a service answers with, as the errors that the same call would have raised here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

from hwnas.errors import DataError, HwnasError, InfeasibleError, ProxyError, UsageError

_CLASSES: Final[dict[str, type[HwnasError]]] = {
    "unknown-name": UsageError,
    "wrong-use": UsageError,
    "wrong-values": UsageError,
    "not-found": UsageError,
    "infeasible": InfeasibleError,
    "proxy": ProxyError,
    "data": DataError,
}


@final
class ServiceError(HwnasError):
    """A service does not answer, or does not do what it was asked."""


def error_of(problem: Mapping[str, Any]) -> HwnasError:
    """The error of a problem, with its message."""
    kind, detail = str(problem.get("type", "")).rpartition(":")[2], str(problem.get("detail", "no reason was given"))
    return _CLASSES.get(kind, ServiceError)(detail)
