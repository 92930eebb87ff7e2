"""`sensitivity`: the same networks under several settings, against scores computed one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from hwnas.cli import main
from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces import get_space

pytest.importorskip("torch")
from hwnas.api import sensitivity as study
from hwnas.api.accuracy import Accuracy


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Accuracies made up from the parameters, batches of two and three images, an empty cache."""
    space = get_space("nasbench201")
    params = space.counts(space.all_vectors(), dataset="cifar10")["params"].astype(np.float64)
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    monkeypatch.setattr(study, "true_accuracy", lambda space, dataset: Accuracy(percent=params / 1e5, source="made up"))
    monkeypatch.setitem(study.VARIED, "batch_size", (2, 3))
    monkeypatch.setitem(study.VARIED, "seed", (0, 1))
    monkeypatch.setitem(study.VARIED, "epochs", (0,))


def test_the_first_value_agrees_with_itself_and_seeds_change_scores() -> None:
    result = study.sensitivity(
        "seed", proxies=["l2_norm", "synflow"], settings=study.SensitivitySettings(nets=12, workers=1)
    )
    assert (result.by, result.values, result.nets) == ("seed", (0, 1), 12)
    for row in result.rows:
        assert row.with_first[0] == 1 and len(row.with_truth) == 2
        assert 0.5 < row.with_first[1] <= 1
    assert {row.proxy for row in result.rows} == {"l2_norm", "synflow"}


def test_correlations_are_those_of_the_saved_scores(tmp_path) -> None:
    from hwnas.proxies.table import load_scores

    result = study.sensitivity("batch_size", proxies=["naswot"], settings=study.SensitivitySettings(nets=10, workers=1))
    tables = [
        load_scores(tmp_path / "scores" / "sensitivity" / f"nasbench201_cifar10_batch_size_{size}.npz")
        for size in (2, 3)
    ]
    scores = [np.nan_to_num(table.scores[:, 0], neginf=-1e9) for table in tables]
    assert result.rows[0].with_first[1] == pytest.approx(spearmanr(*scores)[0])


def test_bad_questions() -> None:
    with pytest.raises(UnknownNameError, match="initialisation"):
        study.sensitivity("initialization")
    with pytest.raises(UsageError, match="at least 10 networks"):
        study.SensitivitySettings(nets=3)
    for name, what in (("auto", "a combination"), ("zen+snip", "a combination"), ("params", "a count")):
        with pytest.raises(UsageError, match=what):
            study.sensitivity("seed", proxies=[name])


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    out = tmp_path / "seeds.png"
    words = ["hwnas", "proxies", "sensitivity", "--nets", "10", "--proxy", "l2_norm", "--workers", "1"]
    for extra in (["--json"], ["--out", str(out)]):
        monkeypatch.setattr("sys.argv", [*words, *extra])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        shown = capsys.readouterr().out
        if extra == ["--json"]:
            assert json.loads(shown)["rows"][0]["with_first"][0] == 1
        else:
            assert "0~1" in shown and out.read_bytes()[:4] == b"\x89PNG"


def test_a_proxy_that_is_nowhere_defined_has_no_correlation() -> None:
    row = study._row("p", [np.full(12, np.nan), np.arange(12.0)], np.arange(12.0))
    assert np.isnan(row.with_truth[0]) and row.with_truth[1] == 1 and np.isnan(row.with_first).all()
