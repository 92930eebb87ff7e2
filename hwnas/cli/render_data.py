"""How `hwnas data` shows what it did: a table for people, JSON for programs, progress on the error stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from hwnas.cli.console import print_table, transfer_bar
from hwnas.data import CheckResult, ImportResult, Progress, PullResult, SourceStatus, cache_folder


def sources(statuses: Sequence[SourceStatus], *, as_json: bool) -> None:
    """Print the list of sources."""
    if as_json:
        print(json.dumps([{**asdict(status.source), "status": status.status} for status in statuses], indent=2))
        return
    rows = [
        (
            s.source.name,
            s.status,
            f"{s.source.size / 1e6:.1f}" if s.source.size else "-",
            s.source.licence,
            s.source.adds,
        )
        for s in statuses
    ]
    print_table(("source", "status", "MB", "licence", "what it adds"), rows)
    print(f"cache: {cache_folder()}")


def results(done: Sequence[PullResult | ImportResult | CheckResult], *, as_json: bool) -> None:
    """Print one row per result, under the names of its fields."""
    fields = [asdict(result) for result in done]
    if as_json:
        print(json.dumps(fields, indent=2))
    elif fields:
        print_table(tuple(fields[0]), [tuple(map(_cell, row.values())) for row in fields])
    else:
        print(f"nothing is in the cache {cache_folder()}; run `hwnas data pull`")


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A callback for `pull` that shows the file on its way, on the error stream; none where that is not a terminal."""
    with transfer_bar() as bar:
        yield lambda event: bar(event.path, event.done, event.total)


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
