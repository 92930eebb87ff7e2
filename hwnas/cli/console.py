"""How every command prints: tables, JSON, progress on the error stream. The only file that imports rich."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from hwnas.cli.encodings import is_unicode

PIPED_WIDTH: Final = 100  # columns of a table that goes to a file or another program
_FOLDED: Final = 12  # columns of text that folds
_BETWEEN: Final = 2  # columns between two others
LINE_SECONDS: Final = 30.0  # between two lines of progress in a log


def print_json(value: Any) -> None:
    """Print as JSON; NaN and infinity are refused, because JSON has none. Signs that the stream lacks are escaped."""
    print(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=not is_unicode(sys.stdout.encoding)))


def print_table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Sequence[int] = (), title: str | None = None
) -> None:
    """Print a table; columns in `numeric` are aligned to the right. Wide cells fold, nothing is cut off: a table that
    cannot be as narrow as the terminal is wider.

    title: a line of its own above the table, which may be longer than the table is wide.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    console = Console(markup=False, highlight=False)
    width = console.width if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    cells = [[name, *(row[i] for row in rows)] for i, name in enumerate(heading)]
    whole = {0, *numeric}
    narrowest = [_narrowest(column, i in whole) for i, column in enumerate(cells)]
    widths = _widths(narrowest, [max(map(len, column)) for column in cells], width - _BETWEEN * (len(heading) - 1))
    console.width = sum(widths) + _BETWEEN * len(heading)
    for number, name in enumerate(heading):
        table.add_column(
            name,
            overflow="fold",
            justify="right" if number in numeric else "left",
            no_wrap=number == 0,
            width=widths[number],
        )
    for row in rows:
        table.add_row(*row)
    if title is not None:
        print(title)
    console.print(table)


def _narrowest(column: Sequence[str], whole: bool) -> int:
    """Width that keeps the cells of a column whole, or folds them at a width that can be read; its heading may fold."""
    name, *cells = column
    longest = max(map(len, cells), default=0)
    return max(longest if whole else min(longest, _FOLDED), *map(len, name.split()), 0)


def _widths(narrowest: Sequence[int], widest: Sequence[int], room: int) -> list[int]:
    """Widths of columns between the two; what room is left over the narrowest goes to the smallest wishes first."""
    widths = list(narrowest)
    left = room - sum(widths)
    wishes = sorted(range(len(widths)), key=lambda i: widest[i] - narrowest[i])
    for done, i in enumerate(wishes):
        more = max(min(widest[i] - narrowest[i], left // (len(wishes) - done)), 0)
        widths[i] += more
        left -= more
    return widths


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
