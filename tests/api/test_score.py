"""Scores of single networks and of spaces: from the table, from counts, or computed, and said which."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwnas.api import computing
from hwnas.api.score import score, score_table
from hwnas.api.score_forms import ScoreSettings, reason_not_finite
from hwnas.errors import MissingExtraError, ProxyError, UnknownNameError, UsageError
from hwnas.proxies import COUNTS, PROXIES, USUAL, usual_proxies
from hwnas.proxies import table as tables
from hwnas.proxies.table import empty_table, load_scores, scores_path
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")
NETWORKS = np.unique(SPACE.network_id(SPACE.all_vectors()))
LEARNED = USUAL
FEW = ScoreSettings(batch_size=4)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and nothing shipped."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "SHIPPED_FOLDER", tmp_path / "shipped")


@pytest.fixture
def table() -> np.ndarray:
    """A table of CIFAR-10 in the cache, made with seed 3."""
    saved = empty_table(
        {"space": "nasbench201", "dataset": "cifar10", "seed": 3, "images": "made-up images"}, LEARNED, NETWORKS
    )
    saved.scores[:] = np.random.default_rng(0).normal(size=saved.scores.shape)
    saved.save(scores_path("nasbench201", "cifar10"))
    return saved.scores


def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_scores_of_a_table(table: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch; equal networks get one score, and their own counts."""
    without_torch(monkeypatch)
    twins = SPACE.index(np.array([[3, 0, 0, 1, 0, 0], [4, 0, 0, 1, 0, 0]]))
    result = score([str(i) for i in twins], settings=ScoreSettings(seed=3))
    assert [column.proxy.name for column in result.columns] == [*COUNTS, *USUAL]
    assert result.network_id[0] == result.network_id[1] and result.index == tuple(twins)
    row = np.searchsorted(NETWORKS, result.network_id[0])
    for column in result.columns:
        if column.kind == "counted":
            assert column.scores[0] > column.scores[1] and "as written" in column.source
        else:
            assert column.scores.tolist() == [table[row, LEARNED.index(column.proxy.name)]] * 2
            assert column.source == "table of nasbench201 on cifar10: made-up images; seed 3"


def test_a_result_shows_itself(table: np.ndarray) -> None:
    result = score([1462, 3], proxies=["zen", "params"], settings=ScoreSettings(seed=3))
    assert repr(result) == str(result) and str(result).startswith("2 networks of nasbench201")
    page = result._repr_html_()
    assert page.startswith('<div class="hwnas-score"><table><caption>2 networks') and "made-up" in page


def test_without_torch_another_data_set_stands_in(table: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    without_torch(monkeypatch)
    result = score(["1462"], dataset="cifar100", proxies=["zen", "params"], settings=ScoreSettings(seed=3))
    zen, params = result.columns
    assert (zen.kind, zen.dataset) == ("table", "cifar10") and "standing in for cifar100" in zen.source
    assert params.dataset == "cifar100"
    with pytest.raises(MissingExtraError, match=r"hwnas\[torch\]"):
        score(["1462"], proxies=["zen"], settings=ScoreSettings(seed=4))
    with pytest.raises(MissingExtraError):
        score(["1462"], proxies=["zen"], settings=ScoreSettings(seed=3), fresh=True)
    with pytest.raises(MissingExtraError):
        score_table()


@pytest.mark.parametrize("settings", [ScoreSettings(seed=0, batch_size=64), ScoreSettings(seed=3, batch_size=4)])
def test_a_table_of_another_recipe_is_not_used(table: np.ndarray, settings: ScoreSettings) -> None:
    pytest.importorskip("torch")
    result = score(["25"], proxies=["synflow"], settings=settings)
    assert result.columns[0].kind == "computed" and "computed now" in result.columns[0].source


def test_computed_is_what_the_table_of_the_space_gets(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    settings = ScoreSettings(batch_size=4, limit=3, workers=1)
    saved = score_table(dataset="ImageNet16-120", proxies=["snip", "zen"], settings=settings, out=tmp_path / "t.npz")
    assert saved.path == tmp_path / "t.npz" and len(saved.table.missing) == 0
    networks = saved.table.network_ids
    result = score([str(i) for i in networks], dataset="imagenet16-120", proxies=["snip", "zen"], settings=FEW)
    for column in result.columns:
        expected = load_scores(saved.path).column(column.proxy.name, networks)
        # Threads add in an order of their own: seen up to 0.2 % in gradients of deep networks.
        np.testing.assert_allclose(column.scores, expected, rtol=1e-2)
    assert saved.to_dict()["networks"] == len(networks)
    json.dumps(saved.to_dict(), allow_nan=False)


def test_fresh_scores_pass_over_the_table(table: np.ndarray) -> None:
    pytest.importorskip("torch")
    settings = ScoreSettings(seed=3)
    kinds = [score(["25"], proxies=["synflow"], settings=settings, fresh=f).columns[0].kind for f in (False, True)]
    assert kinds == ["table", "computed"]


def test_the_table_of_a_space_lies_where_it_is_found() -> None:
    pytest.importorskip("torch")
    seen: list[int] = []
    settings = ScoreSettings(batch_size=64, limit=2, workers=1)
    saved = score_table(
        dataset="ImageNet16-120", proxies=["synflow"], settings=settings, progress=lambda done, _: seen.append(done)
    )
    assert saved.path == scores_path("nasbench201", "ImageNet16-120") and saved.path.is_file()
    assert seen == [0, 2]


def test_an_unusual_table_does_not_stand_for_the_usual_one(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    settings = ScoreSettings(batch_size=2, limit=1, workers=1)
    with pytest.raises(UsageError, match="give --out FILE"):
        score_table(dataset="ImageNet16-120", proxies=["synflow"], settings=settings)
    saved = score_table(dataset="ImageNet16-120", proxies=["synflow"], settings=settings, out=tmp_path / "own.npz")
    assert saved.path.is_file()


def test_minus_infinity_is_null_with_a_reason() -> None:
    pytest.importorskip("torch")
    result = score(["0"], dataset="ImageNet16-120", settings=FEW).to_dict()
    (net,) = result["nets"]
    assert net["scores"]["zen"] is net["scores"]["naswot"] is net["scores"]["synflow"] is None
    assert net["scores"]["grad_norm"] == 0
    assert net["reasons"]["synflow"] == "minus infinity: no path leads from the input to the output"
    assert {"zen", "naswot", "synflow", "jacob_cov", "epe_nas"} <= set(net["reasons"])
    json.dumps(result, allow_nan=False)
    zen = PROXIES["zen"]
    assert [reason_not_finite(zen, value)[:9] for value in (1.5, np.nan, np.inf)] == ["", "undefined", "too large"]


def test_it_prints_itself_as_the_command_does() -> None:
    one, two = (score(nets, proxies=["params", "macs"]) for nets in (["1462"], ["1462", "3"]))
    assert str(one).splitlines()[:3] == [
        one.architectures[0],
        "proxy        score  unit",
        "params     400,346  parameters",
    ]
    assert str(one).splitlines()[4] == "Scores on cifar10; higher is better."
    lines = str(two).splitlines()
    assert lines[1].split() == ["net", "params", "macs"] and [line.split()[0] for line in lines[2:4]] == ["1462", "3"]
    assert lines[4:6] == [f"1462: {two.architectures[0]}", f"3: {two.architectures[1]}"]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: score([]), UsageError, "at least one architecture"),
        (lambda: score(["0"], proxies=[]), UsageError, "at least one proxy"),
        (lambda: score(["0"], proxies=["zenn"]), UnknownNameError, "did you mean 'zen'"),
        (lambda: score(["0"], space="nasbench102"), UnknownNameError, "space"),
        (lambda: score(["0"], dataset="cifar1000"), UnknownNameError, "cifar100"),
        (lambda: score(["x"]), UsageError, "not an architecture"),
        (lambda: score_table(proxies=["params"]), UsageError, "'params' is counted"),
        (lambda: ScoreSettings(batch_size=0), UsageError, "batch_size of at least 1, got 0"),
        (lambda: ScoreSettings(workers=0), UsageError, "workers of at least 1"),
        (lambda: ScoreSettings(limit=0), UsageError, "limit of at least 1"),
        (lambda: ScoreSettings(seed=-1), UsageError, "seed of at least 0"),
        (lambda: ScoreSettings(device="tpu"), UsageError, "got 'tpu'"),
    ],
)
def test_wrong_use(call, error: type[Exception], says: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(error, match=says):
        call()


def test_cuda_that_is_not_there() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UsageError, match="expected a CUDA device"):
        score(["0"], proxies=["zen"], settings=ScoreSettings(device="cuda"))


def test_imports_without_torch() -> None:
    code = "import sys, hwnas.api.score, hwnas.api.listings, hwnas.proxies.table, hwnas.testing, hwnas.cli; "
    code += "hwnas.api.score.score(['0'], proxies=['params']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 5, 7}, raising=False)
    assert computing.cores() == 3
    monkeypatch.delattr("os.sched_getaffinity")  # not every system has it
    assert computing.cores() == 8


def test_a_size_that_networks_do_not_take() -> None:
    pytest.importorskip("torch")
    with pytest.raises(
        ProxyError, match=r"networks of pit to run on images of shape \(3, 64, 64\).*leave the size out"
    ):
        score(["0"], space="pit", proxies=["l2_norm", "snip"], settings=ScoreSettings(side=64, batch_size=2))


@pytest.mark.parametrize("space", ["pit", "imagenet-models"])
def test_usual_proxies_are_those_that_networks_of_the_space_can_have(space: str) -> None:
    """Vision transformers have hardly a feature map, named models no graph; what is named is tried, and says so."""
    pytest.importorskip("torch")
    names = {"zen"} | ({"nn_mass", "nn_degree"} if space == "imagenet-models" else {"meco"})
    assert {*usual_proxies(get_space(space))} == {*USUAL} - names
    assert usual_proxies(SPACE) == USUAL
    if space == "imagenet-models":
        with pytest.raises(ProxyError, match="nn_mass reads the operator graph, which imagenet-models does not have"):
            score(["resnet18"], space=space, proxies=["nn_mass"], settings=FEW)
    else:
        with pytest.raises(ProxyError, match="linear_regions expected Network to run on images of 4x4 pixels"):
            score(["0"], space=space, proxies=["linear_regions"], settings=ScoreSettings(batch_size=2))
