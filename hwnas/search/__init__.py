"""Search where a space cannot be enumerated: ask and tell, problems, runs that go on where they were cut off."""

from hwnas.search.known import KnownCosts
from hwnas.search.problem import Problem
from hwnas.search.random_search import RandomSearch
from hwnas.search.registry import SEARCHES, make_search
from hwnas.search.runs import Generation, Limits, Run, run_search
from hwnas.search.search import Search, SearchSettings

__all__ = [
    "SEARCHES",
    "Generation",
    "KnownCosts",
    "Limits",
    "Problem",
    "RandomSearch",
    "Run",
    "Search",
    "SearchSettings",
    "make_search",
    "run_search",
]
