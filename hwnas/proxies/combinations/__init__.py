"""Combinations of proxies: they rank a set of networks. A new one is one file here and one line in `registry.py`."""

from hwnas.proxies.combinations.combination import Combination
from hwnas.proxies.combinations.registry import COMBINATIONS, Scorer, get_scorer

__all__ = ["COMBINATIONS", "Combination", "Scorer", "get_scorer"]
