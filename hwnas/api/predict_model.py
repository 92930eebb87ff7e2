"""Latency and energy of any network on a device: the total, and kernel by kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final, get_args

import numpy as np

from hwnas.api.prediction_notes import (
    Lack,
    Uncovered,
    lack_of,
    lacks_much,
    other_types,
    prediction_notes,
    uncovered_kinds,
    work_unknown,
)
from hwnas.api.prediction_texts import prediction_lines, prediction_sheet
from hwnas.errors import UnknownNameError, UsageError
from hwnas.estimates import Target
from hwnas.folders import write_whole
from hwnas.graphs import Graph, Kernel, kernels_of, read_onnx
from hwnas.latency.kernels import KernelModel, NetworkCost
from hwnas.latency.kernels.store import canonical, open_kernel_model
from hwnas.render import html_of, text_of
from hwnas.results import CostResult

if TYPE_CHECKING:
    from torch import nn

_LONGEST: Final = 24  # characters of a label
_TARGETS: Final[dict[str, Target]] = {"latency_ms": "latency", "energy_mj": "energy"}


@final
@dataclass(frozen=True, kw_only=True)
class KernelCost:
    """One kernel. costs: by "latency_ms" and "energy_mj"; a mean of None where it has none, for the reason in `lack`.

    name: of its leading operator, unique in the network. module: path of the module whose weights it reads, or "".
    operators: kinds, the leading one first. shares: of the total in percent, by the same names. outside: the factor by
    which it lies outside of what was measured, 1 inside; outside_feature: the feature that does.
    """

    name: str
    module: str
    kind: str
    operators: tuple[str, ...]
    shape: tuple[int, ...]
    macs: int
    bytes_moved: int
    costs: dict[str, CostResult]
    shares: dict[str, float | None]
    outside: float
    outside_feature: str
    lack: Lack | None = None

    @property
    def label(self) -> str:
        """What people know it by: the end of its module's path, else its name."""
        known = self.module or self.name
        return known if len(known) <= _LONGEST else "…" + known[1 - _LONGEST :].lstrip(".")


@final
@dataclass(frozen=True, kw_only=True)
class ModelPrediction:
    """Costs of one network on one device.

    runtime: by whose rules operators are fused; `sources` say what timed the kernels that the models learned from.
    costs: totals of the covered kernels, without intervals where much is left out and no bound is known.
    lower_bound: whether these are only known to be at least that, never where kernels of another type were taken for
    float32; macs_lower_bound: of the MACs, which leave out operators whose shape or kind is not known.
    overhead: what of the totals is beside the kernels. kernels: the costliest first.
    sources: where each kind of cost comes from. notes: what to know about the figures.
    """

    model: str
    device: str
    runtime: str
    interval_level: float
    params: int
    macs: int
    macs_lower_bound: bool
    costs: dict[str, CostResult]
    lower_bound: bool
    overhead: dict[str, float]
    sources: dict[str, str]
    kernels: tuple[KernelCost, ...]
    uncovered: tuple[Uncovered, ...]
    notes: tuple[str, ...]

    @property
    def covered(self) -> bool:
        """Whether every kernel has a model."""
        return not self.uncovered

    def __str__(self) -> str:
        """What the command prints."""
        return text_of(prediction_sheet(self), prediction_lines(self))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        return html_of([prediction_sheet(self)], prediction_lines(self), name="predict-model")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def predict_model(  # noqa: PLR0913 - the options of the command, all optional
    model: str | Path | Graph | nn.Module,
    *,
    device: str,
    input_shape: Sequence[int] | None = None,
    target: Target | None = None,
    confidence: float = 0.9,
    batch_size: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> ModelPrediction:
    """Latency and energy of an ONNX file, a graph, or a torch module, as far as the device has kernel models.

    input_shape: of a torch module's one input, batch first. batch_size: of a file whose first axis is symbolic.
    sizes: lengths of a file's symbolic axes by their names, such as {"H": 96, "W": 96}.
    Raises `UnknownNameError`, `UsageError`, `DataError`, and `MissingExtraError` without onnx for a file.
    """
    models = _models(device, target)
    name, graph = _read(model, input_shape, batch_size, sizes or {})
    runtime = next(iter(models.values())).runtime
    kernels = kernels_of(graph, runtime)
    if not kernels:
        raise UsageError(f"expected a network with operators, got {name!r}, of which nothing is executed")
    answers = {cost: its.predict(kernels, confidence=confidence) for cost, its in models.items()}
    first = next(iter(answers))
    order = np.argsort(-np.nan_to_num(answers[first].mean, nan=-1.0), kind="stable")
    missing = ~np.all([answer.covered for answer in answers.values()], axis=0)
    uncovered = uncovered_kinds(kernels, np.flatnonzero(missing).tolist())
    known = np.any([answer.covered for answer in answers.values()], axis=0)
    much, other = lacks_much(uncovered), bool(other_types(kernels, np.flatnonzero(known).tolist()))
    return ModelPrediction(
        model=name,
        device=canonical(device),
        runtime=runtime,
        interval_level=confidence,
        params=graph.params,
        macs=graph.macs,
        macs_lower_bound=work_unknown(uncovered),
        costs={cost: _total(answer, interval=not (much and other)) for cost, answer in answers.items()},
        lower_bound=much and not other,
        overhead={cost: its.overhead for cost, its in models.items()},
        sources={cost: its.summary for cost, its in models.items()},
        kernels=tuple(_kernel(kernels[row], row, answers, models) for row in order.tolist()),
        uncovered=uncovered,
        notes=prediction_notes(kernels, answers[first], uncovered),
    )


def save_picture(answer: ModelPrediction, path: Path) -> None:
    """A bar per kernel as a picture. Raises `UsageError` for another suffix, `MissingExtraError` without matplotlib."""
    from hwnas.api.kernel_pictures import kernel_picture
    from hwnas.outputs import PICTURES, check_path

    kind = check_path(path)
    if kind not in PICTURES:
        raise UsageError(f"expected a picture that ends in .{', .'.join(PICTURES)}, got {str(path)!r}")
    write_whole(path, kernel_picture(answer, suffix=kind))


def _models(device: str, target: Target | None) -> dict[str, KernelModel]:
    if target is not None and target not in get_args(Target):
        raise UnknownNameError("target", target, get_args(Target))
    found = {}
    for cost, its_target in _TARGETS.items():
        if target in (None, its_target):
            model = open_kernel_model(device, its_target)
            if model is not None:
                found[cost] = model
    if not found:
        raise UsageError(f"{canonical(device)} has no kernel model of its {target}: it was not measured")
    return found


def _read(
    model: str | Path | Graph | nn.Module,
    input_shape: Sequence[int] | None,
    batch_size: int | None,
    sizes: Mapping[str, int],
) -> tuple[str, Graph]:
    if isinstance(model, str | Path):
        return str(model), read_onnx(model, batch_size=batch_size, sizes=sizes)
    if sizes:
        raise UsageError(
            f"expected sizes with an ONNX file alone, got {dict(sizes)} with another model; leave them out"
        )
    if isinstance(model, Graph):
        return "graph", model
    if input_shape is None:
        raise UsageError(f"expected `input_shape`, such as (1, 3, 224, 224), for {type(model).__name__}, got none")
    from hwnas.graphs import read_module

    return type(model).__name__, read_module(model, input_shape)


def _total(answer: NetworkCost, *, interval: bool) -> CostResult:
    if not answer.covered.any():
        return CostResult(mean=None, lower=None, upper=None)
    if not interval:
        return CostResult(mean=answer.total, lower=None, upper=None)
    return CostResult(mean=answer.total, lower=answer.total_lower, upper=answer.total_upper)


def _kernel(kernel: Kernel, row: int, answers: dict[str, NetworkCost], models: dict[str, KernelModel]) -> KernelCost:
    first = next(iter(answers))
    outside = float(answers[first].outside[row])
    regressor = models[first].regressors.get(kernel.kind)
    feature = ""
    if outside > 1 and regressor is not None:
        feature = regressor.worst_feature(np.array([list(kernel.features().values())]))[0]
    return KernelCost(
        name=kernel.name,
        module=kernel.module,
        kind=kernel.kind,
        operators=tuple(operator.kind for operator in kernel.operators),
        shape=tuple(kernel.shape),
        macs=kernel.macs,
        bytes_moved=kernel.bytes_read + kernel.bytes_written,
        costs={
            cost: CostResult(mean=_number(a.mean[row]), lower=_number(a.lower[row]), upper=_number(a.upper[row]))
            for cost, a in answers.items()
        },
        shares={cost: _number(100 * a.mean[row] / a.total) if a.total else None for cost, a in answers.items()},
        outside=outside,
        outside_feature=feature,
        lack=None if all(answer.covered[row] for answer in answers.values()) else lack_of(kernel),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
