"""The kernels of a network as a picture: a bar for each, in order of cost."""

from __future__ import annotations

from typing import Any, Final

from hwnas.api.predict_model import KernelCost, ModelPrediction
from hwnas.api.prediction_texts import total_text
from hwnas.errors import UsageError
from hwnas.pictures import COLOURS, drawn

# More bars than this cannot be read; the last one is the sum of the rest.
_BARS: Final = 30
# The axis ends at this many times the longest bar.
_WIDEST: Final = 3.0
_UNITS: Final = {"latency_ms": "latency (ms)", "energy_mj": "energy (mJ)"}
_REST: Final = "#999999"


def kernel_picture(answer: ModelPrediction, *, suffix: str = "png") -> bytes:
    """A bar for each kernel, the costliest first, coloured by kind, with its interval; the rest is one bar.

    Raises `MissingExtraError` without matplotlib, `UsageError` where no kernel has a cost.
    """
    cost = next(iter(answer.costs))
    covered = [kernel for kernel in answer.kernels if kernel.costs[cost].mean is not None]
    if not covered:
        raise UsageError(f"expected a network of which {answer.device} can tell some cost for a picture, got none")
    shown, rest = covered[:_BARS], covered[_BARS:]
    kinds = list(dict.fromkeys(kernel.kind for kernel in shown))
    colours = {kind: COLOURS[number] if number < len(COLOURS) else "#000000" for number, kind in enumerate(kinds)}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for place, kernel in enumerate(shown):
            its = kernel.costs[cost]
            assert its.mean is not None and its.lower is not None and its.upper is not None  # filtered above
            ends = [[its.mean - its.lower], [its.upper - its.mean]]
            axes.barh(place, its.mean, color=colours[kernel.kind], label=kernel.kind, height=0.75)
            axes.errorbar(its.mean, place, xerr=ends, color="black", lw=0.7, capsize=1.5)
        if rest:
            axes.barh(len(shown), sum(kernel.costs[cost].mean or 0.0 for kernel in rest), color=_REST, height=0.75)
        names = [_label(kernel) for kernel in shown] + ([f"{len(rest)} kernels more"] if rest else [])
        axes.set_yticks(range(len(names)), names, fontsize=6)
        axes.invert_yaxis()
        axes.margins(y=0.01)
        longest = _WIDEST * max(bar.get_width() for bar in axes.patches)
        cut = axes.get_xlim()[1] > longest  # of kernels far outside of what was measured an interval says little
        axes.set_xlim(0, longest if cut else None)
        lacking = len(answer.kernels) - len(covered)
        left_out = f"; {lacking} kernels without a model are left out" if lacking else ""
        axes.set_xlabel(_UNITS[cost] + (", longer intervals cut" if cut else "") + left_out)
        handles, labels = axes.get_legend_handles_labels()
        first = dict(zip(labels[::-1], handles[::-1], strict=True))
        axes.legend(
            [first[kind] for kind in kinds], kinds, framealpha=0.85, edgecolor="none", fontsize=7, loc="lower right"
        )
        name = answer.model.rsplit("/", 1)[-1]
        axes.set_title(f"{name} on {answer.device}: {_UNITS[cost]} {total_text(answer, cost)} in all", fontsize=9)

    return drawn(draw, size=(7.0, 1.2 + 0.17 * (len(shown) + bool(rest))), suffix=suffix)


def _label(kernel: KernelCost) -> str:
    return f"{kernel.label}  {'x'.join(map(str, kernel.shape))}"
