"""Search spaces. A new space is one file here and one line in `SPACES`; see README.md."""

from hwnas.spaces.nasbench201 import NASBench201
from hwnas.spaces.registry import SPACES, get_space
from hwnas.spaces.space import CellGraphs, Space

__all__ = ["SPACES", "CellGraphs", "NASBench201", "Space", "get_space"]
