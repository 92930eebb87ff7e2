"""What operation scoring is asked and what it answers, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, final

from hwnas.errors import UsageError
from hwnas.search.checks import whole_number
from hwnas.search.operations import Plan
from hwnas.version import __version__


@final
@dataclass(frozen=True, kw_only=True)
class OperationSettings:
    """plan: how the supernet is discretised. proposals, validations: N and V of Xiang et al. 2023.

    batch_size: images of one score, drawn from those at hand. seed: of initial weights, orders and images.
    Raises `UsageError` for values that cannot be.
    """

    plan: Plan = field(default_factory=Plan)
    proposals: int = 10
    validations: int = 100
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("proposals", 1), ("validations", 1), ("batch_size", 2), ("seed", 0)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
            if getattr(self, name) < least:
                raise UsageError(f"expected {name} of at least {least}, got {getattr(self, name)}")


@final
@dataclass(frozen=True, kw_only=True)
class OperationNet:
    """A proposed architecture. count: how many proposals it was. score: summed over validations, null where undefined.

    index: null in spaces that are too large to number.
    accuracy_percent: its true accuracy; null where not known.
    """

    arch: str
    index: int | None
    count: int
    score: float | None
    costs: Mapping[str, float]
    accuracy_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class OperationResult:
    """Proposed architectures, the chosen one first.

    images: where the images are from. supernet_scores: how often the supernet was scored.
    """

    space: str
    dataset: str
    proxy: str
    images: str
    settings: OperationSettings
    device: str | None
    budgets: Mapping[str, float | None]
    accuracy_source: str
    nets: tuple[OperationNet, ...]
    supernet_scores: int

    @property
    def best(self) -> OperationNet:
        """The chosen architecture."""
        return self.nets[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = asdict(self)
        return {"schema_version": 1, "hwnas_version": __version__, **plain}
