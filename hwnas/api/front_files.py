"""A front that `hwnas pareto --out front.json` wrote, read again to be measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from hwnas.api.objectives import DEVICE_COSTS
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.estimates import Target
from hwnas.folders import require_file
from hwnas.results import SCHEMA_VERSION, CostResult


@final
@dataclass(frozen=True, kw_only=True)
class SavedCost:
    """A cost of the device in a saved answer. bound: its budget in `unit`; None where there is none."""

    id: str
    target: Target
    unit: str
    bound: float | None
    measured: bool


@final
@dataclass(frozen=True, kw_only=True)
class SavedNet:
    """A net of a saved front, with its costs by id."""

    arch: str
    costs: dict[str, CostResult]


@final
@dataclass(frozen=True, kw_only=True)
class SavedFront:
    """One front of a saved answer, and what it is a front of. confidence: that budgets were kept at; None for means."""

    space: str
    dataset: str
    device: str
    name: str
    interval_level: float
    confidence: float | None
    costs: tuple[SavedCost, ...]
    nets: tuple[SavedNet, ...]


def read_front(path: Path, name: str | None = None) -> SavedFront:
    """A front of the answer in a JSON file: the one called `name`, else the first.

    Raises `DataError` for a file that cannot be read, `UsageError` for another kind of file, of another version, or
    without costs of a device, `UnknownNameError` for a front that it does not have.
    """
    require_file(path, "the JSON of `hwnas pareto --out front.json`")
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"expected the JSON of `hwnas pareto --out front.json` in {path}, got: {error}") from error
    if not isinstance(answer, dict) or "fronts" not in answer:
        raise UsageError(f"{path}: expected an answer of `hwnas pareto --out front.json`, got another kind of file")
    if answer.get("schema_version") != SCHEMA_VERSION:
        raise UsageError(
            f"{path}: expected an answer of schema {SCHEMA_VERSION}, got {answer.get('schema_version')!r}; run `hwnas "
            "pareto` again with this version"
        )
    try:
        return _front(path, answer, name)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            f"{path}: expected an answer of `hwnas pareto`, got one without {error}; write it again"
        ) from error


def spaced(front: SavedFront, count: int) -> list[SavedNet]:
    """`count` nets evenly along the front with both ends, or all where it has no more."""
    places = np.linspace(0, len(front.nets) - 1, min(count, len(front.nets))).round().astype(int)
    return [front.nets[place] for place in dict.fromkeys(places.tolist())]


def _front(path: Path, answer: dict[str, Any], name: str | None) -> SavedFront:
    fronts = {front["name"]: front for front in answer["fronts"]}
    if name is not None and name not in fronts:
        raise UnknownNameError("front", name, fronts)
    front = next(iter(fronts.values())) if name is None else fronts[name]
    costs = [
        SavedCost(
            id=cost["id"],
            target=DEVICE_COSTS[cost["id"].partition(".")[0]][0],
            unit=cost["unit"],
            bound=cost["bound"],
            measured=bool(cost["measured"]),
        )
        for cost in (*answer["objectives"], *answer["other_costs"])
        if cost["device"] == answer["device"]
    ]
    if not costs:
        raise UsageError(f"{path}: expected a cost of {answer['device']} to measure again, got counts alone")
    return SavedFront(
        space=answer["space"],
        dataset=answer["dataset"],
        device=answer["device"],
        name=front["name"],
        interval_level=float(answer["interval_level"]),
        confidence=answer["confidence"],
        costs=tuple(costs),
        nets=tuple(
            SavedNet(arch=net["arch"], costs={cost.id: CostResult(**net["costs"][cost.id]) for cost in costs})
            for net in front["nets"]
        ),
    )
