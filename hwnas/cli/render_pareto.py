"""How `hwnas pareto` shows its answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hwnas.render import result_text, shown_fronts
from hwnas.results import ParetoResult

if TYPE_CHECKING:
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
    """A callback that keeps one line of where a search stands on the error stream; silent where it is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _name, _at: None
        return

    from hwnas.api.searching import Scoring

    purpose = {True: "to rank others among", False: "of the next generation"}

    def report(name: str, at: Generation | Scoring) -> None:
        if isinstance(at, Scoring):
            line = f"{name}: scored {at.scored:,} of {at.networks:,} networks {purpose[at.reference]}"
        else:
            found = f"front of {at.front}, volume {at.hypervolume:.4g}"
            line = f"{name}: {at.evaluations:,} of {at.budget:,} networks, {found}"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    yield report
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
