"""Results of jobs as files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hwnas.outputs import csv_text
from hwnas.results import ParetoResult, read_form
from hwnas.service.errors import ConflictError
from hwnas.service.store import Database, Job
from hwnas.service.store.parts import get_part


def result_file(database: Database, job: Job, *, form: str) -> tuple[bytes, str]:
    """The result of a job that is done, as "json" or "csv", and its media type. Raises `ConflictError`."""
    content = get_part(database, job.id, "result")
    if content is None:
        raise ConflictError("expected a result that is still kept, got one that was pruned; ask the question again")
    if form == "json":
        return content, "application/json"
    result = json.loads(content)
    text = csv_text(read_form(ParetoResult, result)) if job.kind == "pareto" else _table(result)
    return text.encode(), "text/csv"


def _table(result: dict[str, Any]) -> str:
    """One row for each net, with a column for each of its numbers. Raises `ConflictError` where there are no nets."""
    nets = result.get("nets")
    if not isinstance(nets, list) or not nets or not isinstance(nets[0], dict):
        raise ConflictError("expected a result that is a list of networks for CSV, got another; ask for JSON")
    rows = [_flat(net) for net in nets]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, entry in value.items():
        if isinstance(entry, dict):
            flat |= _flat(entry, f"{prefix}{name}.")
        else:
            flat[prefix + name] = entry
    return flat
