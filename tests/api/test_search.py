"""`pareto` by a search: in a space that can be enumerated against its truth, and in one that cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy.stats import rankdata

import hwnas
from hwnas.api.score_forms import ScoreSettings
from hwnas.api.scores_on_demand import Scoring, scores_on_demand
from hwnas.api.searching import SearchOptions, search_each
from hwnas.errors import DataError, ProxyError, UnknownNameError, UsageError
from hwnas.latency import latency_model
from hwnas.outputs import csv_text
from hwnas.proxies.table import load_scores
from hwnas.spaces import FBNet, get_space
from hwnas.spaces.reference import reference_networks


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No tables in the cache: what is shipped answers."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    return tmp_path


def _fbnet(**options: object):
    asked = {"space": "fbnet", "budget_ms": 8.5, "proxies": ["flops"], "nets": 5, "evaluations": 80, **options}
    return hwnas.pareto("titan-rtx", **asked)  # type: ignore[arg-type]


def test_a_search_finds_most_of_what_looking_at_all_finds(empty: Path) -> None:
    """400 of 15,625 architectures, one by one: the best score within the budget is there."""
    options = {"budget_mj": 20, "proxies": ["flops"], "nets": 10, "raw": True}
    every = hwnas.pareto("jetson-tx2", **options).front("flops")  # type: ignore[arg-type]
    found = hwnas.pareto("jetson-tx2", method="nsga2", evaluations=400, **options)  # type: ignore[arg-type]
    front = found.front("flops")
    assert (front.method, every.method) == ("nsga2", "exhaustive")
    assert front.evaluations <= 400 and every.evaluations == 15_625
    assert max(net.score for net in front.nets) >= 0.98 * max(net.score for net in every.nets)
    assert all(net.costs["energy_mj"].mean <= 20 for net in front.nets)
    assert [f.name for f in found.fronts][:3] == ["flops", "params", "random"]
    assert any("found by nsga2" in note for note in found.notes)


def test_two_devices_of_a_space_without_end_at_once(empty: Path) -> None:
    """One front for both, within both budgets, with the intervals of each device's own model."""
    result = _fbnet(objectives=["latency_ms.gtx-1080-ti=12"], evaluations=100)
    ids = ["latency_ms.titan-rtx", "latency_ms.gtx-1080-ti"]
    assert [objective.id for objective in result.objectives] == ids
    nets, space = result.front("flops").nets, FBNet()
    assert 0 < len(nets) <= 5
    for name, device, bound in zip(ids, ("titan-rtx", "gtx-1080-ti"), (8.5, 12.0), strict=True):
        estimate = latency_model(device, space="fbnet", dataset="cifar100").predict(
            space.parse([net.arch for net in nets])
        )
        costs = [net.costs[name] for net in nets]
        np.testing.assert_allclose([cost.mean for cost in costs], estimate.mean, rtol=1e-6)
        np.testing.assert_allclose([cost.upper for cost in costs], estimate.upper, rtol=1e-6)
        assert all(cost.mean <= bound and cost.lower < cost.mean < cost.upper for cost in costs)


@pytest.mark.parametrize("objectives", [["params", "params"], ["latency_ms.titan-rtx"]])
def test_an_objective_given_twice_is_refused_before_the_search(objectives: list[str], empty: Path) -> None:
    """A search that computes scores may take an hour."""
    told: list[object] = []
    with pytest.raises(UsageError, match="expected each objective once"):
        _fbnet(objectives=objectives, progress=lambda name, _at: told.append(name))
    assert not told


def test_the_form_is_that_of_the_main_job(empty: Path) -> None:
    """The schema holds, a csv has its rows, what has no value is null and says why."""
    result = _fbnet()
    plain = json.loads(result.to_json())
    jsonschema.validate(plain, hwnas.json_schema())
    front = plain["fronts"][0]
    assert front["method"] == "nsga2" and front["evaluations"] <= 80
    assert all(net["index"] is None and net["accuracy_percent"] is None for net in front["nets"])
    assert front["comparison"]["relative_hypervolume"] is None
    assert "no front of all of them" in front["comparison"]["reason_if_null"]
    assert [f["name"] for f in plain["fronts"]] == ["flops", "params", "random"]
    assert len(csv_text(result).splitlines()) == 1 + sum(len(f.nets) for f in result.fronts)
    text = str(result)
    assert "flops #1: " in text and "None" not in text
    assert max(map(len, text.split("\n\n")[0].splitlines())) <= 100


@pytest.mark.parametrize("method", ["nsga2", "evolution", "random"])
def test_what_is_over_the_budget_is_not_scored(method: str, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs come first: no score is asked for, none is listed, and the answer says of how many."""
    asked: list[int] = []

    def watched(*arguments: Any, **options: Any):
        scores, source = scores_on_demand(*arguments, **options)
        return lambda vectors: asked.append(len(vectors)) or scores(vectors), source

    monkeypatch.setattr("hwnas.api.methods.scores_on_demand", watched)
    result = _fbnet(method=method)
    scores, within = result.candidates.scores, result.candidates.feasible
    assert not within.all() and np.isnan(scores["flops"][~within]).all()
    assert sum(asked) == sum(int((~np.isnan(scores[name])).sum()) for name in ("flops", "params"))
    assert any("beyond a budget were looked at without a score: flops " in note for note in result.notes)
    assert result.front("flops").nets and result.front("flops").evaluations == 80


def test_minus_infinity_is_less_than_any_score_that_comes_later() -> None:
    """Scores fall as the search goes on; what has none that is finite never comes before them."""
    space, calls = FBNet(), [0]

    def scores(vectors: np.ndarray) -> np.ndarray:
        calls[0] += 1
        return np.where(vectors[:, 0] % 3 == 0, -np.inf, -100.0 * calls[0] - vectors.sum(axis=1))

    def costs(vectors: np.ndarray) -> np.ndarray:
        return np.ones((len(vectors), 1))

    options = SearchOptions(method="nsga2", evaluations=200, patience=None, scoring=ScoreSettings())
    found = search_each(space, costs, (None,), {"falling": scores}, options)["falling"]
    infinite = np.isneginf(found.scores)
    assert infinite[:20].any() and infinite[100:].mean() < infinite[:20].mean()


def test_same_seed_same_front(empty: Path) -> None:
    first, second, other = _fbnet(), _fbnet(), _fbnet(seed=1)
    assert first.to_dict() == second.to_dict() != other.to_dict()


def test_a_budget_holds_at_a_confidence(empty: Path) -> None:
    """The 0.9 quantile of each net is within the budget, not its mean alone."""
    sure = _fbnet(confidence=0.9)
    space = FBNet()
    nets = sure.front("flops").nets
    model = latency_model("titan-rtx", space="fbnet", dataset="cifar100")
    upper = model.predict(space.parse([net.arch for net in nets]), confidence=0.8).upper
    assert upper is not None and (upper <= 8.5).all()


def test_auto_searches_what_cannot_be_listed_and_says_what_stands_in(empty: Path) -> None:
    result = hwnas.pareto("titan-rtx", space="fbnet", evaluations=60, nets=3)
    assert result.fronts[0].name == "flops" and result.fronts[0].method == "nsga2"
    assert any("flops stands in for auto" in note for note in result.notes)
    assert any("asked for by its name, auto computes them" in note for note in result.notes)


def test_a_combination_ranks_each_network_among_reference_networks(empty: Path) -> None:
    """As if it were one more of them: a score does not depend on what else the search has seen."""
    space = FBNet()
    among = reference_networks(space, dataset="cifar100", n=100)
    seen = []
    result = _fbnet(proxies=["params+flops"], progress=lambda name, at: seen.append((name, at)))
    front = result.front("params+flops")
    assert front.role == "proxy" and f"among at most {len(among)} reference networks" in front.source
    assert len(front.nets) == 5 and not any(isinstance(at, Scoring) for _, at in seen)
    for net in front.nets:
        counts = space.counts(np.concatenate([among, space.parse([net.arch])]), dataset="cifar100")
        ranks = [rankdata(counts[name])[-1] for name in ("params", "flops")]
        assert net.score == pytest.approx(sum(ranks) / (len(among) + 1), rel=1e-12)


def test_parts_that_are_computed_are_scored_for_the_reference_networks_first(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search says how far it is, keeps what it computed, and finds the same again without computing."""
    pytest.importorskip("torch")
    monkeypatch.setattr("hwnas.api.scores_on_demand.REFERENCES", 6)
    told: list[tuple[bool, int]] = []

    def tell(_name: str, at: object) -> None:
        if isinstance(at, Scoring):
            told.append((at.reference, at.networks))

    options = {"proxies": ["nn_degree+params"], "evaluations": 24, "nets": 3, "budget_ms": 100}
    first = _fbnet(progress=tell, **options)
    assert list(dict.fromkeys(told)) == [(True, 6), (False, 20), (False, 4)]
    (file,) = (empty / "searches").glob("fbnet_cifar100_*.npz")
    assert load_scores(file).proxies == ("nn_degree",) and len(load_scores(file).network_ids) == 30

    def nothing_left(_recipe: object, todo: list[object], **_: object):
        assert not todo
        yield from ()

    monkeypatch.setattr("hwnas.proxies.space_scores._results", nothing_left)
    assert _fbnet(**options).to_dict() == first.to_dict()


def test_what_a_list_of_networks_has_no_table_of_is_computed_by_a_search(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what is in tables, and compared with the truth; looking at all of them is refused."""
    pytest.importorskip("torch")
    monkeypatch.setattr("hwnas.api.scores_on_demand.REFERENCES", 4)
    options = {"device": "jetson-tx2", "budget_mj": 1000, "evaluations": 24, "nets": 3, "workers": 1}
    names = ["nn_degree+params", "zen", "nn_degree"]
    result = hwnas.pareto(proxies=names, method="random", **options)  # type: ignore[arg-type]
    assert [front.name for front in result.fronts][:5] == [*names[::2], "zen", "params", "flops"]
    for name in names:
        front = result.front(name)
        assert front.evaluations == 24 and front.role == "proxy" and 0 < len(front.nets) <= 3
    assert "reference networks" in result.front(names[0]).source
    (file,) = (empty / "searches").glob("nasbench201_cifar10_*.npz")
    table = load_scores(file)
    looked_at = result.candidates.scores["nn_degree"]
    ids = get_space("nasbench201").network_id(get_space("nasbench201").all_vectors())
    known = ~np.isnan(looked_at)
    assert known.sum() == 24
    np.testing.assert_allclose(looked_at[known], table.column("nn_degree", ids[known]))
    with pytest.raises(DataError, match=r"proxy 'nn_degree', a part of .* is not scored"):
        hwnas.pareto(proxies=names, **options)  # type: ignore[arg-type]


def test_reference_networks_that_nothing_can_be_ranked_among(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("hwnas.api.scores_on_demand.REFERENCES", 4)

    def undefined(recipe: object, todo: list[Any], **_: object):
        yield from ((task, np.full((len(task.ids), 1), np.nan)) for task in todo)

    monkeypatch.setattr("hwnas.proxies.space_scores._results", undefined)
    with pytest.raises(
        ProxyError,
        match=r"expected most reference networks of fbnet to have a score by each of nn_degree, params, got 0 of 4",
    ):
        _fbnet(proxies=["nn_degree+params"])


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"method": "exhaustive"}, UsageError, "all be looked at, got fbnet with 9.8e.20; search it"),
        ({"truths": 30}, UsageError, "can be enumerated to learn accuracies in, got fbnet"),
        ({"accuracies": Path("mine.csv")}, UsageError, "can be enumerated to learn accuracies in, got fbnet"),
        ({"method": "anneal"}, UnknownNameError, "method 'anneal'"),
        ({"proxies": []}, UsageError, "expected at least one proxy"),
    ],
)
def test_what_cannot_be_is_refused(
    empty: Path, options: dict[str, object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        _fbnet(**options)


def test_interrupted_and_resumed_it_ends_with_the_same_front(empty: Path) -> None:
    """Scores are computed with torch and kept: what was scored before the break is not scored again."""
    pytest.importorskip("torch")
    options = {"proxies": ["nn_degree"], "evaluations": 30, "nets": 3, "budget_ms": 100}

    def stop(name: str, at: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _fbnet(progress=stop, **options)
    (file,) = (empty / "searches").glob("fbnet_cifar100_*.npz")
    assert len(load_scores(file).network_ids) == 20
    resumed = _fbnet(**options)
    assert len(load_scores(file).network_ids) == 30
    file.unlink()
    assert _fbnet(**options).to_dict() == resumed.to_dict()


@pytest.mark.slow
def test_one_worker_or_eight_find_the_same_front(empty: Path) -> None:
    pytest.importorskip("torch")
    options = {"proxies": ["naswot"], "evaluations": 60, "nets": 5}
    alone = _fbnet(workers=1, **options)
    (file,) = (empty / "searches").glob("fbnet_cifar100_*.npz")
    one = load_scores(file)
    file.unlink()
    assert _fbnet(workers=8, **options).to_dict() == alone.to_dict()
    eight = load_scores(file)
    np.testing.assert_array_equal(eight.network_ids, one.network_ids)
    np.testing.assert_array_equal(eight.scores, one.scores)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["nsga2", "evolution"])
def test_killed_in_the_middle_it_ends_with_the_same_front(method: str, empty: Path, tmp_path: Path) -> None:
    """The command as a process, killed by a signal that nothing can catch, again and again, until it comes through."""
    pytest.importorskip("torch")
    command = (
        *(sys.executable, "-m", "hwnas", "pareto", "--device", "titan-rtx", "--space", "fbnet", "--budget-ms", "100"),
        *("--proxy", "naswot", "--method", method, "--evaluations", "50", "--nets", "5", "--workers", "2", "--json"),
    )

    def start(cache: Path) -> subprocess.Popen[str]:
        environment = {**os.environ, "HWNAS_DATA": str(cache)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def scored(cache: Path) -> int:
        return sum(len(load_scores(file).network_ids) for file in (cache / "searches").glob("*.npz"))

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    known = 0
    for _ in range(2):
        process = start(killed)
        while scored(killed) <= known and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was done before"
        known = scored(killed)
        assert 0 < known < 50
    answers = []
    for cache in (killed, whole):
        out, err = start(cache).communicate()
        assert err == "" and scored(cache) == 50
        answers.append(json.loads(out))
    assert answers[0] == answers[1]
    fronts = {front["name"]: front for front in answers[0]["fronts"]}
    assert fronts["naswot"]["nets"] and fronts["naswot"]["evaluations"] == 50
