"""`hwnas.score`: of architectures of a space by their names, or of a network of one's own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from hwnas.api.given import Architecture
from hwnas.api.network_forms import NetworkResult, NetworkSettings
from hwnas.api.score import score as score_architectures
from hwnas.api.score_forms import ScoreResult, ScoreSettings
from hwnas.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from hwnas.api.network import Given
    from hwnas.proxies.batches import Loss

_OF_ARCHITECTURES: Final = ("space", "dataset", "proxies", "settings", "fresh", "progress")
_OF_A_MODULE: Final = ("proxies", "loss", "settings", "strict")


@overload
def score(
    architectures: Sequence[Architecture],
    *,
    space: str = ...,
    dataset: str | None = ...,
    proxies: Sequence[str] | str | None = ...,
    settings: ScoreSettings | None = ...,
    fresh: bool = ...,
) -> ScoreResult: ...


@overload
def score(
    architectures: nn.Module,
    batch: Given | None = ...,
    *,
    proxies: Sequence[str] | str | None = ...,
    loss: Loss | None = ...,
    settings: NetworkSettings | None = ...,
    strict: bool = ...,
) -> NetworkResult: ...


def score(architectures: Any, batch: Any = None, **options: Any) -> ScoreResult | NetworkResult:
    """Scores by zero-cost proxies, higher is better: of `architectures` of a space, or of one module on a batch.

    Of architectures (a list of strings, indices or tuples of codes):
        hwnas.score([1462], space="nasbench201", proxies=["zen"], settings=hwnas.ScoreSettings(seed=3))
    space, dataset: names; None for the first data set of the space.
    proxies: names of proxies and combinations, or one name; None: counts and the usual ones.
    settings: `hwnas.ScoreSettings`, such as seed, batch_size, images, device.
    fresh: compute also what a table has.
    progress: called with how many reference networks of a combination are scored, and of how many.

    Of any torch module (see `hwnas.api.network.score_network`):
        hwnas.score(module, (images, labels), proxies="snip", settings=hwnas.NetworkSettings(seed=3))
    batch: images, images with labels, or a file or folder of them; None: noise.
    proxies: names of proxies, or one name; None: all.
    loss: (logits, labels) to one number; None: the cross entropy.
    settings: `hwnas.NetworkSettings`, such as seed, batch_size, shape of noise, random_labels.
    strict: a proxy that cannot score the module is an error; else it gets None and the reason.

    Raises `UsageError`, `UnknownNameError`, `DataError`, `ProxyError`, `MissingExtraError`, `AbsentError`.
    """
    # A module can only be there where torch was imported.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(architectures, torch.nn.Module):
        from hwnas.api.network import score_network

        _check(options, _OF_A_MODULE, NetworkSettings)
        return score_network(architectures, batch, **options)
    if isinstance(architectures, str) or callable(architectures):
        raise UsageError(
            f"expected a list of architectures or a torch module, got {architectures!r}; e.g. hwnas.score(['1462'])"
        )
    if batch is not None:
        raise UsageError("expected a batch with a torch module alone, got one with architectures; leave it out")
    _check(options, _OF_ARCHITECTURES, ScoreSettings)
    return score_architectures(architectures, **options)


def _check(options: Mapping[str, Any], known: Sequence[str], form: type[NetworkSettings] | type[ScoreSettings]) -> None:
    """Raise `UsageError` for options that are not known, and for settings of another form."""
    what = "a torch module" if form is NetworkSettings else "architectures"
    for name in options:
        if name in form.__dataclass_fields__:
            raise UsageError(
                f"expected {name} of {what} in the settings; give settings=hwnas.{form.__name__}({name}=...)"
            )
        if name not in known:
            raise UsageError(f"expected options of {what} among {', '.join(known)}, got {name}; leave it out")
    settings = options.get("settings")
    if settings is not None and not isinstance(settings, form):
        raise UsageError(
            f"expected settings of {what} as a {form.__name__}, got a {type(settings).__name__}; "
            f"give settings=hwnas.{form.__name__}(seed=3), with the fields that you want"
        )
