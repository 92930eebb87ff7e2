"""Scoring a space: each network once, resumable after anything, the same whoever does it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError
from hwnas.proxies import PROXIES
from hwnas.proxies.table import load_scores
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from hwnas.proxies import space_scores  # noqa: E402
from hwnas.proxies.batches import noise_batch  # noqa: E402
from hwnas.proxies.recipes import Recipe, score_networks, task_of  # noqa: E402
from hwnas.proxies.space_scores import score_space  # noqa: E402

SPACE = get_space("nasbench201")
# Two of these are the same network: the edge 0→1 leads nowhere.
VECTORS = np.array([[3, 0, 0, 1, 0, 0], [4, 0, 0, 1, 0, 0], [0, 0, 0, 2, 0, 0], [0] * 6, [0, 0, 0, 4, 0, 0]])
NETWORKS = np.unique(SPACE.network_id(VECTORS))


def recipe_of(proxies: tuple[str, ...] = ("synflow", "naswot"), seed: int = 0) -> Recipe:
    batch = noise_batch(task_of(SPACE, "ImageNet16-120"), size=4, seed=seed)
    return Recipe(space="nasbench201", dataset="ImageNet16-120", proxies=proxies, batch=batch, seed=seed)


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_scores, "NETWORKS_PER_TASK", 1)


def test_each_network_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    table = score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "t.npz", progress=lambda *step: seen.append(step))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert table.network_ids.tolist() == NETWORKS.tolist()
    np.testing.assert_array_equal(load_scores(tmp_path / "t.npz").scores, table.scores)
    alone = score_networks(recipe_of(), get_space("nasbench201").vector(NETWORKS[2:3]))[0]
    np.testing.assert_array_equal(alone.astype(np.float32), table.scores[2])


def test_an_interrupted_run_ends_in_the_same_table(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "cut.npz", progress=stop)
    assert len(load_scores(tmp_path / "cut.npz").missing) == 2
    seen: list[int] = []
    score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "cut.npz", progress=lambda done, _: seen.append(done))
    assert seen == [2, 3, 4]
    score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "whole.npz")
    assert (tmp_path / "cut.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_two_processes_score_as_one(tmp_path: Path) -> None:
    """Up to the order in which threads add."""
    table = score_space(recipe_of(("zen", "snip")), VECTORS, checkpoint=tmp_path / "one.npz")
    shared = score_space(recipe_of(("zen", "snip")), VECTORS, checkpoint=tmp_path / "two.npz", workers=2)
    np.testing.assert_allclose(shared.scores, table.scores, rtol=1e-4)


def test_threads_of_the_machine_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process computes on one thread like any other worker: with several, sums come in another order."""
    monkeypatch.setattr(space_scores, "score_networks", _threads)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        table = score_space(recipe_of(("synflow",)), VECTORS, checkpoint=tmp_path / "scores.npz", workers=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert (table.scores == 1).all()


def _threads(recipe: Recipe, vectors: np.ndarray) -> np.ndarray:
    """In place of scores: how many threads there are."""
    return np.full((len(vectors), len(recipe.proxies)), float(torch.get_num_threads()))


def test_further_networks_and_proxies_join_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.npz"
    first = score_space(recipe_of(("synflow",)), VECTORS[:2], checkpoint=path)
    table = score_space(recipe_of(("naswot",)), VECTORS[2:], checkpoint=path)
    assert table.proxies == ("synflow", "naswot") and len(table.network_ids) == 4
    np.testing.assert_array_equal(table.column("synflow", first.network_ids), first.scores[:, 0])
    assert np.isnan(table.scores).sum() == 4
    computed: list[tuple[str, ...]] = []

    def scores_of(recipe: Recipe, vectors: np.ndarray) -> np.ndarray:
        computed.extend([recipe.proxies] * len(vectors))
        return score_networks(recipe, vectors)

    monkeypatch.setattr(space_scores, "score_networks", scores_of)
    whole = score_space(recipe_of(), VECTORS, checkpoint=path)
    assert sorted(computed) == [("naswot",)] + 3 * [("synflow",)], "each network is scored by what it lacks"
    np.testing.assert_array_equal(whole.scores, score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "u").scores)


def test_an_undefined_score_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recorded, computed once, and the others are scored."""
    scored: list[int] = []

    def some_undefined(recipe: Recipe, vectors: np.ndarray) -> np.ndarray:
        scored.extend(SPACE.network_id(vectors))
        found = score_networks(recipe, vectors)
        found[SPACE.network_id(vectors) == NETWORKS[1], 0] = np.nan
        return found

    monkeypatch.setattr(space_scores, "score_networks", some_undefined)
    table = score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "t.npz")
    assert np.isnan(table.scores).sum() == 1 and table.undefined[1, 0] and table.complete("synflow")
    assert sorted(scored) == NETWORKS.tolist()
    again = score_space(recipe_of(("snip",)), VECTORS, checkpoint=tmp_path / "t.npz")
    assert again.undefined[1].tolist() == [True, False, True] and again.undefined.sum() == 2
    scored.clear()
    score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "t.npz")
    assert scored == []


def test_a_table_of_an_earlier_formula_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_space(recipe_of(("naswot",)), VECTORS[:1], checkpoint=tmp_path / "t.npz")
    revised = replace(PROXIES["naswot"], revision=2)
    monkeypatch.setattr("hwnas.proxies.recipes.get_proxy", lambda name: revised if name == "naswot" else PROXIES[name])
    with pytest.raises(DataError, match=r"with naswot \{'revision': 2\} to go on with .* got one with"):
        score_space(recipe_of(("naswot",)), VECTORS[:1], checkpoint=tmp_path / "t.npz")
    other = score_space(recipe_of(("synflow",)), VECTORS[:1], checkpoint=tmp_path / "t.npz")
    assert other.proxies == ("naswot", "synflow")
    table = score_space(recipe_of(("naswot",)), VECTORS[:1], checkpoint=tmp_path / "new.npz")
    assert table.recipe["constants"] == {"naswot": {"revision": 2}}


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    score_space(recipe_of(), VECTORS[:1], checkpoint=tmp_path / "t.npz")
    before = (tmp_path / "t.npz").read_bytes()
    with pytest.raises(DataError, match=r"expected a table with seed 1 .* got one with 0; give another --out"):
        score_space(recipe_of(seed=1), VECTORS[:1], checkpoint=tmp_path / "t.npz")
    assert (tmp_path / "t.npz").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="folders have other permissions there")
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    def never(done: int, total: int) -> None:
        raise AssertionError("it began to score")

    with pytest.raises(DataError, match="expected to write"):
        score_space(recipe_of(), VECTORS, checkpoint=tmp_path / "file" / "t.npz", progress=never)


def test_a_network_without_a_path() -> None:
    scores = score_networks(
        recipe_of(("zen", "naswot", "synflow", "grad_norm", "snip")), np.zeros((1, 6), dtype=np.int8)
    )[0]
    assert scores.tolist() == [-np.inf, -np.inf, -np.inf, 0, 0]


def test_facts_tell_images_apart() -> None:
    facts = recipe_of().facts()
    assert facts == recipe_of().facts()
    assert facts["images_sha256"] != recipe_of(seed=1).facts()["images_sha256"]
    assert facts["images"] == "4 images of standard normal noise with random labels"
