"""`evaluate`: figures of proxies, against SciPy and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from hwnas.api.columns import ScoreColumn
from hwnas.api.evaluate import evaluate, proxy_figures
from hwnas.cli import main
from hwnas.errors import DataError, UsageError


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
    assert figures.n == 499
    assert figures.spearman == pytest.approx(spearmanr(finite[known], truth[known])[0])
    assert figures.kendall == pytest.approx(kendalltau(finite[known], truth[known])[0])
    assert figures.spearman_top5 == pytest.approx(spearmanr(finite[top], truth[top])[0])
    assert figures.kendall_top5 == pytest.approx(kendalltau(finite[top], truth[top])[0])
    assert figures.picked_percent == pytest.approx(truth[[3, 4]].mean())
    with pytest.raises(UsageError, match="at least 100 scored nets"):
        proxy_figures(ScoreColumn(name="toy", role="proxy", scores=scores[:50], source="made up"), truth[:50])


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_params_on_the_published_accuracies() -> None:
    """Published for CIFAR-100: the number of parameters picks a net of 71.11 %, the best net has 73.51 %."""
    answer = evaluate(dataset="cifar100", proxies=["params"])
    params, flops = answer.proxies
    assert (params.name, flops.name) == ("params", "flops")
    assert params.n == 15625
    assert params.picked_percent == pytest.approx(71.11, abs=0.01)
    assert answer.best_percent == pytest.approx(73.51, abs=0.01)
    assert params.spearman == pytest.approx(0.728, abs=0.001)


@pytest.mark.usefixtures("shipped")
def test_without_truth_it_says_how_to_get_it() -> None:
    with pytest.raises(DataError, match="hwnas data pull nats-bench"):
        evaluate()


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for extra in ([], ["--json"]):
        monkeypatch.setattr("sys.argv", ["hwnas", "evaluate", *extra])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
    shown, _, answer = capsys.readouterr().out.partition("{")
    names = [figures["name"] for figures in json.loads("{" + answer)["proxies"]]
    assert names == ["params", "macs", "flops", "zen", "synflow"]
    assert all(name in shown for name in names)
    assert "\nparams, macs, flops: counted from the architecture as written\n" in shown
    assert "computed by hwnas on made-up images, seed 0\n" in shown and "note:" not in shown


@pytest.mark.data
@pytest.mark.usefixtures("measured")
def test_scores_of_another_data_set_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "scores of cifar10 stand in for cifar100, which is not scored"
    answer = evaluate(dataset="cifar100", proxies=["zen", "synflow", "params"])
    assert [figures.note for figures in answer.proxies] == [note, note, "", ""]
    assert answer.to_dict()["proxies"][0]["note"] == note
    monkeypatch.setattr("sys.argv", ["hwnas", "evaluate", "--dataset", "cifar100", "--proxy", "zen"])
    with pytest.raises(SystemExit):
        main()
    assert f"\nnote: zen: {note}\n" in capsys.readouterr().out
