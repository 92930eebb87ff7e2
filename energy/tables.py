"""Energy that is looked up: the same tables and shipped predictions as for latency, another column."""

from __future__ import annotations

from hwnas.devices import Device
from hwnas.estimates import CostModel
from hwnas.latency.tables import CostSource, cost_model


def energy_model(device: str | Device, *, space: str, dataset: str, source: CostSource = "auto") -> CostModel:
    """Energy (mJ) of one inference on one device and data set: the measured table, else the shipped predictions.

    Raises as `hwnas.latency.tables.cost_model` does; for a device without energy measurements `UsageError` names the
    devices that have them. Nothing is estimated from latency in silence.
    """
    return cost_model("energy", device, space=space, dataset=dataset, source=source)
