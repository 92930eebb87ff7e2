"""Costs that are looked up: a measured table, else a model adapted to the user's own device, else predictions.

Latency and energy differ in target and unit only, so both are served from here; no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, NoReturn, final, get_args

import numpy as np

from hwnas import data
from hwnas.arrays import Array, Float, Integer
from hwnas.data.sources import repair_command
from hwnas.devices import Device, get_device, load_devices
from hwnas.devices.registry import kept_name
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.estimates import UNITS, CostModel, Estimate, Provenance, Target, check_confidence
from hwnas.folders import cache_folder
from hwnas.latency.regressions import RegressionCosts, open_regressions
from hwnas.predictors.shipped import SHIPPED_FOLDER, Head, HeadRecord, head_id, open_shipped_costs
from hwnas.spaces import Space, get_space

CostSource = Literal["auto", "measured", "predicted"]
_PERCENTAGES: Final = ("median_ape", "mape", "within_10", "coverage")


@final
class MeasuredCosts(CostModel):
    """One column of a benchmark's table: single values without an interval."""

    def __init__(
        self, *, space: Space, device: Device, target: Target, values: Float[Array, " n"], provenance: Provenance
    ) -> None:
        self.space, self.device, self.target = space.name, device.reference, target
        self._space, self._values, self._provenance = space, values, provenance

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """The measured cost of each architecture, NaN where it was not measured; bounds are None."""
        check_confidence(confidence)
        return Estimate(
            mean=self._values[self._space.index(architectures)],
            lower=None,
            upper=None,
            confidence=confidence,
            unit=self.unit,
            provenance=self._provenance,
        )


@final
class MeasuredSample(CostModel):
    """One column of a table of some networks of a space: single values without an interval."""

    def __init__(
        self,
        *,
        space: Space,
        device: Device,
        target: Target,
        vectors: Integer[Array, "n v"],
        values: Float[Array, " n"],
        provenance: Provenance,
    ) -> None:
        self.space, self.device, self.target = space.name, device.reference, target
        self._space, self._provenance = space, provenance
        keys = space.key(vectors)
        order = np.argsort(keys)
        self._keys, self._values = keys[order], values[order]

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """The measured cost of each architecture that is in the table as it is written, NaN for others."""
        check_confidence(confidence)
        keys = self._space.key(architectures)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return Estimate(
            mean=np.where(self._keys[place] == keys, self._values[place], np.nan),
            lower=None,
            upper=None,
            confidence=confidence,
            unit=self.unit,
            provenance=self._provenance,
        )


@final
class ShippedPredictions(CostModel):
    """One head of the shipped predictions: each net predicted by a model that did not see it."""

    def __init__(self, *, space: Space, device: Device, head: Head) -> None:
        self._batch = of_batch(device)
        self.space, self.device, self.target = space.name, device.reference, head.record.target
        self._space, self._head = space, head

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Predicted costs with the interval that was calibrated for nets of such a cost.

        Raises `UsageError` for a confidence outside of what was calibrated.
        """
        check_confidence(confidence)
        index = self._space.index(architectures)
        mean = self._head.mean[index]
        low, high = self._head.factors(index, confidence)
        return Estimate(
            mean=mean,
            lower=mean * low,
            upper=mean * high,
            confidence=confidence,
            unit=self.unit,
            provenance=_predicted(self._head.record, self._batch),
        )


def latency_model(device: str | Device, *, space: str, dataset: str, source: CostSource = "auto") -> CostModel:
    """Latency (ms) of one device on one data set; see `cost_model`."""

    def adapted(device: Device, space: Space, dataset: str) -> CostModel | None:
        from hwnas.latency.boards import board_latency  # devices that were not adapted do not wait for it

        return board_latency(device, space=space, dataset=dataset, batch=of_batch(device))

    return cost_model("latency", device, space=space, dataset=dataset, source=source, adapted=adapted)


def cost_model(
    target: Target,
    device: str | Device,
    *,
    space: str,
    dataset: str,
    source: CostSource = "auto",
    adapted: Callable[[Device, Space, str], CostModel | None] = lambda _device, _space, _dataset: None,
) -> CostModel:
    """The best source there is: the measured table when it is in the cache, else what was adapted or trained by the
    user, else the shipped predictions; where there is none of these, the device's kernel model.

    source: "measured" or "predicted" insists on one of them. adapted: opens what was adapted on a card that has it.
    Raises `UnknownNameError` for names, `UsageError` where the device has no such measurements, `DataError` where its
    table would have to be pulled first; the message says what there is and what to do.
    """
    if source not in get_args(CostSource):
        raise UnknownNameError("source of costs", source, get_args(CostSource))
    device = get_device(device) if isinstance(device, str) else device
    its_space = get_space(space)
    dataset = its_space.dataset(dataset)
    model, column = None, device.column(space=its_space.name, dataset=dataset, target=target)
    if source != "predicted":
        model = _measured(target, device, space=its_space, dataset=dataset)
    if source != "measured" and model is None and device.adapted(space=its_space.name, dataset=dataset, target=target):
        model = adapted(device, its_space, dataset)
    if source != "measured" and model is None:
        model = _shipped(target, device, space=its_space, dataset=dataset)
    if source != "measured" and model is None and (source == "predicted" or column is None):
        model = _by_kernels(target, device, space=its_space, dataset=dataset)
    if model is None:
        _refuse(target, device, space=its_space, dataset=dataset, source=source)
    return model


def _measured(target: Target, device: Device, *, space: Space, dataset: str) -> CostModel | None:
    column = device.column(space=space.name, dataset=dataset, target=target)
    table = data.open_table(column.table) if column else None
    if column is None or table is None:
        return None
    values = table[column.column]
    summary = f"{table.source.title}, {device.card.evidence}{of_batch(device)}"
    provenance = Provenance(kind="measured", summary=summary, source=column.table)
    if "architectures" in table:
        some = replace(provenance, summary=f"{summary}, {len(values):,} networks; nothing is known of others")
        vectors = space.from_table_rows(table["architectures"])
        return MeasuredSample(
            space=space, device=device, target=target, vectors=vectors, values=values, provenance=some
        )
    if values.shape != (space.size,):
        raise DataError(
            f"column {column.column!r} of table {column.table!r}: expected {space.size} values, one for each "
            f"architecture of {space.name}, got shape {values.shape}; run `{repair_command(column.table)}`"
        )
    return MeasuredCosts(space=space, device=device, target=target, values=values, provenance=provenance)


def _shipped(target: Target, device: Device, *, space: Space, dataset: str) -> CostModel | None:
    """Predictions of the user's own `hwnas train`, else those that are shipped."""
    name = head_id(kept_name(device), dataset, target)
    for folder in (cache_folder() / "predictors", SHIPPED_FOLDER):
        costs = open_shipped_costs(folder, space.name)
        if costs and name in costs:
            return ShippedPredictions(space=space, device=device, head=costs.head(name))
        regressions = {} if space.enumerable else open_regressions(folder, space.name)
        if name in regressions:
            return RegressionCosts(
                space=space,
                device=device.reference,
                target=target,
                regression=regressions[name],
                batch=of_batch(device),
            )
    return None


def _by_kernels(target: Target, device: Device, *, space: Space, dataset: str) -> CostModel | None:
    from hwnas.latency.kernels.space_costs import space_kernel_costs  # what has a table does not wait for it

    return space_kernel_costs(device, target, space=space, dataset=dataset)


def _has_kernel_model(device: Device, target: Target) -> bool:
    from hwnas.latency.kernels.store import find_kernel_model

    return find_kernel_model(device.name, target) is not None


def _predicted(record: HeadRecord, batch: str) -> Provenance:
    error = {name: record.figures[name] for name in _PERCENTAGES if name in record.figures}
    median = f", median error {error['median_ape']:.1f} %" if "median_ape" in error else ""
    return Provenance(
        kind="predicted",
        summary=f"predicted by {record.model}, trained on {record.trained_on} nets{median}, out of fold{batch}",
        source=record.id,
        trained_on=record.trained_on,
        error=error,
    )


def of_batch(device: Device) -> str:
    """What to say of the number of images that one run takes; nothing where it is one."""
    size = device.variant.batch_size
    if size == 1:
        return ""
    return ", batch size not stated" if size is None else f", of a batch of {size} images"


def _refuse(target: Target, device: Device, *, space: Space, dataset: str, source: CostSource) -> NoReturn:
    """Say what the device has instead, and what to do."""
    column = device.column(space=space.name, dataset=dataset, target=target)
    what = f"{target} of {device.reference} on {dataset} ({space.name})"
    if column:
        if source == "predicted":
            raise DataError(f"{what}: no prediction is shipped; ask for source 'measured' or 'auto'")
        raise DataError(f"{what}: table {column.table!r} is not in the cache; run `{repair_command(column.table)}`")
    if device.adapted(space=space.name, dataset=dataset, target=target):
        raise UsageError(f"{what} is predicted from a few measurements; ask for source 'predicted' or 'auto'")
    if target == "energy" and device.adapted(space=space.name, dataset=dataset, target="latency"):
        raise UsageError(
            f"{what} was not measured: energy from latency needs a power; adapt the device again with measured "
            "energies or --power-w"
        )
    if not device.card.has(target):
        known = [name for name, card in load_devices().items() if card.has(target)]
        raise UsageError(f"{device.name} has no {target} measurements; {target} is known for {', '.join(known)}")
    there = [
        (f"{device.card.device(variant.name).reference} on {known.dataset} ({known.space})", known.space)
        for variant in device.card.variants
        for known in variant.known
        if known.target == target
    ]
    same_space = [text for text, its_space in there if its_space == space.name] or [text for text, _ in there]
    elsewhere = f"{target} ({UNITS[target]}) is known for {', '.join(same_space)}"
    single = replace(device, variant=replace(device.variant, batch_size=1))
    if source != "measured" and _by_kernels(target, single, space=space, dataset=dataset):
        elsewhere += "; costs of one image alone come from its kernel model"
    elif source != "measured" and not space.has_graphs and _has_kernel_model(device, target):
        elsewhere += (
            f"; {space.name} has no operator graphs, so its kernel model takes files: `hwnas export NAME --space "
            f"{space.name} --out net.onnx`, then `hwnas predict net.onnx --device {device.name}`"
        )
    raise UsageError(f"{what} was not measured; {elsewhere}")
