"""Evaluations of proxies as files: JSON, CSV, pictures. A file is written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwnas.folders import write_whole
from hwnas.outputs import PICTURES, check_path

if TYPE_CHECKING:
    from hwnas.api.evaluate_forms import EvaluateResult
    from hwnas.api.sensitivity import SensitivityResult


def save_evaluation(result: EvaluateResult, path: Path) -> None:
    """Write figures of proxies; the suffix says how. Raises as `hwnas.outputs.save` does."""
    rows = [
        {"space": task.space, "dataset": task.dataset, **figures.to_dict()}
        for task in result.tasks
        for figures in task.proxies
    ]
    _save(path, result.to_dict(), rows, lambda suffix: _pictures().evaluation_picture(result, suffix=suffix))


def save_sensitivity(result: SensitivityResult, path: Path) -> None:
    """Write what scores depend on; the suffix says how. Raises as `hwnas.outputs.save` does."""
    rows = [
        {"proxy": row.proxy, result.by: value, "with_truth": truth, "with_first": first}
        for row in result.rows
        for value, truth, first in zip(result.values, row.with_truth, row.with_first, strict=True)
    ]
    _save(path, result.to_dict(), rows, lambda suffix: _pictures().sensitivity_picture(result, suffix=suffix))


def _pictures() -> Any:
    from hwnas import proxy_pictures

    return proxy_pictures


def _save(path: Path, whole: dict[str, Any], rows: Sequence[dict[str, Any]], picture: Any) -> None:
    kind = check_path(path)
    if kind in PICTURES:
        write_whole(path, picture(kind))
    elif kind == "json":
        write_whole(path, (json.dumps(whole, indent=2, allow_nan=False) + "\n").encode())
    else:
        write_whole(path, _csv(rows).encode())


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
