"""`nn_mass`: how densely shortcuts link the layers of a network (Bhardwaj 2021)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hwnas.proxies.proxy import Proxy
from hwnas.proxies.skip_cells import skip_cells

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence


def score(evidence: Evidence) -> float:
    """Sum over cells of (sum of the widths of its layers) x (channels that jump / channels that could).

    The first factor is the paper's width times depth, also where widths differ. 0 without shortcuts.
    """
    assert evidence.graph is not None
    cells = skip_cells(evidence.graph)
    if not cells:
        return -math.inf
    return float(sum(sum(cell.widths) * cell.actual / cell.possible for cell in cells if cell.possible))


PROXY = Proxy(
    name="nn_mass",
    title="density of shortcuts, weighted by width and depth of the cells",
    needs=frozenset({"graph"}),
    score=score,
    source="Bhardwaj 2021, arXiv:1910.00780, eq. 2; for sums as in its code for ResNet and MobileNet-v2",
    fails="networks without shortcuts, all of which score 0; sees neither kernels nor resolutions",
    uses_data=False,
    uses_labels=False,
    minus_infinity="no path leads from the input to the output",
)
