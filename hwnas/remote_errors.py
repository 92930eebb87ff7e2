"""Problems that a service answers with, as the errors that the same call would have raised here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

from hwnas.errors import DataError, HwnasError, InfeasibleError, ProxyError, UnknownNameError, UsageError

_CLASSES: Final[dict[str, type[HwnasError]]] = {
    "wrong-use": UsageError,
    "wrong-values": UsageError,
    "not-found": UsageError,
    "infeasible": InfeasibleError,
    "proxy": ProxyError,
    "data": DataError,
    "upload": DataError,
}
_UPLOADED: Final = re.compile(r"\bmeasurements-(\d+)\.(?:csv|json)\b")  # as hwnas/service/uploads.py names them
_UNKNOWN: Final = re.compile(r"(.+?) ['\"](.*?)['\"] is not known")
_PLACE: Final = re.compile(r"^(body|query|path)\.")
_NO_TOKEN: Final = (
    "expected the token of this service, got none or another; set HWNAS_TOKEN to it, or give it as "
    "hwnas.Client(server, token=...)"
)


@final
class ServiceError(HwnasError):
    """A service does not answer, or does not do what it was asked."""


def error_of(problem: Mapping[str, Any]) -> HwnasError:
    """The error of a problem, with its message."""
    kind, detail = str(problem.get("type", "")).rpartition(":")[2], str(problem.get("detail", "no reason was given"))
    if problem.get("near") is not None:
        return _unknown_name(detail, problem["near"])
    if kind == "wrong-values" and problem.get("errors"):
        detail = "; ".join(_plain(entry) for entry in problem["errors"][:5])
    return _CLASSES.get(kind, ServiceError)(_NO_TOKEN if kind == "not-let-in" else detail)


def with_own_names(error: HwnasError, paths: Sequence[Path]) -> HwnasError:
    """The error with the files that were uploaded where the service says how it called them, the first one 1."""

    def own(name: re.Match[str]) -> str:
        number = int(name[1])
        return str(paths[number - 1]) if 0 < number <= len(paths) else name[0]

    error.args = (_UPLOADED.sub(own, str(error)),)
    return error


def _unknown_name(detail: str, near: Sequence[str]) -> UnknownNameError:
    """The error with the message of the service, which knows other names than we may know here."""
    error = UnknownNameError.__new__(UnknownNameError, detail)
    found = _UNKNOWN.match(detail)
    error.kind, error.name = (found[1], found[2]) if found else ("name", "")
    error.near = tuple(map(str, near))
    return error


def _plain(entry: Mapping[str, Any]) -> str:
    """What is wrong with one value, by its name alone: who called a function knows no body."""
    return f"{_PLACE.sub('', str(entry.get('at', '')))}: {entry.get('message', '')}"
