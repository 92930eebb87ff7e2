"""Costs of architectures as a person reads them: a table, then where they are from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.render import Sheet, short_architecture
from hwnas.results import CostResult

if TYPE_CHECKING:
    from hwnas.api.predict import PredictResult

_UNITS: Final = {"energy_mj": "energy (mJ)", "latency_ms": "latency (ms)"}


def costs_sheet(answer: PredictResult) -> Sheet:
    """One row per architecture."""
    rows = tuple(
        (
            "" if net.index is None else str(net.index),
            short_architecture(net.arch),
            *(_cost(net.costs[name]) for name in answer.sources),
        )
        for net in answer.nets
    )
    title = f"{answer.device}, {answer.space} on {answer.dataset}"
    if any(cost.lower is not None for net in answer.nets for cost in net.costs.values()):
        title += f", {100 * answer.interval_level:g}% intervals"
    most = ", at least" if answer.lower_bound else ""
    heading = ("index", "architecture", *(_UNITS[name] + most for name in answer.sources))
    return Sheet(title=title, heading=heading, rows=rows, numeric=(0, *range(2, len(heading))))


def costs_lines(answer: PredictResult) -> list[str]:
    """Sources of the costs, and notes."""
    return [
        *(f"{_UNITS[name]}: {source}" for name, source in answer.sources.items()),
        *(f"note: {note}" for note in answer.notes),
    ]


def _cost(cost: CostResult) -> str:
    if cost.mean is None:
        return "not measured"
    interval = "" if cost.lower is None or cost.upper is None else f" [{cost.lower:.4g}, {cost.upper:.4g}]"
    return f"{cost.mean:.4g}{interval}"
