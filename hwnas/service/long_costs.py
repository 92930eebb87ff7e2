"""Costs that take longer than a second: of many networks that must be taken apart into kernels, or whose graphs must
be read, first. What the cache keeps of these is asked anew each time: a job of another process may have written it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

from hwnas.api.accuracy import true_accuracy
from hwnas.api.activation_peaks import unknown_peaks
from hwnas.api.found_devices import find_device, known_targets
from hwnas.api.objectives import DEVICE_COSTS, Word
from hwnas.api.predict import predict
from hwnas.api.question import known_costs
from hwnas.api.studies import FilesKey, files_key
from hwnas.energy import energy_model
from hwnas.errors import DataError, UsageError
from hwnas.estimates import Target
from hwnas.latency import latency_model
from hwnas.latency.kernels.space_costs import KernelCosts
from hwnas.latency.tables import CostSource
from hwnas.service.answers import plain_json
from hwnas.service.forms import ParetoBody, PredictBody
from hwnas.service.store.jobs import Asked
from hwnas.service.world import world_of_costs
from hwnas.spaces import Space, get_space

AT_ONCE: Final = 32  # networks; one of DARTS takes 20 to 60 ms


def costs_now(body: PredictBody) -> bytes | None:
    """The answer to a question as JSON; None where it takes longer. Raises what `predict` raises."""
    if _takes_long(body):
        return None
    return plain_json(predict(**asdict(body)).to_dict())


def costs_asked(body: PredictBody) -> Asked:
    """The question of a job."""
    return Asked(kind="predict", request=asdict(body), again=world_of_costs([body.device]))


def front_takes_long(body: ParetoBody) -> bool:
    """Whether a cost of a question about a list of networks is computed network by network, and of more than
    `AT_ONCE`. Raises `UnknownNameError` and `UsageError` as `hwnas.pareto` does."""
    space, device = get_space(body.space), find_device(body.device)
    dataset = space.dataset(body.dataset)
    words = body.question().words(device, space, dataset)
    if not space.has_graphs or (space.enumerable and space.size <= AT_ONCE):
        return False
    costs = [*words, *known_costs(device, space, dataset)]  # the latter are listed beside
    asked = tuple(sorted({(word.device or body.device, DEVICE_COSTS[word.name][0]) for word in _of_devices(costs)}))
    by_kernels = _those_by_kernels(asked, space, dataset, body.source, files_key())
    of_memory = any(word.name == "peak_memory_bytes" for word in words)
    if not by_kernels and not of_memory:
        return False
    vectors = space.all_vectors() if space.enumerable else true_accuracy(space, dataset).architectures(space)
    if any(costs.unread(vectors) > AT_ONCE for costs in by_kernels):
        return True
    return of_memory and unknown_peaks(space, vectors, dataset) > AT_ONCE


def _of_devices(words: Sequence[Word]) -> list[Word]:
    return [word for word in words if word.name in DEVICE_COSTS]


@lru_cache(maxsize=256)
def _those_by_kernels(
    asked: tuple[tuple[str, Target], ...], space: Space, dataset: str, source: CostSource, _files: FilesKey
) -> tuple[KernelCosts, ...]:
    """Kept as long as the files are the same: a question is asked with many budgets."""
    models = [
        _by_kernels(target, source, device=find_device(device), space=space.name, dataset=dataset)
        for device, target in asked
    ]
    return tuple(model for model in models if model is not None)


def _takes_long(body: PredictBody) -> bool:
    space = get_space(body.space)
    if len(set(body.architectures)) <= AT_ONCE or not space.has_graphs:
        return False
    device = find_device(body.device)
    where: dict[str, Any] = {"space": space.name, "dataset": space.dataset(body.dataset)}
    targets = [body.target] if body.target else known_targets(device, **where)
    sources: list[CostSource] = [body.source, "predicted"] if body.source == "auto" else [body.source]
    models = [_by_kernels(target, source, device=device, **where) for target in targets for source in sources]
    vectors = space.parse(body.architectures)
    return any(model.unread(vectors) > AT_ONCE for model in models if model is not None)


def _by_kernels(target: Target, source: CostSource, **where: Any) -> KernelCosts | None:
    build = latency_model if target == "latency" else energy_model
    try:
        model = build(source=source, **where)
    except (DataError, UsageError):  # the answer says so
        return None
    return model if isinstance(model, KernelCosts) else None
