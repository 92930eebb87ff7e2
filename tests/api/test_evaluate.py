"""`evaluate`: figures of proxies, against SciPy and by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from hwnas import proxy_pictures, rankings
from hwnas.api.accuracy import true_accuracy
from hwnas.api.columns import ScoreColumn
from hwnas.api.evaluate import evaluate, neighbour_rows, over_tasks, proxy_figures
from hwnas.api.evaluate_forms import EvaluateResult, TaskFigures
from hwnas.cli import main
from hwnas.errors import AbsentError, DataError, UnknownNameError, UsageError
from hwnas.proxies import table as tables
from hwnas.proxies.table import empty_table, scores_path
from hwnas.proxy_pictures import _in_order, evaluation_picture
from hwnas.spaces import get_space


def test_figures_are_those_of_scipy_and_the_pick_is_the_best_score() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    scores = truth + rng.normal(size=500)
    scores[[3, 4]] = 100.0  # two nets share the highest score
    scores[7], scores[8] = np.nan, -np.inf
    figures = proxy_figures(ScoreColumn(name="toy", role="proxy", scores=scores, source="made up"), truth)
    known = ~np.isnan(scores)
    finite = np.where(np.isinf(scores), -1e9, scores)
    top = known & (truth >= np.quantile(truth[known], 0.95))
    tenth = known & (truth >= np.quantile(truth[known], 0.90))
    assert figures.n == 499
    assert figures.spearman == pytest.approx(spearmanr(finite[known], truth[known])[0])
    assert figures.kendall == pytest.approx(kendalltau(finite[known], truth[known])[0])
    assert figures.spearman_top5 == pytest.approx(spearmanr(finite[top], truth[top])[0])
    assert figures.kendall_top5 == pytest.approx(kendalltau(finite[top], truth[top])[0])
    assert figures.picked_percent == pytest.approx(truth[[3, 4]].mean())
    assert figures.spearman_top10 == pytest.approx(spearmanr(finite[tenth], truth[tenth])[0])
    assert figures.overlap_top10 == pytest.approx(rankings.top_overlap(scores[known], truth[known]))
    with pytest.raises(UsageError, match="at least 10 scored nets"):
        proxy_figures(ScoreColumn(name="toy", role="proxy", scores=scores[:8], source="made up"), truth[:8])


def test_figures_over_too_few_nets_are_not_given() -> None:
    """Of 100 nets the best 5 % are five: no correlation; the best 10 % are ten."""
    truth = np.arange(100.0)
    figures = proxy_figures(ScoreColumn(name="toy", role="proxy", scores=-truth, source="made up"), truth)
    assert figures.spearman == figures.spearman_top10 == -1
    assert math.isnan(figures.spearman_top5) and math.isnan(figures.hits_first64)
    assert figures.to_dict()["spearman_top5"] is None


def test_baselines_beside_a_sample_are_those_over_its_nets() -> None:
    rng = np.random.default_rng(0)
    truth, params, flops = rng.normal(size=(3, 200))
    scores = np.where(np.arange(200) < 60, truth + rng.normal(size=200), np.nan)
    flops[:55] = np.nan
    column = ScoreColumn(name="toy", role="proxy", scores=scores, source="made up", note="beware")
    figures = proxy_figures(column, truth, baselines={"params": params, "flops": flops})
    expected = spearmanr(params[:60], truth[:60])[0]
    assert figures.params_spearman == pytest.approx(expected)
    assert math.isnan(figures.flops_spearman), "it counts five of these nets"
    assert figures.note == f"beware; over the same 60 nets rho is {expected:.3f} by params"
    assert figures.to_dict()["params_spearman"] == figures.params_spearman
    whole = proxy_figures(replace(column, scores=truth), truth, baselines={"params": params})
    assert whole.params_spearman == pytest.approx(spearmanr(params, truth)[0]) and whole.note == "beware"
    assert math.isnan(proxy_figures(column, truth).params_spearman)


def test_neighbours_differ_in_one_position() -> None:
    space = get_space("nasbench201")
    vectors = space.sample(12000, seed=0)
    rows = neighbour_rows(space, vectors)
    assert rows is not None and rows.shape == (12000, 24)
    for row in (0, 77, 11999):
        found = {tuple(vectors[i]) for i in rows[row] if i >= 0}
        among = {tuple(vector) for vector in vectors}
        assert found == {tuple(vector) for vector in space.neighbours(vectors[row])} & among
    assert neighbour_rows(space, vectors[:50]) is None  # hardly any neighbour is among fifty


class Wide(type(get_space("nats-size"))):  # type: ignore[misc]
    """Two positions of a hundred choices, more than an int8 holds when a step is added."""

    choices = (100, 100)


def test_neighbours_where_choices_are_many() -> None:
    space = Wide()
    vectors = space.all_vectors()
    rows = neighbour_rows(space, vectors)
    assert rows is not None and rows.shape == (10_000, 198) and rows.min() >= 0
    for row in (0, 77, 9_999):
        assert {tuple(vectors[i]) for i in rows[row]} == {tuple(vector) for vector in space.neighbours(vectors[row])}


def test_a_list_of_models_has_no_neighbourhoods() -> None:
    space = get_space("imagenet-models")
    assert neighbour_rows(space, space.all_vectors()) is None


def test_over_tasks_takes_the_proxies_that_every_task_has() -> None:
    def task(name: str, **rho: float) -> TaskFigures:
        truth = np.arange(50.0)
        columns = [
            ScoreColumn(name=proxy, role="proxy", scores=truth * value, source="") for proxy, value in rho.items()
        ]
        figures = tuple(proxy_figures(column, truth) for column in columns)
        nothing = np.eye(len(columns))
        return TaskFigures(
            space="s",
            dataset=name,
            accuracy_source="",
            best_percent=1.0,
            proxies=figures,
            correlations=nothing,
            compared=50,
        )

    over = over_tasks([task("a", good=1.0, bad=-1.0, rare=1.0), task("b", good=1.0, bad=-1.0)])
    assert over.proxies == ("good", "bad") and over.mean_rank == (1, 2) and over.tasks == ("s/a", "s/b")
    assert over.profile[0][0] == 100 and over.profile[1][-1] == 0


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_params_on_the_published_accuracies() -> None:
    """Published for CIFAR-100: the number of parameters picks a net of 71.11 %, the best net has 73.51 %."""
    (task,) = evaluate(dataset="cifar100", proxies=["params"]).tasks
    params, flops = task.proxies
    assert (params.name, flops.name) == ("params", "flops")
    assert params.n == 15625
    assert params.picked_percent == pytest.approx(71.11, abs=0.01)
    assert task.best_percent == pytest.approx(73.51, abs=0.01)
    assert params.spearman == pytest.approx(0.728, abs=0.001)
    # A random neighbour is the best of 24 once in 24, hardly ever more, as no two accuracies are equal.
    assert params.best_neighbour_chance == pytest.approx(100 / 24, rel=0.01)


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_each_network_once() -> None:
    """With the mean accuracy of its twins and the parameters of the network alone, against SciPy on the public file."""
    (task,) = evaluate(dataset="cifar100", proxies=["params"], distinct=True).tasks
    space = get_space("nasbench201")
    percent = true_accuracy(space, "cifar100").percent
    assert percent is not None
    networks: dict[int, list[float]] = {}
    ids = space.canonical_id(space.network_id(space.all_vectors()))
    for network, accuracy in zip(ids.tolist(), percent.tolist(), strict=True):
        networks.setdefault(network, []).append(accuracy)
    smallest = space.counts(space.vector(np.array(list(networks))), dataset="cifar100")["params"]
    means = [float(np.mean(twins)) for twins in networks.values()]
    assert task.proxies[0].n == len(networks) == 7055
    assert task.proxies[0].spearman == pytest.approx(spearmanr(smallest, means)[0])
    assert task.best_percent == pytest.approx(max(means))


@pytest.mark.usefixtures("shipped")
def test_without_truth_it_says_how_to_get_it() -> None:
    with pytest.raises(DataError, match="hwnas data pull nats-bench"):
        evaluate()
    with pytest.raises(UnknownNameError):
        evaluate(space="nasbench2001")


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_a_proxy_that_is_not_scored_is_named() -> None:
    with pytest.raises(DataError, match=r"snip.*hwnas score --all"):
        evaluate(dataset="cifar10", proxies=["snip"])


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--dataset", "cifar10", "--dataset", "cifar100", "--proxy", "params"]
    for extra in ([], ["--json"], ["--out", str(tmp_path / "figures.csv")], ["--out", str(tmp_path / "figures.png")]):
        monkeypatch.setattr("sys.argv", ["hwnas", "proxies", "evaluate", *options, *extra])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        out = capsys.readouterr().out
        if extra == ["--json"]:
            answer = json.loads(out)
            assert answer["tasks"][0]["proxies"][0]["name"] == "params"
            assert answer["over_tasks"]["tasks"] == ["nasbench201/cifar10", "nasbench201/cifar100"]
        else:
            assert "93.76" in out and "over 2 tasks" in out
    assert (tmp_path / "figures.csv").read_text().startswith("space,dataset,name,role,n,spearman")
    assert (tmp_path / "figures.png").read_bytes()[:4] == b"\x89PNG"


@pytest.fixture
def writable(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with the pulled tables, to which a test may write, and no scores."""
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")
    (tmp_path / "tables").symlink_to(measured / "tables")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))


@pytest.mark.data
@pytest.mark.usefixtures("writable")
def test_data_sets_without_scores_are_left_out() -> None:
    """Counts are no scores: they are known everywhere."""
    space = get_space("nasbench201")
    networks = np.unique(space.network_id(space.all_vectors()))
    with pytest.raises(AbsentError, match="expected scores of nasbench201 on cifar10, got none but counts"):
        evaluate(dataset="cifar10")
    table = empty_table(
        {"space": "nasbench201", "dataset": "cifar10", "seed": 0, "images": "made-up images"}, ["zen"], networks
    )
    table.scores[:] = np.random.default_rng(0).normal(size=table.scores.shape)
    table.save(scores_path("nasbench201", "cifar10"))
    for options in ({}, {"proxies": ["zen"]}, {"space": "all"}, {"space": "all", "proxies": ["zen"]}):
        found = evaluate(**options)
        assert [task.name for task in found.tasks] == ["nasbench201/cifar10"] and found.over_tasks is None
    assert [task.name for task in evaluate(space="all", dataset="CIFAR10").tasks] == ["nasbench201/cifar10"]
    with pytest.raises(AbsentError, match="cifar100"):
        evaluate(dataset="cifar100", proxies=["zen"])
    with pytest.raises(UnknownNameError, match="did you mean 'cifar10"):
        evaluate(space="all", dataset="cifar11")


@pytest.mark.data
@pytest.mark.usefixtures("writable")
def test_a_proxy_with_too_few_scores_is_named() -> None:
    space = get_space("nasbench201")
    networks, architectures = np.unique(space.canonical_id(space.network_id(space.all_vectors())), return_counts=True)
    few = networks[architectures == 1][:4]
    table = empty_table(
        {"space": "nasbench201", "dataset": "cifar10", "seed": 0, "images": "made-up images"}, ["zen"], few
    )
    table.scores[:] = 1.0
    table.save(scores_path("nasbench201", "cifar10"))
    with pytest.raises(AbsentError, match="at least 10 nets with known accuracy that 'zen' scores, got 4"):
        evaluate(dataset="cifar10", proxies=["zen"])


@pytest.mark.data
@pytest.mark.usefixtures("writable")
def test_a_proxy_that_is_nowhere_defined_is_named() -> None:
    """It has been scored: to say that it is not would lead in a circle."""
    space = get_space("nasbench201")
    networks = np.unique(space.canonical_id(space.network_id(space.all_vectors())))[:300]
    table = empty_table(
        {"space": "nasbench201", "dataset": "cifar10", "seed": 0, "images": "made-up images"}, ["zen", "snip"], networks
    )
    table.enter(np.arange(300), [0], np.array([np.nan]))
    table.save(scores_path("nasbench201", "cifar10"))
    with pytest.raises(
        AbsentError, match=r"by proxy 'zen' of nasbench201 on cifar10, got undefined ones \(NaN\) for all"
    ):
        evaluate(dataset="cifar10", proxies="zen")
    with pytest.raises(AbsentError, match="proxy 'snip' is not scored"):
        evaluate(dataset="cifar10", proxies=["snip"])


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_one_name_may_stand_alone() -> None:
    (alone,), (listed,) = (evaluate(dataset="cifar100", proxies=p).tasks for p in ("params", ["params"]))
    assert [figures.to_dict() for figures in alone.proxies] == [figures.to_dict() for figures in listed.proxies]


def task(*, scored: int = 50, **rho: float) -> TaskFigures:
    """Proxies that order 50 nets as their accuracies do, or the other way; the first of them only `scored` nets."""
    truth = np.arange(50.0)
    scores = [truth * sign for sign in rho.values()]
    scores[0][scored:] = np.nan
    columns = [
        ScoreColumn(name=name, role="proxy", scores=column, source="") for name, column in zip(rho, scores, strict=True)
    ]
    return TaskFigures(
        space="nasbench201",
        dataset="ImageNet16-120",
        accuracy_source="",
        best_percent=1.0,
        proxies=tuple(proxy_figures(column, truth) for column in columns),
        correlations=np.eye(len(columns)),
        compared=scored,
    )


def test_a_picture_has_the_proxies_of_every_task() -> None:
    tasks = (task(bad=-1.0, good=1.0), task(good=1.0, rare=0.0, bad=-1.0))
    assert _in_order(tasks) == ["rare", "bad", "good"]  # constant scores order nothing
    pytest.importorskip("matplotlib")
    assert evaluation_picture(EvaluateResult(tasks=tasks, over_tasks=over_tasks(tasks)))[:4] == b"\x89PNG"


@pytest.mark.parametrize("several", [False, True])
def test_a_picture_of_few_proxies_is_whole_and_says_over_how_many_nets(
    several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    kept: list[Any] = []

    def draw_alone(draw: Callable[[Any], None], *, size: tuple[float, float], suffix: str) -> bytes:
        kept.append(figures.Figure(figsize=size, layout="constrained"))
        draw(kept[0])
        return suffix.encode()

    monkeypatch.setattr(proxy_pictures, "drawn", draw_alone)
    tasks = (task(scored=30, bad=-1.0, good=1.0),) * (2 if several else 1)
    evaluation_picture(EvaluateResult(tasks=tasks, over_tasks=over_tasks(tasks) if several else None))
    kept[0].canvas.draw()
    bars, heat = kept[0].axes[:2]
    title, bar = heat._left_title.get_window_extent(), heat.child_axes[0].get_tightbbox()
    assert title.x1 <= kept[0].bbox.x1 and title.y0 >= bar.y1, "the title is cut off or runs into the colours"
    names = [label.get_text() for label in bars.get_yticklabels()]
    if several:
        assert names == ["bad", "good"] and "over the nets that a proxy scores" in bars.get_xlabel()
    else:
        assert names == ["bad (30)", "good (50)"] and "over the nets counted beside a proxy" in bars.get_xlabel()
