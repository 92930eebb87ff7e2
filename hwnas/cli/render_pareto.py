"""How `hwnas pareto` shows its answer."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.cli.console import print_table
from hwnas.render import comparison_sheet, front_sheet, shown_fronts, source_lines
from hwnas.results import ParetoResult


def print_result(result: ParetoResult, *, also: Sequence[str], as_json: bool) -> None:
    """Print the fronts of the proxies and those in `also`, the comparison, then where each number comes from."""
    fronts = shown_fronts(result, also)
    if as_json:
        print(result.to_json())
        return
    for sheet in (*(front_sheet(result, front) for front in fronts), comparison_sheet(result)):
        if sheet is not None:
            print(sheet.title)
            print_table(sheet.heading, sheet.rows, numeric=sheet.numeric)
            print()
    print("\n".join(source_lines(result, fronts)))
