"""How kernel models, and predictions by them, are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hwnas.api.prediction_texts import prediction_lines, prediction_sheet
from hwnas.cli.console import print_json, print_table, progress_bar

if TYPE_CHECKING:
    from hwnas.api.kernels import KernelModelResult
    from hwnas.api.predict_model import ModelPrediction
    from hwnas.latency.kernels.builder import Progress


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
    sheet = prediction_sheet(answer, top=top)
    print(sheet.title)
    if sheet.rows:
        print_table(sheet.heading, sheet.rows, numeric=sheet.numeric)
    for line in prediction_lines(answer, top=top):
        print(line)


def _figure(model: KernelModelResult, name: str) -> str:
    return f"{model.figures[name]:.1f} %" if name in model.figures else "-"
