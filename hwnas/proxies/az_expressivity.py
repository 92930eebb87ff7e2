"""`az_expressivity`: how evenly the features of each block spread over their channels (Lee & Ham 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.proxies.entropies import entropies
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

AZ_BATCH: Final = 16


def score(evidence: Evidence) -> float:
    """Sum over feature maps, from the input of the first block on, of the entropy of their principal components.

    -inf where features are constant.
    """
    assert evidence.stages is not None
    return float(entropies(evidence.stages.spectra).sum())


PROXY = Proxy(
    name="az_expressivity",
    title="AZ-NAS: sum over blocks of the entropy of the principal components of the features",
    needs=frozenset({"stages"}),
    score=score,
    source="Lee & Ham 2024, arXiv:2403.19232, expressivity",
    fails="grows with the number of blocks and channels, whatever they do",
    uses_data=False,
    uses_labels=False,
    constants={"batch": AZ_BATCH},
    minus_infinity="the features of a block are constant",
)
