"""How `hwnas verify` shows predictions beside measurements."""

from __future__ import annotations

from pathlib import Path

from hwnas.api.verify_forms import CostSummary, VerifiedCost, VerifyResult
from hwnas.cli.console import print_json, print_table
from hwnas.cli.render_adapt import print_adapted
from hwnas.render import short_architecture


def print_verified(answer: VerifyResult, *, source: Path, as_json: bool) -> None:
    """A row for each net and cost, then figures, budgets and notes; for a kit, what to do with it."""
    if as_json:
        print_json(answer.to_dict())
        return
    if answer.results is None:
        print(f"{len(answer.nets)} nets of the front {answer.front} for {answer.device} are in {answer.kit}")
        print(
            f"copy it to the device, run its agent.py, then `hwnas verify {source} --results {answer.kit}/results.json`"
        )
        for note in answer.notes:
            print(f"note: {note}")
        return
    for cost in answer.costs:
        _print_cost(answer, cost)
    where = f" on {answer.measured_on}" if answer.measured_on else ""
    print(f"measured{where}: {answer.results}")
    for note in answer.notes:
        print(f"note: {note}")
    if answer.adapted is not None:
        print()
        print_adapted(answer.adapted, as_json=False)


def _print_cost(answer: VerifyResult, cost: CostSummary) -> None:
    heading = ("architecture", f"predicted {cost.unit}", f"measured {cost.unit}", "error", "in interval", "in budget")
    rows = [(short_architecture(net.arch), *_cells(net.costs[cost.id])) for net in answer.nets]
    title = f"{cost.id} of {answer.device}, front {answer.front}"
    columns = 6 if cost.bound is not None else 5
    print_table(heading[:columns], [row[:columns] for row in rows], numeric=range(1, 4), title=title)
    figures = [f"{cost.inside} of {cost.with_interval} in their {100 * answer.interval_level:g} % interval"]
    figures = figures if cost.with_interval else ["single measurements of a table: no intervals"]
    if cost.median_error_percent is not None:
        figures.append(f"median error {cost.median_error_percent:.1f} %")
    if cost.spearman is not None:
        figures.append(f"Spearman {cost.spearman:.2f} over {cost.nets} nets")
    print("; ".join(figures))
    if cost.bound is not None:
        holds = "the budget holds" if cost.within_budget == cost.nets else "the budget does NOT hold"
        print(f"{holds}: {cost.within_budget} of {cost.nets} measured nets need at most {cost.bound:g} {cost.unit}")
    print()


def _cells(cost: VerifiedCost) -> tuple[str, ...]:
    yes_no = {True: "yes", False: "NO", None: "-"}
    interval = "" if cost.lower is None or cost.upper is None else f" [{cost.lower:.4g}, {cost.upper:.4g}]"
    predicted = "-" if cost.predicted is None else f"{cost.predicted:.4g}{interval}"
    measured = "not measured" if cost.measured is None else f"{cost.measured:.4g}"
    error = "-" if cost.error_percent is None else f"{cost.error_percent:+.1f} %"
    return predicted, measured, error, yes_no[cost.inside], yes_no[cost.within_budget]
