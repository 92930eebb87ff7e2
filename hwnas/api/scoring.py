"""`hwnas.score`: of architectures of a space by their names, or of a network of one's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from hwnas.api.network_forms import NetworkResult, NetworkSettings
from hwnas.api.score import score as score_architectures
from hwnas.api.score_forms import ScoreResult, ScoreSettings
from hwnas.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from hwnas.api.network import Given
    from hwnas.proxies.batches import Loss


@overload
def score(
    architectures: Sequence[str],
    *,
    space: str = ...,
    dataset: str | None = ...,
    proxies: Sequence[str] | None = ...,
    settings: ScoreSettings | None = ...,
    fresh: bool = ...,
) -> ScoreResult: ...


@overload
def score(
    architectures: nn.Module,
    batch: Given | None = ...,
    *,
    proxies: Sequence[str] | None = ...,
    loss: Loss | None = ...,
    settings: NetworkSettings | None = ...,
    strict: bool = ...,
) -> NetworkResult: ...


def score(architectures: Any, batch: Any = None, **options: Any) -> ScoreResult | NetworkResult:
    """Scores by zero-cost proxies, higher is better: of `architectures` of a space, or of one module on a batch.

    Of architectures (strings of a space, see `hwnas.api.score.score`):
        hwnas.score(["1462"], space="nasbench201", proxies=["zen"])
    Of any torch module (see `hwnas.api.network.score_network`):
        hwnas.score(module, (images, labels), proxies=["snip"])
    """
    # A module can only be there where torch was imported.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(architectures, torch.nn.Module):
        from hwnas.api.network import score_network

        return score_network(architectures, batch, **options)
    if isinstance(architectures, str) or callable(architectures):
        raise UsageError(
            f"expected a list of architectures or a torch module, got {architectures!r}; e.g. hwnas.score(['1462'])"
        )
    if batch is not None:
        raise UsageError("expected a batch with a torch module alone, got one with architectures; leave it out")
    return score_architectures(architectures, **options)
