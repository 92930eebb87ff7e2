"""Combinations over a space: each network once, beside the definition with SciPy's ranks; and where they lead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

import hwnas
from hwnas.api import evaluate as evaluate_file
from hwnas.api.accuracy import Accuracy
from hwnas.api.columns import find_tables
from hwnas.api.combined import combined
from hwnas.api.evaluate import evaluate
from hwnas.api.methods import look_up
from hwnas.api.objectives import AxisMaker
from hwnas.api.question import Question
from hwnas.api.score import score, score_table
from hwnas.api.score_forms import ScoreSettings
from hwnas.api.scores_on_demand import REFERENCES
from hwnas.devices import get_device
from hwnas.errors import AbsentError, DataError, UsageError
from hwnas.proxies import table as tables
from hwnas.proxies.combinations import COMBINATIONS, get_scorer
from hwnas.proxies.table import ScoreTable, empty_table, scores_path
from hwnas.spaces import get_space
from hwnas.spaces.reference import reference_networks

SPACE = get_space("nasbench201")
VECTORS = SPACE.all_vectors()
IDS = SPACE.network_id(VECTORS)
CANONICAL = SPACE.canonical_id(IDS)
AZ = ("az_expressivity", "az_progressivity", "az_trainability")
SCORED = ("zen", "snip", "synflow", "jacob_cov", "naswot", "naswot_eval", *AZ)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and nothing shipped."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")


def saved(*names: str, dataset: str = "cifar10") -> ScoreTable:
    """A table of the whole space, isomorphic networks alike, with some scores of minus infinity."""
    table = empty_table(
        {"space": "nasbench201", "dataset": dataset, "seed": 0, "images": "made-up images"}, names, np.unique(IDS)
    )
    canonical, rows = np.unique(SPACE.canonical_id(table.network_ids), return_inverse=True)
    for column, name in enumerate(names):
        scores = np.random.default_rng(sum(name.encode())).normal(size=len(canonical))
        scores[:40] = -np.inf
        table.scores[:, column] = scores[rows]
    table.save(scores_path("nasbench201", dataset))
    return table


def by_network(table: ScoreTable, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Canonical ids, and a column for each name: of `flops` that of the network without dead operations."""
    ids = np.unique(CANONICAL)
    counts = SPACE.counts(SPACE.vector(ids), dataset="cifar10")
    columns = [counts[name].astype(float) if name in counts else table.column(name, ids) for name in names]
    return ids, np.stack(columns, axis=1)


def az_nas_by_hand(table: ScoreTable) -> np.ndarray:
    """Of all 15,625 architectures."""
    ids, scores = by_network(table, (*AZ, "flops"))
    assert len(ids) == 7055
    combined = sum(np.log(rankdata(column) / len(column)) for column in scores.T)
    return np.asarray(combined[np.searchsorted(ids, CANONICAL)])


def test_a_column_of_pareto() -> None:
    table = saved(*SCORED)
    result = hwnas.pareto("jetson-tx2", budget_mj=20, proxies=["az_nas", "zen"])
    assert [front.name for front in result.fronts][:4] == ["az_nas", "zen", "params", "flops"]
    np.testing.assert_allclose(result.candidates.scores["az_nas"], az_nas_by_hand(table), rtol=1e-12)
    assert "Lee & Ham 2024" in result.front("az_nas").source and result.front("az_nas").role == "proxy"
    said = "az_nas: sum of the logarithms of the ranks of az_expressivity, az_progressivity, az_trainability, flops"
    assert f"{said}, among 7,055 networks" in result.notes


def test_twins_with_dead_operations_share_their_score() -> None:
    saved(*SCORED)
    scores = hwnas.pareto("jetson-tx2", proxies=["az_nas"]).candidates.scores["az_nas"]
    order = np.argsort(CANONICAL, kind="stable")
    same = np.diff(CANONICAL[order]) == 0
    assert same.sum() == 15_625 - 7055
    assert (np.diff(scores[order])[same] == 0).all() and len(np.unique(scores)) > 5000


def test_auto_is_the_default_where_it_is_scored() -> None:
    saved(*SCORED)
    result = hwnas.pareto("jetson-tx2")
    assert result.fronts[0].name == "auto" and not any("stands in" in note for note in result.notes)


def test_zen_stands_in_for_auto() -> None:
    saved("zen", "snip")
    note = (
        "zen stands in for auto, whose parts are not all scored for nasbench201 on cifar10; "
        "`hwnas score --all --space nasbench201 --dataset cifar10 --proxy auto` scores them"
    )
    for proxies, names in (((), ["zen"]), (["snip", "auto"], ["zen", "snip"]), (["auto", "zen"], ["zen"])):
        result = hwnas.pareto("jetson-tx2", **({"proxies": proxies} if proxies else {}))
        assert [front.name for front in result.fronts if front.role == "proxy"] == names
        assert result.notes[0] == note


def test_flops_stands_in_where_nothing_is_scored() -> None:
    result = hwnas.pareto("jetson-tx2")
    assert [front.name for front in result.fronts if front.role == "proxy"] == ["flops"]
    said = "flops stands in for auto, whose parts are not all scored for nasbench201 on cifar10; `hwnas score --all"
    assert result.notes[0].startswith(said)
    with pytest.raises(DataError, match="proxy 'zen' is not scored"):
        hwnas.pareto("jetson-tx2", proxies=["zen"])


def test_scores_of_another_data_set_stand_in() -> None:
    saved(*SCORED)
    result = hwnas.pareto("jetson-tx2", dataset="cifar100", proxies=["vote"])
    said = "scores of cifar10 stand in for cifar100, which is not scored by synflow, jacob_cov, snip"
    assert any(note.startswith("vote: ") and said in note for note in result.notes)


def test_one_part_of_another_data_set_is_named() -> None:
    saved(*SCORED)
    saved(*(name for name in SCORED if name != "jacob_cov"), dataset="cifar100")
    notes = hwnas.pareto("jetson-tx2", dataset="cifar100", proxies=["vote"]).notes
    assert any("which is not scored by jacob_cov" in note for note in notes)


def test_a_proxy_without_scores_brings_no_other_data_set_in_for_the_rest() -> None:
    saved("zen", "snip")
    saved("snip", dataset="cifar100")
    found = find_tables(SPACE, "cifar100", ["zen", "snip"])
    assert {name: table.recipe["dataset"] for name, table in found.items()} == {"zen": "cifar10", "snip": "cifar100"}


def test_a_part_that_is_not_scored_is_named() -> None:
    saved("zen", "snip", "synflow")
    says = r"proxy 'jacob_cov', a part of 'vote', is not scored .*hwnas score --all .* --proxy vote"
    with pytest.raises(DataError, match=says):
        hwnas.pareto("jetson-tx2", proxies=["vote"])
    with pytest.raises(DataError, match=says):
        score(["7"], proxies=["vote"])


def test_single_networks_rank_among_all() -> None:
    table = saved(*SCORED)
    rows = [0, 1462, 15_624]
    result = score([str(row) for row in rows], proxies=["az_nas", "vote", "zen", "zen+synflow"])
    assert [column.kind for column in result.columns] == ["ranked", "ranked", "table", "ranked"]
    np.testing.assert_allclose(result.columns[0].scores, az_nas_by_hand(table)[rows], rtol=1e-12)
    ids, scores = by_network(table, COMBINATIONS["vote"].components)
    for row, wins in zip(rows, result.columns[1].scores, strict=True):
        mine = scores[ids == CANONICAL[row]]
        balance = np.sign((mine > scores).sum(axis=1) - (mine < scores).sum(axis=1))
        assert wins == (balance == 1).sum() + ((balance == 0).sum() - 1) / 2
    plain = result.to_dict()
    assert plain["proxies"][1] | {"source": ""} == {
        "id": "vote", "direction": "max", "unit": "networks", "kind": "ranked", "dataset": "cifar10", "source": ""
    }  # fmt: skip
    assert "among the 7,055 networks of nasbench201 on cifar10" in plain["proxies"][1]["source"]


@pytest.mark.parametrize("settings", [ScoreSettings(seed=4), ScoreSettings(batch_size=8), ScoreSettings(side=8)])
def test_a_network_computed_anew_has_no_rank(settings: ScoreSettings) -> None:
    saved(*SCORED)
    with pytest.raises(UsageError, match="vote ranks within a table of the space, got other images"):
        score(["7"], proxies=["vote"], settings=settings)


def test_counts_need_no_table() -> None:
    ids = np.unique(CANONICAL)
    counts = SPACE.counts(SPACE.vector(ids), dataset="cifar10")
    expected = sum(rankdata(counts[name]) / len(ids) for name in ("params", "flops"))
    found = score(["5000"], proxies=["params+flops"]).columns[0].scores
    np.testing.assert_allclose(found, expected[ids == CANONICAL[5000]], rtol=1e-12)


def test_a_space_that_cannot_be_enumerated() -> None:
    """Architectures of a table rank among themselves; where nothing may be computed, a single one has no rank."""
    space = get_space("autoformer")
    vectors = space.sample(30, seed=0)
    ids = space.network_id(vectors)
    table = empty_table({"space": space.name, "dataset": space.datasets[0], "seed": 0}, ("zen",), ids)
    table.scores[:, 0] = np.random.default_rng(0).normal(size=len(table.network_ids))
    found = combined(
        get_scorer("zen+flops"), space, space.datasets[0], tables={"zen": table}, vectors=vectors, network_ids=ids
    )
    flops = space.counts(vectors, dataset=space.datasets[0])["flops"]
    expected = (rankdata(table.column("zen", ids)) + rankdata(flops)) / len(vectors)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-12)
    with pytest.raises(
        AbsentError, match=r"zen\+flops ranks among reference networks of autoformer, which are not scored here"
    ):
        score(
            space.strings(vectors[:1]),
            space="autoformer",
            proxies=["zen+flops"],
            settings=ScoreSettings(compute=False),
        )


def test_a_network_of_a_space_without_end_ranks_among_reference_networks() -> None:
    """As the last of them; a network that is written in another way has the same score."""
    space = get_space("fbnet")
    vectors = space.sample(3, seed=0)
    result = score(space.strings(vectors), space="fbnet", proxies=["params+flops", "flops"])
    among = reference_networks(space, dataset="cifar100", n=REFERENCES)
    for vector, found in zip(vectors, result.columns[0].scores, strict=True):
        counts = space.counts(np.vstack([among, space.canonical(vector[None])]), dataset="cifar100")
        expected = sum(rankdata(counts[name])[-1] / (len(among) + 1) for name in ("params", "flops"))
        assert found == pytest.approx(expected, rel=1e-12)
    assert result.columns[0].kind == "ranked" and f"at most {len(among)} reference networks" in result.columns[0].source


def test_it_tells_how_many_reference_networks_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("hwnas.api.scores_on_demand.REFERENCES", 4)
    told: list[tuple[int, int]] = []
    network = get_space("fbnet").strings(get_space("fbnet").sample(1, seed=0))
    result = score(network, space="fbnet", proxies=["nn_degree+flops"], progress=lambda *at: told.append(at))
    assert told[0] == (0, 4) and (4, 4) in told and np.isfinite(result.columns[0].scores).all()


def test_auto_of_a_space_without_end_needs_scores_of_all_its_listed_networks() -> None:
    """A sample would leave most of them out; an undefined score is one all the same."""
    space = get_space("darts")
    vectors = space.sample(20, seed=0)
    maker = AxisMaker(
        device=get_device("titan-rtx"),
        space=space,
        vectors=vectors,
        dataset="cifar10",
        source="auto",
        confidence=None,
        named=False,
    )
    names = [name for name in COMBINATIONS["auto"].components if name not in ("params", "flops")]
    recipe = {"space": "darts", "dataset": "cifar10", "images": "x", "seed": 0}
    table = empty_table(recipe, names, space.network_id(vectors))

    def fronts() -> list[str]:
        table.save(scores_path("darts", "cifar10"))
        return [column.name for column in look_up(Question(space="darts"), maker).columns]

    rng = np.random.default_rng(0)
    for row in range(19):
        table.enter(np.array([row]), range(len(names)), rng.normal(size=len(names)))
    assert fronts() == ["flops", "params"]
    assert "not all scored for darts on cifar10" in look_up(Question(space="darts"), maker).notes[0]
    table.enter(np.array([19]), range(len(names)), np.full(len(names), np.nan))
    assert fronts() == ["auto", "params", "flops"] and look_up(Question(space="darts"), maker).notes == ()


def test_evaluated_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    saved(*SCORED)
    percent = np.random.default_rng(9).uniform(50, 95, len(VECTORS))
    monkeypatch.setattr(evaluate_file, "true_accuracy", lambda _space, _dataset: Accuracy(percent=percent, source="x"))
    names = [figures.name for figures in evaluate(dataset="cifar10").tasks[0].proxies]
    assert {"vote", "az_nas", "auto"} <= set(names) and "te_nas" not in names
    assert "zen+snip" in [f.name for f in evaluate(dataset="cifar10", proxies=["zen+snip"]).tasks[0].proxies]


def test_a_table_for_a_combination_has_its_parts(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    settings = ScoreSettings(batch_size=2, limit=1, workers=1)
    made = score_table(dataset="ImageNet16-120", proxies=["az_nas"], settings=settings, out=tmp_path / "t.npz")
    assert made.table.proxies == AZ
