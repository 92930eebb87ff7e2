"""What a proxy says of evidence. One of the user's own is kept from others, is seeded, and has to give a number."""

from __future__ import annotations

import copy
from numbers import Real
from typing import TYPE_CHECKING, Any

from hwnas.errors import HwnasError, ProxyError
from hwnas.proxies.proxy import Proxy
from hwnas.proxies.registry import of_hwnas
from hwnas.user_code import told

if TYPE_CHECKING:
    import torch

    from hwnas.proxies.evidence import Evidence


class OwnProxyError(ProxyError):
    """A proxy of the user's own raised an error or gave no number; the message names it and the line."""


def score_by(proxy: Proxy, evidence: Evidence, *, seed: int, device: torch.device) -> float:
    """Score by one proxy; infinity and NaN as they are.

    One of the user's own reads a copy of the evidence, whose tensors are the module's and other proxies' too, and what
    it draws from torch, NumPy and Python follows from `seed`. Raises what the proxy raises, and `OwnProxyError` where
    one of the user's own gives no number.
    """
    if of_hwnas(proxy):
        return proxy.score(evidence)
    from hwnas.proxies.randomness import seeded

    own = copy.deepcopy(evidence, {id(evidence.graph): evidence.graph})
    with seeded(seed, device):
        return _number(proxy, proxy.score(own))


def score_or_tell(proxy: Proxy, evidence: Evidence, *, seed: int, device: torch.device) -> float:
    """As `score_by`, but an error in the code of the user's own proxy is an `OwnProxyError` with its line."""
    try:
        return score_by(proxy, evidence, seed=seed, device=device)
    except Exception as error:
        if of_hwnas(proxy) or isinstance(error, HwnasError):
            raise
        raise OwnProxyError(f"expected a score by proxy {proxy.name!r}, got {told(error)}; mend it there") from error


def _number(proxy: Proxy, value: Any) -> float:
    try:
        number = value.item() if hasattr(value, "item") else value  # of a tensor or an array with one
    except (RuntimeError, ValueError):
        number = value
    if not isinstance(number, Real):
        got = "None (is a `return` missing?)" if value is None else f"a {type(value).__name__}"
        raise OwnProxyError(f"expected proxy {proxy.name!r} to return a number, got {got}; mend its `score`")
    return float(number)
