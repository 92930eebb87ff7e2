"""Energy that is looked up: the same tables and shipped predictions as for latency, another column."""

from __future__ import annotations

from hwnas.devices import Device
from hwnas.estimates import CostModel
from hwnas.latency.tables import CostSource, cost_model, of_batch
from hwnas.spaces import Space


def energy_model(device: str | Device, *, space: str, dataset: str, source: CostSource = "auto") -> CostModel:
    """Energy (mJ) of one inference on one device and data set, from the best source there is.

    Raises as `hwnas.latency.tables.cost_model` does; for a device without energy measurements `UsageError` names the
    devices that have them. Nothing is estimated from latency in silence.
    """

    def adapted(device: Device, space: Space, dataset: str) -> CostModel | None:
        from hwnas.energy.boards import board_energy  # devices that were not adapted do not wait for it

        return board_energy(device, space=space, dataset=dataset, batch=of_batch(device))

    return cost_model("energy", device, space=space, dataset=dataset, source=source, adapted=adapted)
