"""How `hwnas pareto` shows its answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

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
    told = _Told(terminal=sys.stderr.isatty())
    yield told
    told.end()


@final
class _Told:
    """What a search and the costs before it report, as one line that is renewed, or in a log a line now and then."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal, self._said = terminal, time.monotonic()

    def __call__(self, name: str, at: Generation | Scoring) -> None:
        """Where a search stands."""
        self._say(lambda: _line(name, at))

    def costs(self, cost: str, known: int, networks: int) -> None:
        """How many networks have a cost that is computed for each of them."""
        self._say(lambda: f"{cost}: computed for {known:,} of {networks:,} networks, each from its graph")

    def end(self) -> None:
        """Leave no line in a terminal."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _say(self, line: Callable[[], str]) -> None:
        if self._terminal:
            print(f"\r\x1b[K{line()}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            print(line(), file=sys.stderr, flush=True)


def _line(name: str, at: Generation | Scoring) -> str:
    from hwnas.search import Generation

    if isinstance(at, Generation):
        found = f"front of {at.front}, volume {at.hypervolume:.4g}"
        return f"{name}: {at.evaluations:,} of {at.budget:,} networks, {found}"
    if at.waits_for is not None:
        return f"{name}: waits for process {at.waits_for}, which scores networks of the same space"
    purpose = "to rank others among" if at.reference else "of the next generation"
    return f"{name}: scored {at.scored:,} of {at.networks:,} networks {purpose}"
