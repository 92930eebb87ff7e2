"""`naswot`: how differently the activations see the images of a batch (Mellor 2021, eq. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.errors import ProxyError
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from torch import Tensor

    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """log |det K|, K_ij being the number of units on which images i and j agree; -inf where K is singular.

    The units are those of ReLUs, as in the paper, and of activations like them, which vision transformers have.
    """
    return log_determinant(evidence.activation_agreement, "naswot")


def log_determinant(kernel: Tensor | None, name: str) -> float:
    """Of the agreements of the images. Raises `ProxyError` where no activation ran."""
    assert kernel is not None
    if not kernel.diagonal().any():
        raise ProxyError(f"{name} expected activations such as nn.ReLU to run, got none; use another proxy")
    return float(kernel.slogdet().logabsdet.item())


PROXY = Proxy(
    name="naswot",
    title="log-determinant of the agreement of activation patterns",
    needs=frozenset({"activation_agreement"}),
    score=score,
    source="Mellor 2021, arXiv:2006.04647, section 3 (kernel K_H)",
    fails="activations that are no modules; grows with the number of their units; depends on the batch size",
    uses_data=True,
    uses_labels=False,
    least_images=2,
    minus_infinity="two images have the same pattern",
)
