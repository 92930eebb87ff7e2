"""How `hwnas pareto` shows its answer."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.render import result_text, shown_fronts
from hwnas.results import ParetoResult


def print_result(result: ParetoResult, *, also: Sequence[str], as_json: bool) -> None:
    """Print the fronts of the proxies and those in `also`, the comparison, then where each number comes from.

    Plain text: importing rich, which other commands print with, would lengthen a process of less than half a second.
    """
    shown_fronts(result, also)  # refuses a front that is not there before anything is printed
    print(result.to_json() if as_json else result_text(result, also))
