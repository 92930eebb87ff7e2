"""How `hwnas devices` shows what is known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from hwnas.api.devices import DeviceResult
from hwnas.api.kernels import KernelModelResult
from hwnas.cli.console import print_json, print_table
from hwnas.devices import NOT_STATED, Card


def devices(listed: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Print one row for each device."""
    if as_json:
        print_json({"devices": listed})
        return
    rows = [
        (d["name"], d["title"], ", ".join(d["targets"]) or "by kernel", d["evidence"], str(len(d["variants"])))
        for d in listed
    ]
    print_table(("device", "what", "known costs", "evidence", "variants"), rows)
    for own in listed:
        if own["adapted"]:
            print(f"{own['name']}: {own['adapted']}")
    print("`hwnas devices NAME` tells how one was measured, its other names and its variants (batch sizes).")


def device(result: DeviceResult, *, as_json: bool) -> None:
    """Print everything that is known of one device."""
    if as_json:
        print_json(result.to_dict())
        return
    card = result.card
    also = f" (also {', '.join(card.aliases)})" if card.aliases else ""
    said = [text for text in (card.title, card.vendor, card.kind, card.evidence) if text != NOT_STATED]
    print(f"{card.name}: {', '.join(said)}{also}\n")
    _paragraphs("hardware", ((fact.name, fact.value, fact.source) for fact in card.facts))
    _paragraphs("how it was measured", _measurement(card))
    _paragraphs("beware", (("", trap, "") for trap in card.traps))
    own = any(cost.table == "none" for cost in result.costs)
    adapted = f", or adapted; `hwnas devices {card.name} --remove` forgets the device" if own else ""
    rows = [
        (cost.device, cost.space, cost.dataset, cost.target, cost.table, cost.prediction or "-")
        for cost in result.costs
    ]
    print_table(("device", "space", "data set", "target", "table", "prediction"), rows)
    print("prediction: model and median error of what is shipped" + adapted)
    for command in dict.fromkeys(cost.get for cost in result.costs if cost.get):
        print(f"run `{command}` for measured values")


def kernel_models(models: Sequence[KernelModelResult]) -> None:
    """A line for each model that predicts any network kernel by kernel."""
    for model in models:
        print(f"{model.target} of any network, by `hwnas predict model.onnx --device {model.device}`: {model.summary}")


def removed(name: str, card: str, *, as_json: bool) -> None:
    """Say that a device is gone."""
    if as_json:
        print_json({"removed": name, "card": card})
    else:
        print(f"{name} is removed: {card} and its models")


def _measurement(card: Card) -> Iterable[tuple[str, str, str]]:
    how = card.measurement
    named = {"runtime": how.runtime, "precision": how.precision, "power mode": how.power_mode}
    for name, said in {**named, "latency": how.latency, "energy": how.energy}.items():
        yield name, said.value, said.source


def _paragraphs(heading: str, facts: Iterable[tuple[str, str, str]]) -> None:
    """A heading and indented paragraphs `name: value [source]`; nothing where there are no facts."""
    lines = []
    for name, value, source in facts:
        text = (f"{name}: " if name else "") + value + (f" [{source}]" if source else "")
        lines += textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    if lines:
        print("\n".join([heading, *lines, ""]))
