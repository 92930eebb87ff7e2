"""Costs of a model as a person reads them; totals that leave out more than a little of a network are bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.render import Sheet
from hwnas.results import CostResult

if TYPE_CHECKING:
    from hwnas.api.predict_model import KernelCost, ModelPrediction

HEADINGS: Final = {"latency_ms": "latency (ms)", "energy_mj": "energy (mJ)"}
TOP: Final = 20  # kernels that are shown, where nobody says how many
_WIDE: Final = 100.0  # from the lower to the upper end of an interval, beyond which its mean says nothing


def total_text(answer: ModelPrediction, cost: str) -> str:
    """A total with its interval; "at least" what is known where that is a lower bound."""
    total = answer.costs[cost]
    if total.mean is None or not answer.lower_bound:
        return cost_text(total)
    known = sum(kernel.costs[cost].mean is not None for kernel in answer.kernels)
    return f"at least {total.mean:.3g} ({known} of {len(answer.kernels)} kernels)"


def cost_text(cost: CostResult, *, lack: str | None = None) -> str:
    """A cost with its interval, which may be so wide that the cost is not known, or why there is none."""
    if cost.mean is None:
        return lack or "no model"
    if cost.lower is None or cost.upper is None:
        return f"{cost.mean:.3g}"
    known = "" if cost.upper <= _WIDE * cost.lower else ", not known"
    return f"{cost.mean:.3g} [{cost.lower:.3g}, {cost.upper:.3g}]{known}"


def prediction_sheet(answer: ModelPrediction, *, top: int = TOP) -> Sheet:
    """The totals as its title; a row for each of the costliest kernels."""
    known = any(cost.lower is not None for kernel in answer.kernels for cost in kernel.costs.values())
    level = f"{100 * answer.interval_level:g}% intervals; " if known else ""
    totals = ", ".join(f"{HEADINGS[name]} {total_text(answer, name)}" for name in answer.costs)
    least = "at least " if answer.macs_lower_bound else ""
    counts = f"{least}{answer.macs / 1e6:.1f} M multiply-accumulates, {answer.params / 1e6:.2f} M parameters"
    names = tuple(answer.costs)
    heading = ("kernel", "kind", "output", *(h for n in names for h in (HEADINGS[n], "%")), "M MACs", "outside")
    return Sheet(
        title=f"{answer.model} on {answer.device}: {totals}; {level}{counts}",
        heading=heading,
        rows=tuple(_row(kernel, names) for kernel in answer.kernels[:top]),
        numeric=tuple(range(3, len(heading))),
    )


def prediction_lines(answer: ModelPrediction, *, top: int = TOP) -> list[str]:
    """What the sheet leaves out, sources, and notes."""
    left = len(answer.kernels) - top
    told = f"and {left} kernels more" if top else f"{left} kernels"
    return [
        *([f"{told}, see --top and --json"] if left > 0 else []),
        *(f"{HEADINGS[name]}: {source}" for name, source in answer.sources.items()),
        *(f"note: {note}" for note in answer.notes),
    ]


def _row(kernel: KernelCost, names: tuple[str, ...]) -> tuple[str, ...]:
    costs = [text for n in names for text in (cost_text(kernel.costs[n], lack=kernel.lack), _percent(kernel.shares[n]))]
    operators = kernel.kind + "".join(f"+{name}" for name in kernel.operators[1:])
    outside = "" if kernel.outside <= 1 else f"{kernel.outside:.1f}x {kernel.outside_feature}"
    return kernel.label, operators, "x".join(map(str, kernel.shape)), *costs, f"{kernel.macs / 1e6:.2f}", outside


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1f}"
