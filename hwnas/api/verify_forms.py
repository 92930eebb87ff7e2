"""What measuring a front again says: each net beside its prediction, and figures of each cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, final

from hwnas.api.adapt_forms import AdaptResult
from hwnas.results import SCHEMA_VERSION
from hwnas.version import __version__


@final
@dataclass(frozen=True, kw_only=True)
class VerifiedCost:
    """A cost of one net, in the unit of its id.

    predicted, lower, upper: as the front has them, the bounds None where a table gave single values. measured: None
    where it was not measured. error_percent: (predicted - measured) / measured. inside: of the interval.
    within_budget: whether the measured cost keeps the budget; None without one.
    """

    predicted: float | None
    lower: float | None
    upper: float | None
    measured: float | None
    error_percent: float | None
    inside: bool | None
    within_budget: bool | None


@final
@dataclass(frozen=True, kw_only=True)
class VerifiedNet:
    """A net of the front and its costs by id. repeat_error_percent: how much its rounds differ; None for one round."""

    arch: str
    costs: dict[str, VerifiedCost]
    repeat_error_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class CostSummary:
    """Figures of one cost over the nets of which it was measured.

    inside: how many of those with an interval lie in it; with_interval: how many have one. within_budget: how many keep
    the bound; None without one. spearman: None where it has no value, as of a single net.
    """

    id: str
    unit: str
    bound: float | None
    nets: int
    with_interval: int
    inside: int
    within_budget: int | None
    median_error_percent: float | None
    spearman: float | None


@final
@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """A front measured again, or a kit to do so.

    kit: folder of the nets; None where results were given. results: file that was compared; None where nothing was
    measured yet: then nets have no measured costs. measured_on: hardware and runtime.
    adapted: the device after feeding back, else None.
    """

    space: str
    dataset: str
    device: str
    front: str
    interval_level: float
    kit: str | None
    results: str | None
    measured_on: str | None
    nets: tuple[VerifiedNet, ...]
    costs: tuple[CostSummary, ...]
    adapted: AdaptResult | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **asdict(self)}
