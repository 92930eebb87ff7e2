"""Kinds of jobs, as they stand in the database, and what does them."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from hwnas.service.store import Kind
from hwnas.service.tasks.task import Task

# Modules by name: a worker's process loads what its one job needs.
TASKS: Final[dict[Kind, str]] = {
    "adapt": "hwnas.service.tasks.adapt",
    "pareto": "hwnas.service.tasks.pareto",
    "predict": "hwnas.service.tasks.predict",
    "predict-onnx": "hwnas.service.tasks.predict_onnx",
    "score": "hwnas.service.tasks.score",
    "score-table": "hwnas.service.tasks.score_table",
}
UPLOADS: Final[tuple[Kind, ...]] = ("adapt", "predict-onnx")  # files of strangers: little memory, little time
HEAVY: Final[tuple[Kind, ...]] = ("score", "score-table", "pareto")  # may take hours: one slot stays free of them

WITHOUT_DEVICES: Final[tuple[Kind, ...]] = ("score", "score-table")  # the same whatever devices users added


def get_task(kind: Kind) -> Task:
    """The function `run` of a kind."""
    return cast(Task, import_module(TASKS[kind]).run)
