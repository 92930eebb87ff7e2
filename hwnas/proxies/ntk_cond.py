"""`ntk_cond`: how evenly a network can be trained in all directions (Chen 2021, TE-NAS)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

NTK_IMAGES: Final = 16


def score(evidence: Evidence) -> float:
    """-(largest eigenvalue) / (smallest eigenvalue) of the empirical neural tangent kernel of the first 16 images.

    -inf where the kernel is singular to float64; NaN where it is not finite.
    """
    import torch

    kernel = evidence.tangent_kernel
    assert kernel is not None
    if not kernel.isfinite().all():
        return math.nan
    eigenvalues = torch.linalg.eigvalsh(kernel)
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    if smallest <= len(kernel) * torch.finfo(torch.float64).eps * largest:
        return -math.inf
    return -largest / smallest


PROXY = Proxy(
    name="ntk_cond",
    title="condition number of the neural tangent kernel, turned",
    needs=frozenset({"tangent_kernel"}),
    score=score,
    source="Chen 2021, arXiv:2102.11535, eq. 3, on the sum of the logits, as its code computes it",
    fails="noisy: it changes with images, batch size and initialisation; says nothing of expressivity",
    uses_data=True,
    least_images=2,
    uses_labels=False,
    second_order=True,
    turned=True,
    constants={"images": NTK_IMAGES},
    minus_infinity="the gradients of the images are linearly dependent",
)
