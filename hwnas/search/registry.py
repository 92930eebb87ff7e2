"""All searches by name. A new search is one line here."""

from __future__ import annotations

from typing import Final

from hwnas.errors import UnknownNameError
from hwnas.search.evolution import AgeingEvolution
from hwnas.search.nsga2 import NSGA2
from hwnas.search.random_search import RandomSearch
from hwnas.search.search import Search, SearchSettings
from hwnas.spaces import Space

SEARCHES: Final[dict[str, type[Search]]] = {search.name: search for search in (NSGA2, RandomSearch, AgeingEvolution)}


def make_search(name: str, space: Space, settings: SearchSettings | None = None) -> Search:
    """The search called `name` on a space. Raises `UnknownNameError`."""
    if name not in SEARCHES:
        raise UnknownNameError("search", name, SEARCHES)
    return SEARCHES[name](space, settings)
