"""Every search keeps the contract, in a small space, in one without end and in one with few choices."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import hwnas.search
from hwnas.errors import UnknownNameError, UsageError
from hwnas.search import SEARCHES, SearchSettings, make_search
from hwnas.search.nsga2 import NSGA2
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
    search = make_search(name, space, SearchSettings(population=20, model=False))
    asked = []
    while len(vectors := search.ask(2000)):
        costs = space.counts(vectors, dataset="cifar10")["params"][:, None].astype(float)
        search.tell(vectors, costs, np.zeros(len(vectors)))
        asked.append(vectors)
    assert len(np.unique(np.concatenate(asked), axis=0)) == sum(map(len, asked)) == 9445


@pytest.mark.parametrize("wanted", [1, 60, 20_000])
def test_the_first_unknown_are_found_without_looking_at_all(wanted: int) -> None:
    """The same rows as by asking for all of them, equal ones once; most of the first are known here."""
    space = NASBench201()
    search = NSGA2(space, SearchSettings(population=20, model=False))
    vectors = np.random.default_rng(0).permutation(space.all_vectors())
    known = space.canonical(vectors[:300])
    known = known[search.unknown(known)]
    search.tell(known, np.ones((len(known), 2)), np.zeros(len(known)))
    mixed = np.concatenate([vectors[:400], vectors[:400], vectors[200:3000]])
    expected = mixed[search.unknown(search.canonical(mixed))]
    assert len(expected) > 60
    np.testing.assert_array_equal(search._first_unknown(mixed, wanted), expected[:wanted])


def test_unknown_searches_and_settings_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="search 'nsga3' is not known; did you mean 'nsga2'"):
        make_search("nsga3", NASBench201())
    with pytest.raises(UsageError, match="seed of at least 0, got -1"):
        SearchSettings(seed=-1)
    with pytest.raises(UsageError, match="at least 4 architectures, got 3"):
        SearchSettings(population=3)


def test_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Its example finds a feasible front, its test case is a contract, and it names every file and search."""
    folder = Path(hwnas.search.__file__).parent
    text = (folder / "README.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(compile(block, "README of search", "exec"), names)
    assert "evaluations" in capsys.readouterr().out
    assert issubclass(names["TestMySearch"], SearchContract)  # type: ignore[arg-type]
    for path in folder.glob("*.py"):
        assert path.name == "__init__.py" or f"`{path.name}`" in text, path.name
    for name in SEARCHES:
        assert f"`{name}`" in text, name
