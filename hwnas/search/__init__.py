"""Search where a space cannot be enumerated: ask and tell, problems, runs that go on where they were cut off."""

from hwnas.search.registry import SEARCHES, make_search
from hwnas.search.search import Search, SearchSettings

__all__ = ["SEARCHES", "Search", "SearchSettings", "make_search"]
