"""What a task is given and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable


@final
class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """Somebody asked a task to stop; its checkpoint is where it goes on from."""


@final
@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done. folder: empty, of this task alone, and the current one. progress: (done, total) in steps.

    progress raises `Stopped` where the task is to stop. save: keeps a checkpoint; not each is written.
    """

    request: dict[str, Any]
    payload: bytes | None
    checkpoint: bytes | None
    folder: Path
    progress: Callable[[int, int], None]
    save: Callable[[Callable[[], bytes]], None]


@final
@dataclass(frozen=True, kw_only=True)
class Made:
    """What a task made: its result as plain values; a device's card and the files of its models; columns of a front
    (`Front.candidates`)."""

    result: dict[str, Any]
    card: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    candidates: dict[str, Any] | None = None


@runtime_checkable
class Task(Protocol):
    """A kind of job. Raises errors of the tree for what cannot be done, and `Stopped`."""

    def __call__(self, work: Work) -> Made:
        """Do it."""
