"""Costs of the architectures of a space from a device's kernel model; what it does not cover is said with its share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float, Integer
from hwnas.devices import Device
from hwnas.errors import DataError
from hwnas.estimates import CostModel, Estimate, Provenance, Target, check_confidence
from hwnas.graphs import feature_names
from hwnas.latency.kernels.censuses import Census, census
from hwnas.latency.kernels.model import KernelModel, check_calibrated
from hwnas.latency.kernels.networks import Networks
from hwnas.latency.kernels.store import find_kernel_model
from hwnas.spaces import Space

_MOST: Final = 50.0  # percent of the MACs without a model, beyond which a total says nothing of a network
# Percent of the MACs and of the bytes without a model, beyond which a total is a lower bound.
LITTLE_PERCENT: Final = (1.0, 5.0)
_FAR: Final = 1.5  # the factor outside of what was measured that is worth a note, as for a single network


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Totals:
    """Costs of n networks: the overhead and all kernels that have a model.

    uncovered: by kind without a model its shares of the MACs and of the bytes of each network, in percent.
    far: how much of each total is of kernels that lie far outside of what was measured, in percent.
    """

    mean: Float[Array, " n"]
    lower: Float[Array, " n"]
    upper: Float[Array, " n"]
    uncovered: dict[str, Float[Array, "2 n"]]
    far: Float[Array, " n"]


@final
class KernelCosts(CostModel):
    """Costs of any architecture of a space whose networks have graphs, kernel by kernel."""

    def __init__(self, *, space: Space, device: str, dataset: str, model: KernelModel) -> None:
        self.space, self.device, self.target = space.name, device, model.target
        self._space, self._dataset, self._model = space, dataset, model

    def unread(self, architectures: Integer[Array, "n v"]) -> int:
        """How many must be taken apart into kernels first, which takes 4 to 60 ms each."""
        return self._census().unknown(architectures)

    def _census(self) -> Census:
        return census(self._space, self._dataset, self._model.runtime)

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        """Sums over kernels with their intervals, NaN where kernels with most of the MACs have no model.

        Raises `UsageError` for vectors that are not of the space, and for a confidence that was not calibrated;
        `DataError` where no network has a cost.
        """
        check_confidence(confidence)
        check_calibrated(confidence)
        networks = self._census().networks(architectures)
        totals = network_totals(self._model, networks, confidence=confidence)
        told = np.where(sum(part[0] for part in totals.uncovered.values()) > _MOST, np.nan, 1.0)
        if len(architectures) and np.isnan(totals.mean * told).all():
            raise DataError(
                f"expected a model of most kernels of {self._space.name}, got one of {self._model.device} that lacks "
                f"{_lacking(totals)}; build or fit one that has them (`hwnas kernels`), or take another device"
            )
        return Estimate(
            mean=totals.mean * told,
            lower=totals.lower * told,
            upper=totals.upper * told,
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(
                kind="predicted",
                summary=f"kernel by kernel: {self._model.summary}",
                source=f"kernels of {self._model.device}",
            ),
            covered=not totals.uncovered,
            lower_bound=_lacks_much(totals),
            notes=_notes(totals),
        )


def space_kernel_costs(device: Device, target: Target, *, space: Space, dataset: str) -> KernelCosts | None:
    """Costs of one image by the device's kernel model; None where it has none of this target, or runs several at once.

    Raises `DataError` for a damaged model.
    """
    model = find_kernel_model(device.name, target) if device.variant.batch_size in (1, None) else None
    if model is None or not space.has_graphs:
        return None
    return KernelCosts(space=space, device=device.reference, dataset=dataset, model=model)


def network_totals(model: KernelModel, networks: Networks, *, confidence: float) -> Totals:
    """Totals of networks; each distinct kernel is predicted once."""
    work = _work(networks)
    all_work = np.stack([networks.totals(amount) for amount in work])
    sums, far, beyond, uncovered = [], np.zeros(networks.kernels), np.zeros(networks.kernels), {}
    for kind, features in networks.features.items():
        mine = slice(networks.offsets[kind], networks.offsets[kind] + len(features))
        lacking = np.ones(len(features))
        if kind in model.regressors:
            mean, ends, outside = model.kernel_costs(kind, features, confidence=confidence)
            lacking = np.isnan(mean).astype(float)
            mean, ends = np.nan_to_num(mean), np.nan_to_num(ends)
            far[mine], beyond[mine] = mean * (outside > _FAR), mean * np.log2(outside)
            columns = [mean, *(ends - mean)]
            sums.append([_added(networks, mine, column) for column in columns])
        if _added(networks, mine, lacking).any():
            shares = [_added(networks, mine, amount[mine] * lacking) for amount in work] / np.maximum(all_work, 1)
            uncovered[kind] = 100 * shares
    parts = np.array(sums).reshape(-1, 3, len(networks))
    kernels = parts[:, 0].sum(axis=0)
    mean = np.where(kernels > 0, model.overhead + kernels, np.nan)
    low, high = model.total_factors(mean, parts[:, 1:].swapaxes(0, 1), networks.totals(beyond), confidence=confidence)
    return Totals(
        mean=mean, lower=mean * low, upper=mean * high, uncovered=uncovered, far=100 * networks.totals(far) / mean
    )


def _work(networks: Networks) -> Float[Array, "2 u"]:
    """MACs and bytes moved of each distinct kernel."""
    work = np.zeros((2, networks.kernels))
    for kind, features in networks.features.items():
        column = dict(zip(feature_names(kind), features.T, strict=True))
        start = networks.offsets[kind]
        work[:, start : start + len(features)] = column["macs"], column["bytes_read"] + column["bytes_written"]
    return work


def _added(networks: Networks, mine: slice, values: Float[Array, " k"]) -> Float[Array, " n"]:
    """Sum over the kernels of each network that are in one slice of all distinct ones."""
    column = np.zeros(networks.kernels)
    column[mine] = values
    return networks.totals(column)


def _lacks_much(totals: Totals) -> bool:
    """Whether more than a little of one of the networks is not in its total."""
    if not totals.uncovered:
        return False
    return bool((sum(totals.uncovered.values()) > np.array(LITTLE_PERCENT)[:, None]).any())


def _notes(totals: Totals) -> tuple[str, ...]:
    """What is not in the total, the most MACs first, and how much of it is extrapolated."""
    notes = []
    if totals.uncovered:
        notes.append(f"not in the total, as the device has no model of them: {_lacking(totals)}")
        if _lacks_much(totals):
            notes.append("so totals are lower bounds: what they leave out is in no interval, and no budget sees it")
        if any(float(np.ptp(part, axis=1).max()) >= 1 for part in totals.uncovered.values()):
            notes.append("these shares differ: networks with more of them look cheaper, beside others, than they are")
    far = totals.far[np.isfinite(totals.far)]
    if far.any():
        notes.append(
            f"kernels that lie far outside of what was measured make up to {far.max():.1f} % of a total; "
            "their intervals are widened"
        )
    return tuple(notes)


def _lacking(totals: Totals) -> str:
    """Kinds of kernels without a model with their shares, the most MACs first."""
    kinds = sorted(totals.uncovered.items(), key=lambda item: (-item[1][0].max(), -item[1][1].max()))
    return ", ".join(f"{kind} ({_range(part[0])} of MACs, {_range(part[1])} of bytes)" for kind, part in kinds)


def _range(percent: Float[Array, " n"]) -> str:
    """Of networks: the least and the most."""
    least, most = f"{percent.min():.1f}", f"{percent.max():.1f}"
    return f"{most} %" if least == most else f"{least} to {most} %"
