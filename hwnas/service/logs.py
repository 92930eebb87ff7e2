"""Logs as one JSON object a line. Neither headers nor bodies nor query strings are logged: they may hold secrets."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any, Final

from fastapi import Request

LOGGER: Final = logging.getLogger("hwnas.service")
_FRAMES: Final = 6  # of a fault: json alone has three of its own below whoever called it


def start_logging(*, verbose: bool = True) -> None:
    """Write to the error stream; without `verbose` warnings and worse alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.INFO if verbose else logging.WARNING)
    LOGGER.propagate = False


def log_event(event: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """One line about something that happened."""
    LOGGER.log(level, event, extra={"facts": facts})


def log_request(request: Request, status: int, seconds: float) -> None:
    """One line about a request that was answered."""
    log_event(
        "request",
        request=request.state.number,
        method=request.method,
        path=request.url.path[:200],
        status=status,
        ms=round(seconds * 1000, 1),
        client=request.client.host if request.client else None,
    )


def log_failure(request: Request, error: Exception) -> None:
    """A fault of ours in a request."""
    log_event("failure", level=logging.ERROR, request=request.state.number, **facts_of(error))


def facts_of(error: Exception) -> dict[str, Any]:
    """What is logged of a fault of ours: where it happened, not what it says, which may hold what was sent."""
    where = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in where]
    return {"error": type(error).__name__, "at": places}


class _Lines(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        facts = getattr(record, "facts", {})
        about = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower()}
        return json.dumps({**about, "event": record.getMessage(), **facts}, default=str)
