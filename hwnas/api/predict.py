"""Latency and energy of named architectures on a device, with intervals and sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from hwnas.api.cost_texts import costs_lines, costs_sheet
from hwnas.api.found_devices import find_device, known_targets
from hwnas.api.given import Architecture, architecture_strings
from hwnas.arrays import Array, Float, Integer
from hwnas.energy import energy_model
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.estimates import CostModel, Estimate, Target
from hwnas.latency import latency_model
from hwnas.latency.tables import CostSource
from hwnas.render import html_of, text_of
from hwnas.results import CostResult
from hwnas.spaces import get_space

_COSTS: Final[tuple[tuple[str, Target, Callable[..., CostModel]], ...]] = (
    ("energy_mj", "energy", energy_model),
    ("latency_ms", "latency", latency_model),
)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Costs of one architecture: `costs` by "energy_mj" and "latency_ms", as far as the device has them.

    index: None in spaces that are too large to number.
    """

    arch: str
    index: int | None
    costs: dict[str, CostResult]


@dataclass(frozen=True, kw_only=True)
class PredictResult:
    """Costs of architectures on one device and data set; `sources` says where each kind of cost comes from.

    covered: whether all of each architecture is in its costs. lower_bound: whether more than a little may be missing in
    one of the costs, so that it is at least what is given. notes: what is missing and how much, by kind of cost.
    """

    space: str
    dataset: str
    device: str
    interval_level: float
    sources: dict[str, str]
    nets: tuple[Prediction, ...]
    covered: bool = True
    lower_bound: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What the command prints."""
        return text_of(costs_sheet(self), costs_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        return html_of([costs_sheet(self)], costs_lines(self), name="predict")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def predict(  # noqa: PLR0913 - the options of the command, all optional
    architectures: Sequence[Architecture],
    *,
    device: str,
    space: str = "nasbench201",
    dataset: str | None = None,
    target: Target | None = None,
    source: CostSource = "auto",
    confidence: float = 0.9,
) -> PredictResult:
    """Costs of architectures, given as the space reads them: benchmark strings, tuples of codes, indices.

    target: "latency" or "energy"; None: what the device has. confidence: probability mass of the intervals.
    source: "measured" or "predicted" insists on one kind; "auto" predicts all where a table of some networks lacks one.
    Raises `UnknownNameError`, `UsageError`, `DataError`.
    """
    strings = architecture_strings(architectures)
    if not strings:
        raise UsageError("expected at least one architecture, got none")
    if target is not None and target not in get_args(Target):
        raise UnknownNameError("target", target, get_args(Target))
    its_space, its_device = get_space(space), find_device(device)
    dataset = its_space.dataset(dataset)
    vectors = its_space.parse(strings)
    estimates: dict[str, Estimate] = {}
    targets = [target] if target else known_targets(its_device, space=its_space.name, dataset=dataset)
    for name, its_target, build in _COSTS:
        if its_target in targets:
            ask = partial(build, its_device, space=its_space.name, dataset=dataset)
            estimates[name] = _estimate(ask, vectors, source=source, confidence=confidence)
    if not estimates:
        raise UsageError(f"{its_device.reference} has neither latency nor energy for {its_space.name} on {dataset}")
    indices = its_space.index(vectors).tolist() if its_space.enumerable else [None] * len(vectors)
    return PredictResult(
        space=its_space.name,
        dataset=dataset,
        device=its_device.reference,
        interval_level=confidence,
        sources={name: estimate.provenance.summary for name, estimate in estimates.items()},
        nets=tuple(
            Prediction(arch=arch, index=index, costs={name: _cost(e, row) for name, e in estimates.items()})
            for row, (arch, index) in enumerate(zip(its_space.strings(vectors), indices, strict=True))
        ),
        covered=all(estimate.covered for estimate in estimates.values()),
        lower_bound=any(estimate.lower_bound for estimate in estimates.values()),
        notes=tuple(f"{name}: {note}" for name, estimate in estimates.items() for note in estimate.notes),
    )


def _estimate(
    ask: Callable[..., CostModel], vectors: Integer[Array, "n v"], *, source: CostSource, confidence: float
) -> Estimate:
    """Costs from one source for all, so that they compare: a table of some networks says nothing of others."""
    found = ask(source=source).predict(vectors, confidence=confidence)
    measured = int(np.isfinite(found.mean).sum())
    if source != "auto" or found.provenance.kind != "measured" or measured == len(vectors):
        return found
    try:
        predicted = ask(source="predicted").predict(vectors, confidence=confidence)
    except (DataError, UsageError):  # nothing predicts them
        return found
    note = f"{measured} of {len(vectors)} measured, so all are predicted; the source 'measured' looks those up"
    return replace(predicted, notes=(*predicted.notes, note))


def read_architectures(path: Path) -> list[str]:
    """One architecture per line; blank lines and lines that start with # are skipped. Raises `DataError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"expected a text file with one architecture per line at {path}, got: {error}") from error
    return [word for line in lines if (word := line.strip()) and not word.startswith("#")]


def _cost(estimate: Estimate, row: int) -> CostResult:
    return CostResult(
        mean=_number(estimate.mean, row), lower=_number(estimate.lower, row), upper=_number(estimate.upper, row)
    )


def _number(values: Float[Array, " n"] | None, row: int) -> float | None:
    """The entry as a float; None where there is no value."""
    return float(values[row]) if values is not None and np.isfinite(values[row]) else None
