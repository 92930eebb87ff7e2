"""A benchmark of one's own: a space that states its accuracies is compared with the truth and judges proxies."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import hwnas.spaces
from hwnas import metrics
from hwnas.api.accuracy import true_accuracy
from hwnas.api.evaluate import evaluate
from hwnas.api.pareto import pareto
from hwnas.errors import UsageError
from hwnas.spaces import SPACES, Space

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
Percent = Mapping[str, float]
Benchmark = Callable[[Percent], Space]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Benchmark:
    """The 81 networks of the README's space, which state accuracies of their own."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    (tmp_path / "own_benchmark.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("own_benchmark")
    monkeypatch.delitem(sys.modules, "own_benchmark")

    def stating(stated: Percent) -> Space:
        space = type("Stating", (module.Plain,), {"accuracies": lambda _self, _dataset: stated})()
        monkeypatch.setitem(SPACES, space.name, space)
        return space

    return stating


@pytest.fixture
def percent(benchmark: Benchmark) -> dict[str, float]:
    """Accuracies that grow with the parameters, with noise, from the last architecture to the first."""
    space = benchmark({})
    vectors = space.all_vectors()
    params = space.counts(vectors, dataset="cifar10")["params"]
    values = 60 + 20 * params / params.max() + np.random.default_rng(0).normal(size=len(vectors))
    return dict(zip(space.strings(vectors)[::-1], values[::-1].tolist(), strict=True))


def test_accuracies_are_put_in_index_order(benchmark: Benchmark, percent: dict[str, float]) -> None:
    space = benchmark(percent)
    known = true_accuracy(space, "cifar10")
    assert known.vectors is None and known.percent is not None
    assert known.percent.tolist() == [percent[arch] for arch in space.strings(space.all_vectors())]
    assert "that the space states" in known.source


def test_fronts_are_compared_and_proxies_judged(benchmark: Benchmark, percent: dict[str, float]) -> None:
    space = benchmark(percent)
    front = pareto("gtx-1080-ti", space=space.name, proxies=["params"], budget_ms=2.0)
    assert front.front("params").comparison.relative_hypervolume is not None
    assert {net.accuracy_percent for net in front.front("params").nets} <= set(percent.values())
    (task,) = evaluate(space=space.name, proxies=["params"]).tasks
    figures = next(each for each in task.proxies if each.name == "params")
    params = space.counts(space.all_vectors(), dataset="cifar10")["params"]
    expected = metrics.spearman(params.astype(np.float64), np.array(true_accuracy(space, "cifar10").percent))
    assert figures.spearman == pytest.approx(expected, abs=1e-6)


def test_some_accuracies_are_of_some_architectures(benchmark: Benchmark, percent: dict[str, float]) -> None:
    some = dict(list(percent.items())[:50])
    space = benchmark(some)
    known = true_accuracy(space, "cifar10")
    assert known.vectors is not None and space.strings(known.vectors) == list(some)
    nothing = true_accuracy(benchmark({}), "cifar10")
    assert nothing.percent is None and "`accuracies`" in nothing.source


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"1-1-1-1": 101.0}, "from 0 to 100, got 101.0 of 1-1-1-1"),
        ({"1-1-1-1": float("nan")}, "from 0 to 100, got nan"),
        ({"1-1-1-1": 50.0, "0": 60.0}, "some twice under two names"),
    ],
)
def test_what_cannot_be_meant_is_refused(benchmark: Benchmark, stated: Percent, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        true_accuracy(benchmark(stated), "cifar10")
