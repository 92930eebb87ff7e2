"""`jacob_cov`: how little the images' gradients resemble one another (Mellor 2020, first version; Abdelfattah 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.proxies.correlations import row_correlations, without_correlations
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

EPSILON: Final = 1e-5


def score(evidence: Evidence) -> float:
    """-sum over eigenvalues s of log(s + k) + 1 / (s + k), s of the correlations between images, k = 1e-5.

    An eigenvalue that rounding made negative counts as 0.
    """
    import torch

    jacobian = evidence.jacobian
    assert jacobian is not None
    if (without := without_correlations(jacobian)) is not None:
        return without
    eigenvalues = torch.linalg.eigvalsh(row_correlations(jacobian)).clamp(min=0.0) + EPSILON
    return -float((eigenvalues.log() + 1.0 / eigenvalues).sum().item())


PROXY = Proxy(
    name="jacob_cov",
    title="how little the images' gradients are correlated",
    needs=frozenset({"jacobian"}),
    score=score,
    source="Mellor 2020, arXiv:2006.04647v1, eq. 4; as a proxy Abdelfattah 2021, section 3.1",
    fails="networks without normalisation; near-duplicate images; depends on the batch size",
    uses_data=True,
    least_images=2,
    uses_labels=False,
    constants={"epsilon": EPSILON},
    minus_infinity="the logits of an image do not depend on it",
)
