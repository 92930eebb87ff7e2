"""Every search keeps the contract, in a small space, in one without end and in one with few choices."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UnknownNameError, UsageError
from hwnas.search import SEARCHES, SearchSettings, make_search
from hwnas.spaces import FBNet, NASBench201, get_space
from hwnas.testing import SearchContract

SPACES = {"nasbench201": NASBench201(), "fbnet": FBNet(), "nats-size": get_space("nats-size")}


@pytest.fixture(params=[(search, space) for search in SEARCHES for space in SPACES], ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


class TestSearches(SearchContract):
    @pytest.fixture(autouse=True)
    def _pair(self, pair: tuple[str, str]) -> None:
        self.search, self.space = SEARCHES[pair[0]], SPACES[pair[1]]


@pytest.mark.parametrize("name", SEARCHES)
def test_a_space_is_searched_to_its_end(name: str) -> None:
    """All 9,445 networks of the space, each once; then there is nothing more to ask for."""
    space = NASBench201()
    search = make_search(name, space, SearchSettings(population=20))
    asked = []
    while len(vectors := search.ask(2000)):
        costs = space.counts(vectors, dataset="cifar10")["params"][:, None].astype(float)
        search.tell(vectors, costs, np.zeros(len(vectors)))
        asked.append(vectors)
    assert len(np.unique(np.concatenate(asked), axis=0)) == sum(map(len, asked)) == 9445


def test_unknown_searches_and_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="search 'nsga3' is not known; did you mean 'nsga2'"):
        make_search("nsga3", NASBench201())
    with pytest.raises(UsageError, match="seed of at least 0, got -1"):
        SearchSettings(seed=-1)
    with pytest.raises(UsageError, match="at least 4 architectures, got 3"):
        SearchSettings(population=3)
