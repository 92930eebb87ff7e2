"""A job as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, final

State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["score", "score-table", "adapt", "predict", "predict-onnx", "pareto"]
FINAL: Final[tuple[State, ...]] = ("done", "failed", "cancelled")


@final
@dataclass(frozen=True, kw_only=True)
class Job:
    """A call of an API function that survives its process.

    seq: its number in the order of arrival. id: the hash of what is asked. owner: who asked, as far as it may be shown.
    attempts: begun so far without progress. beat: grows while a worker works on it. done, total: progress in steps.
    seconds_left: estimate of the worker. cancel: whether somebody asked for its end. error: problem of a failed job.
    version: grows with each change. Times are seconds since 1970.
    """

    seq: int
    id: str
    kind: Kind
    state: State
    request: dict[str, Any]
    owner: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    attempts: int
    beat: int
    worker: str | None
    cancel: bool
    done: int
    total: int | None
    seconds_left: float | None
    error: dict[str, Any] | None
    version: int
