"""`nn_degree`: how many connections a channel has on average (Li 2021; Li 2023, survey)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy
from hwnas.proxies.skip_cells import skip_cells

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over cells of (mean width of its layers) + (channels that jump) / (sum of the widths of its layers).

    Layers in a row that no shortcut spans are one cell together.
    """
    assert evidence.graph is not None
    cells = skip_cells(evidence.graph)
    if not cells:
        return -math.inf
    total = 0.0
    chain: list[int] = []
    for cell in cells:
        if cell.actual:
            total += sum(cell.widths) / cell.depth + cell.actual / sum(cell.widths) + _mean(chain)
            chain = []
        else:
            chain += cell.widths
    return total + _mean(chain)


def _mean(widths: list[int]) -> float:
    return sum(widths) / len(widths) if widths else 0.0


PROXY = Proxy(
    name="nn_degree",
    title="average number of connections of a channel, summed over cells",
    needs=frozenset({"graph"}),
    score=score,
    source="Li 2021 (FLASH), arXiv:2108.00568, definition 1; as in the survey Li 2023, arXiv:2307.01998, section 2",
    fails="networks of the same widths, where only the few shortcuts differ; sees neither kernels nor resolutions",
    uses_data=False,
    uses_labels=False,
    minus_infinity="no path leads from the input to the output",
)
