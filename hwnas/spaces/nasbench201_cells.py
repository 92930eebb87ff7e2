"""Operations of NAS-Bench-201's cells, and the other numbering in which some tables name them."""

from __future__ import annotations

from typing import Final

from hwnas.spaces.four_node_cells import EDGES, NONE, SKIP

OPERATIONS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
CONV_1X1, CONV_3X3, AVG_POOL = range(2, 5)
# HW-NAS-Bench's tables and analog-nasbench number operations and edges in their own way.
TUPLE_CODES: Final = (SKIP, NONE, CONV_3X3, CONV_1X1, AVG_POOL)
_TUPLE_EDGES: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
TUPLE_POSITIONS: Final = tuple(_TUPLE_EDGES.index(edge) for edge in EDGES)
