"""Costs that take longer than a second to predict: of many networks that must be taken apart into kernels first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from hwnas.api.found_devices import find_device, known_targets
from hwnas.api.predict import predict
from hwnas.energy import energy_model
from hwnas.errors import DataError, UsageError
from hwnas.estimates import Target
from hwnas.latency import latency_model
from hwnas.latency.kernels.space_costs import KernelCosts
from hwnas.latency.tables import CostSource
from hwnas.service.answers import plain_json
from hwnas.service.forms import PredictBody
from hwnas.service.store.jobs import Asked
from hwnas.service.world import world_of_costs
from hwnas.spaces import get_space

AT_ONCE: Final = 32  # networks; one of DARTS takes 20 to 60 ms


def costs_now(body: PredictBody) -> bytes | None:
    """The answer to a question as JSON; None where it takes longer. Raises what `predict` raises."""
    if _takes_long(body):
        return None
    return plain_json(predict(**asdict(body)).to_dict())


def costs_asked(body: PredictBody) -> Asked:
    """The question of a job."""
    return Asked(kind="predict", request=asdict(body), again=world_of_costs([body.device]))


def _takes_long(body: PredictBody) -> bool:
    if len(set(body.architectures)) <= AT_ONCE:
        return False
    space, device = get_space(body.space), find_device(body.device)
    where: dict[str, Any] = {"space": space.name, "dataset": space.dataset(body.dataset)}
    targets = [body.target] if body.target else known_targets(device, **where)
    sources: list[CostSource] = [body.source, "predicted"] if body.source == "auto" else [body.source]
    return space.has_graphs and any(
        _is_by_kernels(target, source, device=device, **where) for target in targets for source in sources
    )


def _is_by_kernels(target: Target, source: CostSource, **where: Any) -> bool:
    build = latency_model if target == "latency" else energy_model
    try:
        return isinstance(build(source=source, **where), KernelCosts)
    except (DataError, UsageError):  # the answer says so
        return False
