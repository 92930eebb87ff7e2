"""Tables of scores: exact, whole, found in the right order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.proxies import table as tables
from hwnas.proxies.table import ScoreTable, empty_table, find_scores, load_scores, scores_path
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")
NETWORKS = np.unique(SPACE.network_id(SPACE.all_vectors()))


def table_of(*, dataset: str = "cifar10", proxies: tuple[str, ...] = ("zen", "snip"), seed: int = 0) -> ScoreTable:
    recipe = {"space": "nasbench201", "dataset": dataset, "seed": seed, "images": "made up"}
    table = empty_table(recipe, proxies, NETWORKS)
    table.scores[:] = np.random.default_rng(seed).normal(size=table.scores.shape)
    return table


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and an empty folder of shipped tables."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")
    return tmp_path


def test_a_table_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = table_of()
    saved.scores[3] = [-np.inf, np.nan]
    saved.save(tmp_path / "new" / "t.npz")
    loaded = load_scores(tmp_path / "new" / "t.npz")
    assert (loaded.recipe, loaded.proxies) == (saved.recipe, saved.proxies)
    np.testing.assert_array_equal(loaded.network_ids, saved.network_ids)
    np.testing.assert_array_equal(loaded.scores, saved.scores)
    assert loaded.missing.tolist() == [3]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["t.npz"]
    saved.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "new" / "t.npz").read_bytes()


def test_an_undefined_score_is_final(tmp_path: Path) -> None:
    saved = table_of()
    saved.scores[2, 0] = np.nan
    saved.enter(np.array([3, 4]), [0], np.array([np.nan]))
    assert saved.missing.tolist() == [2] and not saved.complete("zen") and saved.complete("snip")
    saved.enter(np.array([2]), [0], np.array([np.nan]))
    saved.save(tmp_path / "t.npz")
    loaded = load_scores(tmp_path / "t.npz")
    assert np.flatnonzero(loaded.undefined[:, 0]).tolist() == [2, 3, 4] and not loaded.undefined[:, 1].any()
    assert loaded.complete("zen") and np.isnan(loaded.column("zen", loaded.network_ids[[2, 3, 4]])).all()
    loaded.enter(np.array([3]), [0, 1], np.array([1.0, 2.0]))
    assert np.flatnonzero(loaded.undefined[:, 0]).tolist() == [2, 4] and loaded.scores[3].tolist() == [1, 2]


def test_what_is_scored_by_network(tmp_path: Path) -> None:
    first, second, third, other = NETWORKS[:4]
    table = empty_table({"space": "nasbench201"}, ("a", "b"), np.array([first, second, third]))
    table.enter(np.array([0]), [0, 1], np.array([1.0, np.nan]))
    table.enter(np.array([2]), [0], np.array([-np.inf]))
    asked = np.array([third, first, other, second])
    assert table.scored("a", asked).tolist() == [True, True, False, False]
    assert table.scored("b", asked).tolist() == [False, True, False, False]
    assert not empty_table({"space": "nasbench201"}, ("a",), np.array([], dtype=int)).scored("a", asked).any()
    with pytest.raises(UsageError, match="scored proxies a, b, got 'c'"):
        table.scored("c", asked)


def test_columns_by_network() -> None:
    recipe = {"space": "nasbench201"}
    first, second, third, other, another = NETWORKS[:5]  # no two of them are isomorphic
    table = empty_table(recipe, ("a", "b"), np.array([third, first, second, first]))
    table.scores[:] = [[1, 10], [2, 20], [3, 30]]
    assert table.network_ids.tolist() == [first, second, third]
    asked = np.array([third, first, other, another, third])
    np.testing.assert_array_equal(table.column("b", asked), [30, 10, np.nan, np.nan, 30])
    assert np.isnan(empty_table(recipe, ("a",), np.array([], dtype=int)).column("a", np.array([1]))).all()
    with pytest.raises(UsageError, match="scored proxies a, b, got 'c'"):
        table.column("c", np.array([first]))


def test_isomorphic_networks_share_a_score_in_a_sample_too() -> None:
    canonical = SPACE.canonical_id(NETWORKS)
    twin = NETWORKS[canonical != NETWORKS][0]
    first, other = SPACE.canonical_id(np.array([twin]))[0], NETWORKS[canonical == NETWORKS][-1]
    sample = empty_table({"space": "nasbench201"}, ("zen",), np.array([first]))
    sample.scores[:] = 2.0
    np.testing.assert_array_equal(sample.column("zen", np.array([twin, other, first])), [2.0, np.nan, 2.0])


@pytest.mark.parametrize("cut", [0, 10, 200, -30])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "t.npz"
    table_of().save(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"t\.npz is not a readable table of scores .*delete it"):
        load_scores(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path, table = tmp_path / "t.npz", table_of()

    def write(meta: object, ids: np.ndarray = NETWORKS, scores: np.ndarray = table.scores) -> None:
        text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        np.savez(path, meta=text, network_ids=ids, scores=scores)

    good = {"format": 1, "recipe": {}, "proxies": ["zen", "snip"]}
    for contents, says in (
        ((good | {"format": 2},), "format 2, expected 1"),
        ((good | {"proxies": ["zen"]},), "by 1 proxies"),
        ((good, NETWORKS[::-1]), "ascending"),
        ((good, NETWORKS[:5]), "expected 5 ascending networks"),
        (({"format": 1},), "not a readable"),
        (([],), "not a readable"),
    ):
        write(*contents)
        with pytest.raises(DataError, match=says):
            load_scores(path)
    np.savez(path, other=NETWORKS)
    with pytest.raises(DataError, match="not a readable"):
        load_scores(path)
    with pytest.raises(DataError, match="got nothing; make it with `hwnas score --all`"):
        load_scores(tmp_path / "absent.npz")


def test_the_cache_comes_before_what_is_shipped(folders: Path) -> None:
    assert find_scores("nasbench201", "cifar10") is None
    table_of(seed=1).save(folders / "shipped" / "nasbench201_cifar10_scores.npz")
    assert find_scores("nb201").recipe["seed"] == 1
    table_of(seed=2).save(scores_path("nasbench201", "cifar10"))
    assert find_scores("nasbench201", "CIFAR10").recipe["seed"] == 2


def test_the_default_data_set_stands_in(folders: Path) -> None:
    table_of().save(folders / "shipped" / "nasbench201_cifar10_scores.npz")
    assert find_scores("nasbench201", "cifar100").recipe["dataset"] == "cifar10"
    table_of(dataset="cifar100").save(scores_path("nasbench201", "cifar100"))
    assert find_scores("nasbench201", "cifar100").recipe["dataset"] == "cifar100"
    with pytest.raises(UnknownNameError, match="cifar10"):
        find_scores("nasbench201", "cifar")


def test_unfinished_tables_and_other_proxies_are_passed_over(folders: Path) -> None:
    shipped = table_of(seed=1)
    shipped.save(folders / "shipped" / "nasbench201_cifar10_scores.npz")
    unfinished = table_of(seed=2)
    unfinished.scores[7, :] = np.nan
    for table in (unfinished, empty_table(shipped.recipe, ("zen",), NETWORKS[:10])):
        table.save(scores_path("nasbench201", "cifar10"))
        assert find_scores("nasbench201").recipe["seed"] == 1
    table_of(seed=3, proxies=("zen",)).save(scores_path("nasbench201", "cifar10"))
    assert find_scores("nasbench201", proxies=["zen"]).recipe["seed"] == 3
    assert find_scores("nasbench201", proxies=["zen", "snip"]).recipe["seed"] == 1
    assert find_scores("nasbench201", proxies=["naswot"]) is None


def test_one_unfinished_column_does_not_hide_a_finished_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    monkeypatch.setattr("hwnas.proxies.table.SHIPPED_FOLDER", tmp_path / "shipped")
    space = get_space("nasbench201")
    ids = space.network_id(space.all_vectors())
    table = empty_table({"space": space.name, "dataset": "cifar100"}, ["zen", "snip"], ids)
    table.scores[:, 0] = 1.0
    table.scores[:5, 1] = 1.0
    table.save(scores_path(space.name, "cifar100"))
    found = find_scores(space.name, "cifar100", proxies=["zen"])
    assert found is not None and found.recipe["dataset"] == "cifar100"
    assert found.complete("zen") and not found.complete("snip") and not found.complete("naswot")
    assert find_scores(space.name, "cifar100", proxies=["snip"]) is None
