"""A result as a file: the suffix says which kind. A file is written whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hwnas.errors import UsageError
from hwnas.folders import write_whole
from hwnas.results import NetResult, ParetoResult

PICTURES: Final = ("png", "svg", "pdf")
KINDS: Final = ("json", "csv", *PICTURES, "html")


def check_path(path: Path) -> str:
    """The kind of file that a path asks for. Raises `UsageError` for another suffix, and where there is no folder."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        got = f"got {path.suffix!r}" if path.suffix else "got none"
        raise UsageError(f"expected a file that ends in .{', .'.join(KINDS)}, {got} in {str(path)!r}")
    if not path.parent.is_dir():
        raise UsageError(f"expected a folder to write {path} in, got {path.parent}, which is none; make it first")
    return kind


def is_drawn(path: Path) -> bool:
    """Whether a result must have its candidates to be written there. Raises as `check_path`."""
    return check_path(path) in (*PICTURES, "html")


def save(result: ParetoResult, path: Path) -> None:
    """Write a result as JSON, CSV, a picture or a page of its own (html), replacing what was there.

    Raises `UsageError` for another suffix or no folder, `MissingExtraError` for a picture without matplotlib, and
    `DataError` where the file cannot be written.
    """
    kind = check_path(path)
    if kind in PICTURES:
        from hwnas.pictures import picture

        content = picture(result, suffix=kind)
    elif kind == "html":
        from hwnas.reports import report

        content = report(result).encode()
    else:
        content = (result.to_json() + "\n" if kind == "json" else csv_text(result)).encode()
    write_whole(path, content)


def csv_text(result: ParetoResult) -> str:
    """One row for each net of each front: costs with their bounds, score, accuracy; an empty cell is no value."""
    ids = [cost.id for cost in (*result.objectives, *result.other_costs)]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    costs = [column for name in ids for column in (name, f"{name}_lower", f"{name}_upper")]
    about = ["space", "dataset", "device", "front", "role", "rank", "index", "benchmark_index", "network_id", "arch"]
    writer.writerow([*about, *costs, "score", "accuracy_percent"])
    for front in result.fronts:
        for net in front.nets:
            setting = [result.space, result.dataset, result.device, front.name, front.role]
            net_facts = [net.rank, net.index, net.benchmark_index, net.network_id, net.arch]
            writer.writerow([*setting, *net_facts, *_costs(net, ids), net.score, net.accuracy_percent])
    return file.getvalue()


def _costs(net: NetResult, ids: list[str]) -> Iterator[float | None]:
    for name in ids:
        cost = net.costs[name]
        yield from (cost.mean, cost.lower, cost.upper)
