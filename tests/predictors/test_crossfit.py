"""Cross-fitting end to end on a synthetic device: out of fold, resumable, calibrated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas.predictors.bundle import load_bundle, predict_out_of_fold, save_bundle
from hwnas.predictors.crossfit import crossfit, out_of_fold
from hwnas.predictors.evaluation import default_figures, evaluate
from hwnas.predictors.heads import HeadData
from hwnas.spaces import NASBench201

pytestmark = pytest.mark.usefixtures("quick")


def test_an_interrupted_run_goes_on_and_gives_the_same_result(
    space: NASBench201, costs: np.ndarray, tmp_path: Path
) -> None:
    vectors = space.sample(1600, seed=0)
    costs = costs[space.index(vectors)]
    fold, whole = crossfit(space, vectors, costs, setting="900", folder=tmp_path / "whole")

    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("900-2") and done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crossfit(space, vectors, costs, setting="900", folder=tmp_path / "cut", progress=interrupt)
    assert sorted(path.name for path in (tmp_path / "cut").glob("*/*")) == [
        f"900-{number}-{kind}.safetensors" for number in (0, 1) for kind in ("gcn", "mlp")
    ]
    trained: set[str] = set()
    _, resumed = crossfit(
        space, vectors, costs, setting="900", folder=tmp_path / "cut", progress=lambda what, *_: trained.add(what)
    )
    assert trained == {f"900-{number}-{kind}" for number in (2, 3, 4) for kind in ("gcn", "mlp")}
    for one, other in zip(whole, resumed, strict=True):
        assert one.choice == other.choice
        assert (one.chosen() == other.chosen()).all()

    _check_figures(space, vectors, costs, fold, whole)
    _check_bundle(space, vectors, fold, whole, tmp_path)


def _check_figures(space: NASBench201, vectors: np.ndarray, costs: np.ndarray, fold: np.ndarray, results: list) -> None:
    heads = [
        HeadData(device="a", dataset="d", target="latency", costs=costs[:, 0]),
        HeadData(device="b", dataset="d", target="latency", costs=costs[:, 1]),
    ]
    figures = default_figures(heads, out_of_fold(results), fold)
    for head in heads:
        assert figures[head.id]["spearman"] > 0.97
        assert 80 < figures[head.id]["coverage"] < 98
        assert 80 < figures[head.id]["upper_coverage"] < 98
    compared = evaluate(heads, results, features=space.features(vectors), seed=0)
    assert set(compared["a/d/latency"]) == {"default", "gcn", "mlp", "mean", "boosting"}
    for head in heads:
        assert np.mean(compared[head.id]["default"]["spearman"]) == pytest.approx(
            figures[head.id]["spearman"], abs=1e-4
        )
        assert len(compared[head.id]["boosting"]["median_ape"]) == 5


def _check_bundle(space: NASBench201, vectors: np.ndarray, fold: np.ndarray, results: list, folder: Path) -> None:
    """What is shipped as weights gives what is shipped as predictions."""
    save_bundle(folder, space.name, [result.regressors for result in results])
    bundle = load_bundle(folder, space)
    rows = np.arange(200)
    for head in range(2):
        predicted = predict_out_of_fold(
            bundle,
            vectors[rows],
            fold=fold[rows],
            head=head,
            choice=tuple(result.choice[head] for result in results),
        )
        expected = [results[fold[row]].chosen()[row, head] for row in rows]
        np.testing.assert_allclose(predicted, expected, rtol=1e-5)


def test_another_seed_or_other_costs_train_anew(space: NASBench201, costs: np.ndarray, tmp_path: Path) -> None:
    """Weights of another split must not be taken for this one's: their training nets are its test nets."""
    vectors = space.sample(1300, seed=0)
    own = costs[space.index(vectors)]

    def first_trained(seed: int, values: np.ndarray) -> list[str]:
        trained: list[str] = []

        def stop(what: str, *_: int) -> None:
            trained.append(what)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crossfit(space, vectors, values, setting="900", folder=tmp_path, seed=seed, progress=stop)
        return trained

    crossfit(space, vectors, own, setting="900", folder=tmp_path, seed=0)
    assert first_trained(1, own) == ["900-0-mlp"]
    assert first_trained(0, own * 2) == ["900-0-mlp"]
