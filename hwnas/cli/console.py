"""How every command prints: tables, JSON, progress on the error stream. The only file that imports rich."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

PIPED_WIDTH: Final = 100  # columns of a table that goes to a file or another program
LINE_SECONDS: Final = 30.0  # between two lines of progress in a log


def print_json(value: Any) -> None:
    """Print as JSON; NaN and infinity are refused, because JSON has none."""
    print(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def print_table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[int] = (), title: str | None = None
) -> None:
    """Print a table; columns in `numeric` are aligned to the right. Wide cells fold, nothing is cut off.

    title: a line of its own above the table, which may be longer than the table is wide.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(heading):
        table.add_column(
            name,
            overflow="fold",
            justify="right" if number in numeric else "left",
            no_wrap=number == 0,
            min_width=_longest(rows, number, numeric),
        )
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    if title is not None:
        print(title)
    Console(markup=False, highlight=False, width=width).print(table)


def _longest(rows: Sequence[Sequence[str]], column: int, numeric: Sequence[int]) -> int | None:
    """Width that keeps the numbers of a numeric column whole; its heading may fold."""
    return max((len(row[column]) for row in rows), default=0) if column in numeric else None


@contextmanager
def progress_bar(description: str, *, at_once: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A callback `(done, total)` that draws a bar with the time left; in a log, a line now and then.

    at_once: whether there is a bar before the first call.
    """
    if not sys.stderr.isatty():
        yield _lines(description)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(description, total=None, visible=at_once)
        yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


def _lines(description: str) -> Callable[[int, int], None]:
    """A callback that writes a line to the error stream every `LINE_SECONDS`: nothing for what is done before."""
    said = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            print(f"{description}: {done} of {total}", file=sys.stderr, flush=True)

    return report


@contextmanager
def transfer_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """A callback `(name, done, total)` in bytes that draws a bar for one file after another, as `progress_bar` does."""
    if not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=None)
        current = ""

        def report(name: str, done: int, total: int | None) -> None:
            nonlocal current
            if name != current:
                current = name
                bars.reset(task, total=total, description=name)
            bars.update(task, completed=done)

        yield report
