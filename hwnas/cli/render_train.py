"""How `hwnas train` shows progress and figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hwnas.api.train import ComparedFigures, TrainResult
from hwnas.cli.console import print_json, print_table, progress_bar
from hwnas.estimates import Target

_COLUMNS = ("spearman", "median_ape", "within_10", "coverage", "relative_width")
_HEADING = ("head", "Spearman", "median error %", "within 10 % (%)", "coverage %", "width %")


def wanted(device: str | None, target: Target | None) -> Callable[[str], bool]:
    """Which heads to show. Raises `UnknownNameError` for a device that is not known."""
    from hwnas.devices import get_device

    reference = None if device is None else get_device(device).reference
    return lambda head: reference in (None, head.split("/")[0]) and target in (None, head.split("/")[2])


@contextmanager
def training_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback `(what, done, total)` on the error stream: a bar on a terminal, else a line per finished model."""
    with progress_bar("training") as bar:
        last = ""

        def report(what: str, done: int, total: int) -> None:
            nonlocal last
            bar(done, total)
            if what != last:
                last = what
                print(f"training {what}", file=sys.stderr)

        yield report


def print_result(
    result: TrainResult, compared: ComparedFigures | None, *, wanted: Callable[[str], bool], as_json: bool
) -> None:
    """Print out-of-fold figures of the wanted heads; with a comparison, beside boosting."""
    figures = {head: values for head, values in result.figures.items() if wanted(head)}
    if compared is not None:
        compared = {
            setting: {head: methods for head, methods in heads.items() if wanted(head)}
            for setting, heads in compared.items()
        }
    if as_json:
        print_json({"folder": str(result.folder), "figures": figures, "compared": compared})
        return
    rows = [(head, *(f"{values[name]:.4g}" for name in _COLUMNS)) for head, values in figures.items()]
    print_table(_HEADING, rows, numeric=range(1, len(_HEADING)), title=result.judged)
    for setting, heads in (compared or {}).items():
        _print_comparison(setting, heads)
    print(f"written to {result.folder}")


def print_meta(path: Path, *, as_json: bool) -> None:
    """Print where the meta-learned weights are."""
    if as_json:
        print_json({"weights": str(path)})
    else:
        print(f"written to {path}")


def _print_comparison(setting: str, heads: dict[str, dict[str, dict[str, list[float]]]]) -> None:
    rows = [
        (head, method, *(f"{sum(figures[name]) / len(figures[name]):.4g}" for name in _COLUMNS[:3]))
        for head, methods in heads.items()
        for method, figures in methods.items()
    ]
    print_table(("head", "method", *_HEADING[1:4]), rows, numeric=(2, 3, 4), title=f"{setting} training nets")
