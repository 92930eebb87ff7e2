"""A proxy of the user's own: kept from others, seeded, and told of where it raises or gives no number."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import ProxyError
from hwnas.proxies import PROXIES, Proxy, score_module
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch, noise_batch  # noqa: E402
from hwnas.proxies.inspection import inspect  # noqa: E402
from hwnas.proxies.networks import score_network  # noqa: E402
from hwnas.proxies.own_score import OwnProxyError  # noqa: E402
from hwnas.proxies.recipes import Recipe, task_of  # noqa: E402
from hwnas.proxies.space_scores import score_space  # noqa: E402

SPACE = get_space("nasbench201")
BATCH = Batch(images=torch.zeros(2, 3, 4, 4), labels=torch.arange(2), source="zeros")


def own(score: Any, name: str = "own", **facts: Any) -> Proxy:
    return replace(PROXIES["l2_norm"], name=name, score=score, **facts)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(32, 2))


def wipe(evidence: Any) -> float:
    for weight in evidence.weights:
        weight.data.zero_()
    for pair in evidence.gradients:
        pair.gradient.zero_()
    return 1.0


def draws(evidence: Any) -> float:
    return float(torch.rand(1)) + float(np.random.rand()) + random.random()


def norm(evidence: Any) -> float:
    return sum(weight.double().norm().item() for weight in evidence.weights)


def test_one_that_writes_changes_neither_the_module_nor_other_scores() -> None:
    writes = own(wipe, "writes", needs=frozenset({"weights", "gradients"}))
    others = [PROXIES["snip"], PROXIES["l2_norm"], own(norm)]
    module = net()
    alone = score_module(module, BATCH, others)
    assert alone["own"] > 0 and alone["snip"] > 0
    assert score_module(module, BATCH, [writes, *others]) == {"writes": 1.0, **alone}
    assert score_module(module, BATCH, [*others, writes]) == {**alone, "writes": 1.0}
    found = score_network(module, BATCH, [writes, *others], inspection=inspect(module, BATCH.images, seed=0))
    assert found.scores == {"writes": 1.0, **alone}


def test_all_evidence_can_be_read() -> None:
    """Whatever the passes gather is handed to one's own proxy as it is to those of hwnas."""
    named = ("params", "flops", "macs")
    proxies = [p for p in PROXIES.values() if p.name not in named and "graph" not in p.needs]
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    module = nn.Sequential(*layers, nn.Linear(4, 2))
    batch = Batch(images=torch.randn(4, 3, 6, 6), labels=torch.arange(4) % 2, source="random")
    scores = score_module(module, batch, proxies)
    copies = score_module(module, batch, [replace(p, name=f"{p.name}_too") for p in proxies])
    np.testing.assert_array_equal(list(copies.values()), list(scores.values()))


def test_what_it_draws_follows_from_the_seed_and_from_nothing_else() -> None:
    once, after = own(draws, "once"), own(draws, "after")
    first = score_module(net(), BATCH, [once, after], seed=1)
    assert first["once"] == first["after"]
    torch.rand(3), np.random.rand(3), random.random()
    state = torch.get_rng_state(), np.random.get_state()[1].tolist()
    module = net()
    torch.set_rng_state(state[0])
    assert score_module(module, BATCH, [after], seed=1)["after"] == first["after"]
    assert score_module(module, BATCH, [after], seed=2)["after"] != first["after"]
    assert np.random.get_state()[1].tolist() == state[1]  # of Python, checks of types draw too
    assert torch.equal(torch.get_rng_state(), state[0])
    found = score_network(module, BATCH, [after], inspection=inspect(module, BATCH.images, seed=0), seed=1)
    assert found.scores == {"after": first["after"]}


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array([2.0]), torch.tensor(2.0), Fraction(2)])
def test_any_number_is_one(value: Any) -> None:
    score = score_module(net(), BATCH, [own(lambda _evidence: value)])["own"]
    assert type(score) is float and score == 2


def test_undefined_and_infinite_scores_stay() -> None:
    assert math.isnan(score_module(net(), BATCH, [own(lambda _evidence: torch.tensor(math.nan))])["own"])
    assert score_module(net(), BATCH, [own(lambda _evidence: -math.inf)])["own"] == -math.inf


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, r"None \(is a `return` missing\?\)"),
        ("2.0", "a str"),
        (torch.ones(2), "a Tensor"),
        (np.ones(2), "a ndarray"),
        (1j, "a complex"),
    ],
)
def test_what_is_no_number(value: Any, got: str) -> None:
    says = f"expected proxy 'own' to return a number, got {got}; mend its `score`"
    with pytest.raises(ProxyError, match=says):
        score_module(net(), BATCH, [own(lambda _evidence: value)])
    module = net()
    found = score_network(
        module, BATCH, [own(lambda _evidence: value)], inspection=inspect(module, BATCH.images, seed=0)
    )
    assert not found.scores and re.fullmatch(says, found.reasons["own"])


def fails(evidence: Any) -> float:
    raise ValueError("my bug")


def test_an_error_is_told_with_its_line() -> None:
    where = r"\(.*test_own_scores\.py:\d+: raise .*\)"
    says = rf"expected a score by proxy 'own', got ValueError: my bug {where}; mend it there"
    with pytest.raises(OwnProxyError, match=says):
        score_module(net(), BATCH, [own(fails)])


def test_one_that_hwnas_raises_says_all_itself() -> None:
    def refuses(evidence: Any) -> float:
        raise ProxyError("expected three, got two")

    with pytest.raises(ProxyError, match=r"^expected three, got two$"):
        score_module(net(), BATCH, [own(refuses)])


def test_the_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_on_the_second(evidence: Any) -> float:
        seen.append(evidence)
        return 1.0 if len(seen) < 2 else fails(evidence)

    seen: list[Any] = []
    monkeypatch.setitem(PROXIES, "own", own(fails_on_the_second))
    batch = noise_batch(task_of(SPACE, "cifar10"), size=2, seed=0)
    recipe = Recipe(space="nasbench201", dataset="cifar10", proxies=("own",), batch=batch)
    vectors = SPACE.vector(np.array([1462, 11700]))
    with pytest.raises(ProxyError, match=r"ValueError: my bug .*; the network is '\|.*~2\|' of nasbench201"):
        score_space(recipe, vectors, checkpoint=tmp_path / "t.npz")
