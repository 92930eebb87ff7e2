"""Which nets to measure on a new device, and the kit that takes them there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.devices.kit import KitFacts, KitNet, Role, write_kit
from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs.onnx_file import onnx_bytes
from hwnas.latency.measurements import FEWEST
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import Space, get_space
from hwnas.version import __version__

CANDIDATES: Final = 5000  # `spread` looks at so many random nets of a space that it cannot enumerate


@final
@dataclass(frozen=True, kw_only=True)
class PlanResult:
    """A kit that was written: where, what in it is measured, and how it was chosen."""

    folder: Path
    facts: KitFacts
    nets: tuple[KitNet, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = {name: getattr(self.facts, name) for name in ("space", "dataset", "batch_size", "seed", "method")}
        nets = [{"name": n.name, "arch": n.arch, "index": n.index, "role": n.role} for n in self.nets]
        header = {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, "folder": str(self.folder)}
        return {**header, **facts, "chosen": self.facts.chosen, "nets": nets}


@final
@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """method: how the nets are chosen, a key of `CHOOSERS`. check: so many random nets more, to test the model on.

    batch_size: images of one run. seed: of the choice and of the random weights.
    """

    method: str = "spread"
    check: int = 0
    batch_size: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UsageError` for values out of range, `UnknownNameError` for another method."""
        for name, least in (("check", 0), ("batch_size", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"expected {name} of at least {least}, got {getattr(self, name)}")
        if self.method not in CHOOSERS:
            raise UnknownNameError("method of choosing nets", self.method, CHOOSERS)


def plan(
    folder: Path,
    *,
    space: str = "nasbench201",
    dataset: str | None = None,
    nets: int = 10,
    settings: PlanSettings | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PlanResult:
    """Choose architectures to measure on a new device and write a kit with them: ONNX files, a manifest, the agent.

    folder: made if need be; it must not hold another kit. progress: called with the numbers of nets written and in all.
    The nets are in evaluation mode with random weights: time and energy do not depend on weights.
    Raises `UsageError`, `UnknownNameError`, `MissingExtraError` without onnx, `DataError`.
    """
    found, settings = get_space(space), settings or PlanSettings()
    where = found.dataset(dataset)
    if nets < FEWEST:
        raise UsageError(f"expected at least {FEWEST} nets to measure, got {nets}")
    chosen = choose_nets(found, nets, method=settings.method, seed=settings.seed)
    vectors = np.concatenate([chosen, _others(found, chosen, settings.check, seed=settings.seed)])
    kit = []
    for number, vector in enumerate(vectors):
        role: Role = "calibrate" if number < nets else "check"
        kit.append(_kit_net(found, vector, number, where, role, settings))
        progress(number + 1, len(vectors))
    facts = KitFacts(
        space=found.name,
        dataset=where,
        batch_size=settings.batch_size,
        seed=settings.seed,
        method=settings.method,
        chosen=CHOOSERS[settings.method].__doc__ or "",
    )
    write_kit(folder, facts=facts, nets=[net for net, _ in kit], files={net.file: onnx for net, onnx in kit})
    return PlanResult(folder=folder, facts=facts, nets=tuple(net for net, _ in kit))


def choose_nets(space: Space, n: int, *, method: str, seed: int) -> Integer[Array, "n v"]:
    """n different architectures by a method of `CHOOSERS`, in the order of their worth; same seed, same nets.

    Raises `UnknownNameError` for another method, `UsageError` where the space has fewer than n.
    """
    if method not in CHOOSERS:
        raise UnknownNameError("method of choosing nets", method, CHOOSERS)
    if n > space.size:
        raise UsageError(f"space {space.name!r} has {space.size} architectures, {n} were asked for")
    return CHOOSERS[method](space, n, seed)


def _random(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """Drawn uniformly from the space."""
    return space.sample(n, seed=seed) if space.enumerable else _distinct(space, n, seed)


def _spread(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """Far apart in the features of the space: each net the farthest from those before it (Gonzalez 1985)."""
    candidates = space.all_vectors() if space.enumerable else _distinct(space, max(n, CANDIDATES), seed)
    features = space.features(candidates).astype(np.float64)
    chosen = [int(np.random.default_rng(seed).integers(len(candidates)))]
    distance = np.full(len(candidates), np.inf)
    while len(chosen) < n:
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(axis=1))
        distance[chosen] = -1  # architectures with equal features are different all the same
        chosen.append(int(distance.argmax()))
    return candidates[chosen]


def _distinct(space: Space, n: int, seed: int) -> Integer[Array, "n v"]:
    """n different random architectures of a space that is too large to draw without repeats."""
    drawn = np.unique(space.sample(2 * n, seed=seed), axis=0)
    if len(drawn) < n:
        raise UsageError(f"expected {n} different architectures of {space.name!r}, got {len(drawn)}; ask for fewer")
    return np.random.default_rng(seed).permutation(drawn)[:n]


# Ways to choose the nets by name: (space, n, seed) to (n, v) vectors. The docstring goes into the manifest.
CHOOSERS: Final[dict[str, Callable[[Space, int, int], Integer[Array, "n v"]]]] = {
    "random": _random,
    "spread": _spread,
}


def _kit_net(
    space: Space, vector: Integer[Array, " v"], number: int, dataset: str, role: Role, settings: PlanSettings
) -> tuple[KitNet, bytes]:
    """A net's line of the manifest, and its ONNX file."""
    graph = space.graph(vector, dataset=dataset)
    content = onnx_bytes(graph, batch_size=settings.batch_size, seed=settings.seed)
    index = int(space.index(vector[None])[0]) if space.enumerable else None
    name = f"{number:03d}" if index is None else f"{number:03d}-{index}"
    net = KitNet(
        name=name,
        arch=space.strings(vector[None])[0],
        index=index,
        role=role,
        file=f"nets/{name}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        input_shape=(settings.batch_size, *graph.operators[0].shape[1:]),
    )
    return net, content


def _others(space: Space, chosen: Integer[Array, "n v"], count: int, *, seed: int) -> Integer[Array, "m v"]:
    """`count` random architectures that are not among the chosen, from a stream of their own."""
    if not count:
        return chosen[:0]
    drawn = choose_nets(space, count + len(chosen), method="random", seed=seed + 1)
    taken = set(space.key(chosen).tolist())
    free = [key not in taken for key in space.key(drawn).tolist()]
    return drawn[free][:count]
