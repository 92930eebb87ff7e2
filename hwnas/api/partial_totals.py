"""Totals that leave out more than a little of a network are bounds, and are written as such."""

from __future__ import annotations

from hwnas.api.predict_model import ModelPrediction
from hwnas.results import CostResult

_LITTLE_MACS, _LITTLE_BYTES = 1.0, 25.0  # percent of the network's, in kernels without a model


def total_text(answer: ModelPrediction, cost: str) -> str:
    """A total with its interval; "at least" what is known where kernels without a model do more than a little."""
    total, lacking = answer.costs[cost], answer.uncovered
    little = (
        sum(part.macs_percent for part in lacking) < _LITTLE_MACS
        and sum(part.bytes_percent for part in lacking) < _LITTLE_BYTES
    )
    if total.mean is None or little:
        return cost_text(total)
    known = sum(kernel.costs[cost].mean is not None for kernel in answer.kernels)
    return f"at least {total.mean:.3g} ({known} of {len(answer.kernels)} kernels)"


def cost_text(cost: CostResult) -> str:
    """A cost with its interval, or that there is no model."""
    if cost.mean is None:
        return "no model"
    interval = "" if cost.lower is None or cost.upper is None else f" [{cost.lower:.3g}, {cost.upper:.3g}]"
    return f"{cost.mean:.3g}{interval}"
