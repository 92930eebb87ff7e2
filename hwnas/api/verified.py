"""Predictions of a front beside measurements: net by net, in figures, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hwnas import metrics
from hwnas.api.board_measurements import runtime_text
from hwnas.api.front_files import SavedCost, SavedFront, SavedNet
from hwnas.api.verify_forms import CostSummary, VerifiedCost, VerifiedNet
from hwnas.devices import Device
from hwnas.latency.measurements import Measurements


def verified_net(saved: SavedFront, net: SavedNet, measured: Measurements, row: int) -> VerifiedNet:
    """A net of a front beside its measurement in row `row`."""
    values = {"latency": measured.latency_ms[row], "energy": measured.energy_mj[row]}
    spread = float(measured.spread[row])
    return VerifiedNet(
        arch=net.arch,
        costs={cost.id: _verified_cost(cost, net, float(values[cost.target])) for cost in saved.costs},
        repeat_error_percent=None if math.isnan(spread) else 100 * spread,
    )


def unmeasured_net(saved: SavedFront, net: SavedNet) -> VerifiedNet:
    """A net of a front that was not measured yet."""
    costs = {cost.id: _verified_cost(cost, net, math.nan) for cost in saved.costs}
    return VerifiedNet(arch=net.arch, costs=costs, repeat_error_percent=None)


def _verified_cost(cost: SavedCost, net: SavedNet, value: float) -> VerifiedCost:
    said = net.costs[cost.id]
    there = not math.isnan(value)
    bounds = None if said.lower is None or said.upper is None else (said.lower, said.upper)
    return VerifiedCost(
        predicted=said.mean,
        lower=said.lower,
        upper=said.upper,
        measured=value if there else None,
        error_percent=100 * (said.mean / value - 1) if there and said.mean is not None else None,
        inside=bounds[0] <= value <= bounds[1] if there and bounds else None,
        within_budget=value <= cost.bound if there and cost.bound is not None else None,
    )


def summary(cost: SavedCost, nets: Sequence[VerifiedNet]) -> CostSummary:
    """Figures of one cost over all nets of which it was measured."""
    found = [net.costs[cost.id] for net in nets if net.costs[cost.id].measured is not None]
    pairs = np.array([(one.measured, one.predicted) for one in found if one.predicted is not None], dtype=np.float64)
    order = metrics.spearman(*pairs.T) if len(pairs) > 1 else math.nan
    return CostSummary(
        id=cost.id,
        unit=cost.unit,
        bound=cost.bound,
        nets=len(found),
        with_interval=sum(one.inside is not None for one in found),
        inside=sum(one.inside is True for one in found),
        within_budget=None if cost.bound is None else sum(one.within_budget is True for one in found),
        median_error_percent=metrics.median_ape(*pairs.T) if len(pairs) else None,
        spearman=None if math.isnan(order) else order,
    )


def where_measured(measured: Measurements) -> str | None:
    """Hardware and runtime of the measurements; None for a table, which does not say."""
    if not measured.device:
        return None
    facts = measured.device["device"]
    return f"{facts.get('board') or facts.get('cpu') or 'a machine'}, {runtime_text(measured.device['runtime'])}"


def comparison_notes(saved: SavedFront, device: Device, measured: Measurements) -> list[str]:
    """What a careful reader should know before comparing."""
    notes = []
    if measured.device:
        facts = {fact.name: fact.value for fact in device.card.facts}
        here = measured.device["device"]
        same = [str(here[name]) == facts[name] for name in ("board", "cpu") if name in here and name in facts]
        if not (same and all(same)):
            notes.append(
                f"the card of {saved.device} does not say that it is the machine that was measured "
                f"({where_measured(measured)}); if it is another one, only the order of the nets can be compared"
            )
        elif device.card.measurement.runtime.value != runtime_text(measured.device["runtime"]):
            notes.append(
                f"measured by {runtime_text(measured.device['runtime'])}, the card of {saved.device} is for "
                f"{device.card.measurement.runtime.value}"
            )
    size = device.variant.batch_size
    if None not in (size, measured.batch_size) and size != measured.batch_size:
        notes.append(f"measured with batches of {measured.batch_size} images, the front is for batches of {size}")
    return notes
