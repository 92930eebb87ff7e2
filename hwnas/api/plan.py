"""Which nets to measure on a new device, and the kit that takes them there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast, final, get_args

import numpy as np

from hwnas.api.choosing import AUTO, CHOOSERS, choose_nets, method_for
from hwnas.api.export import initial_module, input_shape, is_written
from hwnas.arrays import Array, Integer
from hwnas.devices.kit import Format, KitFacts, KitNet, Precision, Role, write_kit
from hwnas.devices.unfinished_kit import UnfinishedKit
from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs.module_export import module_onnx_bytes
from hwnas.graphs.onnx_file import onnx_bytes
from hwnas.graphs.tflite_file import module_tflite_bytes, require_converter, tflite_shape
from hwnas.latency.observations import FEWEST
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import Space, get_space
from hwnas.version import __version__

_NOTHING_LEARNED: Final = (
    "nothing is known of devices in {0}: the model of `hwnas adapt` will rest on these measurements alone, and ten or "
    "more are worth it"
)
GIVEN: Final = "given"  # what the manifest says of architectures that the caller chose


@final
@dataclass(frozen=True, kw_only=True)
class PlanResult:
    """A kit that was written: where, what in it is measured, and how it was chosen."""

    folder: Path
    facts: KitFacts
    nets: tuple[KitNet, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = {name: getattr(self.facts, name) for name in ("space", "dataset", "batch_size", "seed", "method")}
        nets = [{"name": n.name, "arch": n.arch, "index": n.index, "role": n.role} for n in self.nets]
        header = {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, "folder": str(self.folder)}
        return {**header, **facts, "chosen": self.facts.chosen, "nets": nets, "notes": list(self.notes)}


@final
@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """How a kit is made.

    method: how the nets are chosen, a key of `CHOOSERS` or "auto". given: architectures to measure instead of a choice.
    check: so many random nets more, to test the model on. batch_size: images of one run. seed: of the choice and of the
    random weights. format: of the files, "onnx" or "tflite". precision: int8 in TFLite files alone.
    """

    method: str = AUTO
    given: tuple[str, ...] = ()
    check: int = 0
    batch_size: int = 1
    seed: int = 0
    format: str = "onnx"
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Raise `UsageError` for values out of range, `UnknownNameError` for another method, format or precision."""
        for name, least in (("check", 0), ("batch_size", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"expected {name} of at least {least}, got {getattr(self, name)}")
        if self.method not in (AUTO, *CHOOSERS):
            raise UnknownNameError("method of choosing nets", self.method, (AUTO, *CHOOSERS))
        if self.format not in get_args(Format):
            raise UnknownNameError("format", self.format, get_args(Format))
        if self.precision not in get_args(Precision):
            raise UnknownNameError("precision", self.precision, get_args(Precision))
        if self.precision != "float32" and self.format != "tflite":
            raise UsageError(f"expected --format tflite for nets in {self.precision}, got {self.format}")


def plan(
    folder: Path,
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    nets: int = 10,
    settings: PlanSettings | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PlanResult:
    """Choose architectures to measure on a new device and write a kit with them: their files, a manifest, the agent.

    folder: made if need be; it must not hold another kit. progress: called with the numbers of nets written and in all.
    The nets are in evaluation mode with random weights: time and energy do not depend on weights.
    Raises `UsageError`, `UnknownNameError`, `MissingExtraError` without onnx or the extra `tflite`, `DataError`.
    """
    found, settings = get_space(space), settings or PlanSettings()
    where = found.dataset(dataset)
    if settings.format == "tflite":
        require_converter()
    if settings.given:
        method, chosen, said = GIVEN, _different(found, settings.given), "Given one by one."
    else:
        if nets < FEWEST:
            raise UsageError(f"expected at least {FEWEST} nets to measure, got {nets}")
        method = method_for(found, settings.method)
        chosen = choose_nets(found, nets, method=method, seed=settings.seed)
        said = CHOOSERS[method].__doc__ or ""
    facts = KitFacts(
        space=found.name,
        dataset=where,
        batch_size=settings.batch_size,
        seed=settings.seed,
        method=method,
        chosen=said,
        format=cast(Format, settings.format),
        precision=cast(Precision, settings.precision),
    )
    checks = _others(found, chosen, settings.check, seed=settings.seed)
    made = write_nets(folder, facts, calibrate=chosen, check=checks, progress=progress)
    return made if method_for(found, AUTO) == "design" else replace(made, notes=(_NOTHING_LEARNED.format(found.name),))


def write_nets(
    folder: Path,
    facts: KitFacts,
    *,
    calibrate: Integer[Array, "n v"],
    check: Integer[Array, "m v"],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PlanResult:
    """Write a kit of these architectures; one that was interrupted goes on. Raises as `plan` does."""
    space, vectors = get_space(facts.space), np.concatenate([calibrate, check])
    roles: list[Role] = ["calibrate" if number < len(calibrate) else "check" for number in range(len(vectors))]
    planned = [
        _planned(space, vector, number, role, facts.format)
        for number, (vector, role) in enumerate(zip(vectors, roles, strict=True))
    ]
    unfinished = UnfinishedKit(folder, facts, planned)
    kit: list[KitNet] = []
    for vector, net in zip(vectors, planned, strict=True):
        if made := unfinished.made(net):
            kit.append(made)
        else:
            content, shape = _content(space, vector, facts)
            kit.append(replace(net, sha256=hashlib.sha256(content).hexdigest(), input_shape=shape))
            unfinished.keep(kit, content)
        progress(len(kit), len(vectors))
    write_kit(folder, facts=facts, nets=kit, files={})
    unfinished.finished()
    return PlanResult(folder=folder, facts=facts, nets=tuple(kit))


def _different(space: Space, given: Sequence[str]) -> Integer[Array, "n v"]:
    vectors = space.parse(given)
    if len(np.unique(space.key(vectors))) < len(vectors):
        raise UsageError(f"expected different architectures, got {len(vectors)} of which some are the same; drop these")
    return vectors


def _planned(space: Space, vector: Integer[Array, " v"], number: int, role: Role, format: Format) -> KitNet:
    """A net's line of the manifest before there is a file."""
    index = int(space.index(vector[None])[0]) if space.enumerable else None
    name = f"{number:03d}" if index is None else f"{number:03d}-{index}"
    return KitNet(
        name=name,
        arch=space.strings(vector[None])[0],
        index=index,
        role=role,
        file=f"nets/{name}.{format}",
        sha256="",
        input_shape=(),
    )


def _content(space: Space, vector: Integer[Array, " v"], facts: KitFacts) -> tuple[bytes, tuple[int, ...]]:
    """A net's file, and the shape of its input: operator by operator where all have an ONNX form, else its module."""
    graph = space.graph(vector, dataset=facts.dataset) if space.has_graphs else None
    if facts.format == "onnx" and graph is not None and is_written(graph):
        content = onnx_bytes(graph, batch_size=facts.batch_size, seed=facts.seed)
        return content, (facts.batch_size, *graph.operators[0].shape[1:])
    shape = (facts.batch_size, *input_shape(space, graph, facts.dataset))
    module = initial_module(space, space.strings(vector[None])[0], dataset=facts.dataset, seed=facts.seed)
    if facts.format == "onnx":
        return module_onnx_bytes(module, shape), shape
    return module_tflite_bytes(module, shape, int8=facts.precision == "int8", seed=facts.seed), tflite_shape(shape)


def _others(space: Space, chosen: Integer[Array, "n v"], count: int, *, seed: int) -> Integer[Array, "m v"]:
    """`count` random architectures that are not among the chosen, from a stream of their own."""
    if not count:
        return chosen[:0]
    drawn = choose_nets(space, count + len(chosen), method="random", seed=seed + 1)
    taken = set(space.key(chosen).tolist())
    free = [key not in taken for key in space.key(drawn).tolist()]
    return drawn[free][:count]
