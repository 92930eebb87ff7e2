"""How `hwnas pareto` shows its answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hwnas.cli.console import LINE_SECONDS
from hwnas.render import result_text, shown_fronts
from hwnas.results import ParetoResult

if TYPE_CHECKING:
    from hwnas.api.scores_on_demand import Scoring
    from hwnas.api.searching import Progress
    from hwnas.search import Generation


def print_result(result: ParetoResult, *, also: Sequence[str], as_json: bool) -> None:
    """Print the fronts of the proxies and those in `also`, the comparison, then where each number comes from.

    Plain text: importing rich, which other commands print with, would lengthen a process of less than half a second.
    """
    shown_fronts(result, also)  # refuses a front that is not there before anything is printed
    print(result.to_json() if as_json else result_text(result, also))


@contextmanager
def search_progress() -> Iterator[Progress]:
    """A callback that keeps one line of where a search stands on the error stream; in a log, a line now and then."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    yield lambda name, at: print(f"\r\x1b[K{_line(name, at)}", end="", file=sys.stderr, flush=True)
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _lines() -> Progress:
    said = time.monotonic()

    def report(name: str, at: Generation | Scoring) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            print(_line(name, at), file=sys.stderr, flush=True)

    return report


def _line(name: str, at: Generation | Scoring) -> str:
    from hwnas.search import Generation

    if isinstance(at, Generation):
        found = f"front of {at.front}, volume {at.hypervolume:.4g}"
        return f"{name}: {at.evaluations:,} of {at.budget:,} networks, {found}"
    if at.waits_for is not None:
        return f"{name}: waits for process {at.waits_for}, which scores networks of the same space"
    purpose = "to rank others among" if at.reference else "of the next generation"
    return f"{name}: scored {at.scored:,} of {at.networks:,} networks {purpose}"
