"""How kernel models, and predictions by them, are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from hwnas.api.partial_totals import cost_text, total_text
from hwnas.cli.console import print_json, print_table, progress_bar

if TYPE_CHECKING:
    from hwnas.api.kernels import KernelModelResult
    from hwnas.api.predict_model import KernelCost, ModelPrediction
    from hwnas.latency.kernels.builder import Progress

_HEADINGS: Final = {"latency_ms": "latency (ms)", "energy_mj": "energy (mJ)"}


@contextmanager
def build_progress(minutes: float) -> Iterator[Callable[[Progress], None]]:
    """A bar of the seconds that are spent."""
    with progress_bar("measuring kernels") as bar:
        yield lambda progress: bar(min(int(progress.seconds), int(60 * minutes)), max(1, int(60 * minutes)))


@contextmanager
def fit_progress() -> Iterator[Callable[[str], None]]:
    """A line on the error stream for each device, where somebody looks."""
    yield lambda device: print(f"fitting {device} ...", file=sys.stderr) if sys.stderr.isatty() else None


def print_models(models: Sequence[KernelModelResult], *, as_json: bool) -> None:
    """A row for each model."""
    if as_json:
        print_json([model.to_dict() for model in models])
        return
    rows = [
        (
            m.device,
            m.target,
            m.runtime,
            str(sum(kind.rows for kind in m.kinds) or "-"),
            _figure(m, "median_ape"),
            m.summary,
        )
        for m in models
    ]
    print_table(("device", "target", "fusion rules", "kernels", "held-out error", "what"), rows, numeric=(3, 4))


def print_built(model: KernelModelResult, *, as_json: bool) -> None:
    """What was built, kind by kind."""
    if as_json:
        print_json(model.to_dict())
        return
    rows = [
        (kind.kind, str(kind.rows or "-"), "-" if kind.error_percent is None else f"{kind.error_percent:.1f} %")
        for kind in sorted(model.kinds, key=lambda kind: -kind.rows)
    ]
    print_table(("kind", "measured", "held-out error"), rows, numeric=(1, 2), title=model.summary)
    if model.figures:
        print("held-out networks: " + ", ".join(f"{name} {value:g} %" for name, value in model.figures.items()))
    print(f"written to {model.path}; use it by `hwnas predict model.onnx --device {model.device}`")


def print_model_prediction(answer: ModelPrediction, *, top: int, as_json: bool) -> None:
    """The totals, the costliest kernels, and what is not covered."""
    if as_json:
        print_json(answer.to_dict())
        return
    level = f"{100 * answer.interval_level:g}% intervals"
    totals = ", ".join(f"{_HEADINGS[name]} {total_text(answer, name)}" for name in answer.costs)
    counts = f"{answer.macs / 1e6:.1f} M multiply-accumulates, {answer.params / 1e6:.2f} M parameters"
    print(f"{answer.model} on {answer.device}: {totals}; {level}; {counts}")
    names = tuple(answer.costs)
    heading = ("kernel", "kind", "output", *(h for n in names for h in (_HEADINGS[n], "%")), "M MACs", "outside")
    rows = [_row(kernel, names) for kernel in answer.kernels[:top]]
    print_table(heading, rows, numeric=range(3, len(heading)))
    if len(answer.kernels) > top:
        print(f"and {len(answer.kernels) - top} kernels more, see --top and --json")
    for name, source in answer.sources.items():
        print(f"{_HEADINGS[name]}: {source}")
    for note in answer.notes:
        print(f"note: {note}")


def _row(kernel: KernelCost, names: tuple[str, ...]) -> tuple[str, ...]:
    costs = [text for n in names for text in (cost_text(kernel.costs[n]), _percent(kernel.shares[n]))]
    operators = kernel.kind + "".join(f"+{name}" for name in kernel.operators[1:])
    outside = "" if kernel.outside <= 1 else f"{kernel.outside:.1f}x {kernel.outside_feature}"
    return kernel.label, operators, "x".join(map(str, kernel.shape)), *costs, f"{kernel.macs / 1e6:.2f}", outside


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1f}"


def _figure(model: KernelModelResult, name: str) -> str:
    return f"{model.figures[name]:.1f} %" if name in model.figures else "-"
