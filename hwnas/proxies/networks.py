"""Scores of a module of any kind: each proxy gives its score or the reason why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import nn

from hwnas.proxies.applicability import why_not
from hwnas.proxies.batches import Batch
from hwnas.proxies.borrowing import borrowed, ordinary
from hwnas.proxies.engine import too_few_images
from hwnas.proxies.evidence import Evidence
from hwnas.proxies.inspection import Inspection
from hwnas.proxies.out_of_memory import is_out_of_memory, with_smaller_batches
from hwnas.proxies.own_score import score_by
from hwnas.proxies.passes import gather
from hwnas.proxies.proxy import Need, Proxy
from hwnas.user_code import told

COUNTED: Final[tuple[str, ...]] = ("params", "macs", "flops")


@dataclass(frozen=True, kw_only=True)
class NetworkScores:
    """scores: by name of the proxy, higher is better. reasons: by name, why a proxy has none.

    batch_size: images that the scores were computed on; fewer than were given where memory did not suffice.
    """

    scores: Mapping[str, float]
    reasons: Mapping[str, str]
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    scores: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def score_network(
    module: nn.Module, batch: Batch, proxies: Sequence[Proxy], *, inspection: Inspection, seed: int = 0
) -> NetworkScores:
    """Score of `module` by each proxy that can score it, and the reason where one cannot, whatever the module raises.

    inspection: what `inspect` found of the module on these images. The module and all random states are left as they
    were, see `borrowed`. Out of memory, proxies that read the images get half as many, and so on.
    """
    asked = {proxy.name: proxy for proxy in proxies}
    scores = {name: float(count) for name, count in inspection.counts.items() if name in asked}
    reasons = {name: inspection.uncounted for name in COUNTED if name in asked and name not in scores}
    rest = [proxy for name, proxy in asked.items() if name not in COUNTED]
    reasons |= {proxy.name: reason for proxy in rest if (reason := why_not(proxy, module, batch, inspection))}
    rest = [proxy for proxy in rest if proxy.name not in reasons]
    batch = replace(batch, images=ordinary(batch.images), labels=ordinary(batch.labels))
    device = batch.images.device
    # Convolutions in float32 also on a GPU, whose default of TF32 keeps ten bits.
    with borrowed(module, seed=seed, device=device), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        own = _attempt(module, batch, [proxy for proxy in rest if not proxy.uses_data], seed=seed, passed_on=_nothing)
        fed, size = _on_images(module, batch, [proxy for proxy in rest if proxy.uses_data], seed)
    return NetworkScores(
        scores=scores | own.scores | fed.scores, reasons=reasons | own.reasons | fed.reasons, batch_size=size
    )


def _on_images(module: nn.Module, batch: Batch, proxies: Sequence[Proxy], seed: int) -> tuple[_Attempt, int]:
    """On as many of the images as memory holds; where it does not hold one, that is the reason."""

    def attempt(part: Batch) -> _Attempt:
        last = len(part.images) == 1
        return _attempt(module, part, proxies, seed=seed, passed_on=_nothing if last else is_out_of_memory)

    return with_smaller_batches(attempt, batch)


def _nothing(_error: BaseException) -> bool:
    return False


def _attempt(
    module: nn.Module, batch: Batch, proxies: Sequence[Proxy], *, seed: int, passed_on: Callable[[BaseException], bool]
) -> _Attempt:
    """Evidence for all together, where that fails for those with equal needs; errors not passed on are reasons."""
    few = {proxy.name: too_few_images(proxy, len(batch.images)) for proxy in proxies}
    result = _Attempt(reasons={name: reason for name, reason in few.items() if reason})
    groups = _by_needs([proxy for proxy in proxies if not few[proxy.name]])
    together = frozenset[Need]().union(*groups)
    shared = _gathered(module, batch, together, seed, passed_on)
    for needs, group in groups.items():
        final = needs == together or not isinstance(shared, str)  # nothing more can be had by fewer needs
        evidence = shared if final else _gathered(module, batch, needs, seed, passed_on)
        for proxy in group:
            if isinstance(evidence, str):
                result.reasons[proxy.name] = evidence
                continue
            try:
                result.scores[proxy.name] = score_by(proxy, evidence, seed=seed, device=batch.images.device)
            except Exception as error:
                if passed_on(error):
                    raise
                result.reasons[proxy.name] = told(error)
    return result


def _by_needs(proxies: Sequence[Proxy]) -> dict[frozenset[Need], list[Proxy]]:
    groups: dict[frozenset[Need], list[Proxy]] = {}
    for proxy in proxies:
        groups.setdefault(proxy.needs, []).append(proxy)
    return groups


def _gathered(
    module: nn.Module, batch: Batch, needs: frozenset[Need], seed: int, passed_on: Callable[[BaseException], bool]
) -> Evidence | str:
    """The evidence, or why there is none."""
    try:
        return gather(module, batch, needs, seed=seed)
    except Exception as error:
        if passed_on(error):
            raise
        return told(error)
