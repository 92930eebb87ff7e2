"""How `hwnas predict` and `hwnas train` show their answers."""

from __future__ import annotations

from hwnas.api.predict import PredictResult
from hwnas.cli.console import print_json, print_table
from hwnas.render import short_architecture
from hwnas.results import CostResult

_UNITS = {"energy_mj": "energy (mJ)", "latency_ms": "latency (ms)"}


def print_prediction(answer: PredictResult, *, as_json: bool) -> None:
    """Print one row per architecture, and the sources below."""
    if as_json:
        print_json(answer.to_dict())
        return
    rows = [
        (
            "" if net.index is None else str(net.index),
            short_architecture(net.arch),
            *(_cost(net.costs[name]) for name in answer.sources),
        )
        for net in answer.nets
    ]
    title = f"{answer.device}, {answer.space} on {answer.dataset}, {100 * answer.interval_level:g}% intervals"
    heading = ("index", "architecture", *(_UNITS[name] for name in answer.sources))
    print_table(heading, rows, numeric=(0, *range(2, len(heading))), title=title)
    for name, source in answer.sources.items():
        print(f"{_UNITS[name]}: {source}")
    for note in answer.notes:
        print(f"note: {note}")


def _cost(cost: CostResult) -> str:
    if cost.mean is None:
        return "not measured"
    interval = "" if cost.lower is None or cost.upper is None else f" [{cost.lower:.4g}, {cost.upper:.4g}]"
    return f"{cost.mean:.4g}{interval}"
