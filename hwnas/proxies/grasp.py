"""`grasp`: how pruning would change the flow of gradients (Wang 2020; as a proxy Abdelfattah 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """-sum over all weights w of w (H g), with g the gradient of the loss and H its Hessian.

    The sign is that of Wang 2020, eq. 8, which removes the weights with the highest -w (H g); Abdelfattah 2021 keeps
    the sum with that sign, as it is the one that goes with accuracy. 0 where no weight reaches the loss.
    """
    layers = evidence.hessian_gradient
    return 0.0 - sum((layer.weight.double() * layer.gradient.double()).sum().item() for layer in layers)


PROXY = Proxy(
    name="grasp",
    title="change of the gradient flow under pruning, -w (H g)",
    needs=frozenset({"hessian_gradient"}),
    score=score,
    source="Wang 2020, arXiv:2002.07376, eq. 8 with temperature 1; as a proxy Abdelfattah 2021, section 3.1",
    fails="weaker than snip on NAS-Bench-201 for several times the work; its sign changes with the initialisation",
    uses_data=True,
    uses_labels=True,
    second_order=True,
)
