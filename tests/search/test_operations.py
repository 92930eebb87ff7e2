"""Operation scoring: orders and choices by brute force on made-up scores, supernets against networks of the space."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import InfeasibleError, UnknownNameError, UsageError
from hwnas.search.operations import (
    ORDERS,
    Completions,
    Plan,
    Proposal,
    discretise,
    propose,
    validate,
)
from hwnas.spaces import NASBench201, get_space

WORTH = np.array([[1.0, 5.0, 2.0], [4.0, 3.0, 9.0], [7.0, 0.0, 1.0]])


def additive(weights: np.ndarray, _step: int = 0) -> float:
    """Each operation adds its worth times its weight: without the best one the score is lowest."""
    return float((WORTH * weights).sum())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("perturb", [True, False])
def test_additive_worth_gives_the_best_operation_of_each_edge(order: str, perturb: bool) -> None:
    found = discretise(
        additive, choices=(3, 3, 3), plan=Plan(order=order, perturb=perturb), rng=np.random.default_rng(0)
    )
    assert found.tolist() == [1, 2, 0]


def decided_order(order: str, seed: int = 0) -> list[int]:
    """The edges in the order in which they were decided, seen from the weights that are scored."""
    seen: list[int] = []

    def score(weights: np.ndarray, step: int) -> float:
        done = np.flatnonzero((weights == 1).any(axis=1)).tolist()
        assert len(done) == step
        seen.extend(edge for edge in done if edge not in seen)
        return additive(weights)

    discretise(score, choices=(3, 3, 3), plan=Plan(order=order), rng=np.random.default_rng(seed))
    return seen + [edge for edge in range(3) if edge not in seen]


def test_edges_are_decided_in_the_order_that_was_asked_for() -> None:
    """Edge 1 has the most important operation (9), then 0 and 2; by means of edges 1 (16/3), then equal ones."""
    assert decided_order("fixed") == [0, 1, 2]
    assert {tuple(decided_order("random", seed)) for seed in range(20)} > {(0, 1, 2), (2, 1, 0)}
    for order in ("global-op-once", "global-op-iter"):
        assert decided_order(order) == [1, 2, 0]
    for order in ("global-edge-once", "global-edge-iter"):
        assert decided_order(order)[0] == 1
    with pytest.raises(UnknownNameError, match="order of edges 'rando' is not known"):
        Plan(order="rando")


def test_how_often_the_supernet_is_scored() -> None:
    """Fixed and random: every operation of every edge once; once: all of them twice; iter: all of what is left."""
    counts = {}
    for order in ORDERS:
        calls = []
        discretise(
            lambda weights, _step, calls=calls: calls.append(1) or additive(weights),
            choices=(3, 3, 3),
            plan=Plan(order=order),
            rng=np.random.default_rng(0),
        )
        counts[order] = len(calls)
    assert counts["fixed"] == counts["random"] == counts["joint"] == 9
    assert counts["global-op-once"] == counts["global-edge-once"] == 9 + 6  # the first edge was scored already
    assert counts["global-op-iter"] == counts["global-edge-iter"] == 9 + 6 + 3


def test_weights_of_perturbed_and_of_discretised_edges() -> None:
    for perturb, others in ((True, 1 / 3), (False, 0.0)):
        seen = []
        discretise(
            lambda weights, _step, seen=seen: seen.append(weights) or 0.0,
            choices=(3, 3),
            plan=Plan(order="fixed", perturb=perturb),
            rng=np.random.default_rng(0),
        )
        expected = np.full(3, others)
        expected[0] = 0.0 if perturb else 1.0
        assert seen[0][0] == pytest.approx(expected) and seen[0][1] == pytest.approx(np.full(3, 1 / 3))


def test_undefined_scores_are_never_chosen() -> None:
    def score(weights: np.ndarray, _step: int) -> float:
        return np.nan if weights[0, 1] == 0 or weights[1].min() == 0 else additive(weights)

    plan = Plan(order="fixed")
    assert discretise(score, choices=(3, 3, 3), plan=plan, rng=np.random.default_rng(0)).tolist() == [2, 0, 0]
    vanishing = discretise(
        lambda weights, _step: -np.inf if weights[0, 2] == 0 else 1.0,
        choices=(3, 3),
        plan=plan,
        rng=np.random.default_rng(0),
    )
    assert vanishing[0] == 2  # without it nothing is left: it is the most important
    with pytest.raises(UsageError, match="same number of operations"):
        discretise(score, choices=(3, 2), plan=plan, rng=np.random.default_rng(0))


def test_completions_are_those_of_brute_force() -> None:
    space = NASBench201()
    vectors = space.all_vectors()
    macs = space.counts(vectors, dataset="cifar10")["macs"][:, None].astype(float)
    bound = float(np.quantile(macs, 0.2))
    left = Completions(vectors, macs, (bound,))
    rng = np.random.default_rng(0)
    for _ in range(40):
        decided = np.where(rng.random(6) < 0.6, rng.integers(0, 5, 6), -1)
        decided[edge := int(rng.integers(6))] = -1
        known = decided >= 0
        matching = (vectors[:, known] == decided[known]).all(axis=1)
        for operation in range(5):
            rest = macs[matching & (vectors[:, edge] == operation), 0]
            assert left.allowed(decided, edge)[operation] == (rest.min() <= bound)
    with pytest.raises(InfeasibleError, match="raise one"):
        Completions(vectors, macs, (1.0,))
    with pytest.raises(UsageError, match="costs of each of 15625"):
        Completions(vectors, macs[:3], (1.0,))


def test_proposals_within_a_budget_meet_it() -> None:
    space = NASBench201()
    vectors = space.all_vectors()
    macs = space.counts(vectors, dataset="cifar10")["macs"][:, None].astype(float)
    bound = float(np.quantile(macs, 0.3))
    worth = np.array([0.0, 1.0, 3.0, 5.0, 2.0])
    found = propose(
        lambda number: lambda weights, step: float((weights @ worth).sum()) + 0.1 * number,
        choices=space.choices,
        n=12,
        plan=Plan(),
        seed=0,
        allowed=Completions(vectors, macs, (bound,)).allowed,
    )
    assert sum(proposal.count for proposal in found) == 12 and len(found) > 3
    for proposal in found:
        assert macs[space.index(np.array([proposal.vector]))[0], 0] <= bound
    free = propose(
        lambda _n: lambda weights, _s: float((weights @ worth).sum()), choices=space.choices, n=3, plan=Plan(), seed=0
    )
    assert free == [Proposal(vector=(3,) * 6, count=3)]


def test_joint_choice_is_the_best_sum_by_brute_force() -> None:
    """Of all architectures within the budget; edge after edge spends it too early."""
    space = NASBench201()
    vectors = space.all_vectors()
    macs = space.counts(vectors, dataset="cifar10")["macs"][:, None].astype(float)
    for seed in range(4):
        worth = np.random.default_rng(seed).random((6, 5))
        bound = float(np.quantile(macs, 0.15))
        found = discretise(
            lambda weights, _step, worth=worth: float((weights * worth).sum()),
            choices=space.choices,
            plan=Plan(order="joint"),
            rng=np.random.default_rng(0),
            allowed=Completions(vectors, macs, (bound,)).allowed,
        )
        sums = np.where(macs[:, 0] <= bound, worth[np.arange(6), vectors].sum(axis=1), -1.0)
        assert np.array_equal(found, vectors[sums.argmax()])


def test_validation_sums_scores() -> None:
    three = [Proposal(vector=(number,), count=number + 1) for number in range(3)]
    found = validate(three, np.array([[1.0, 2.0], [5.0, np.nan], [2.0, 1.0]]))
    assert [(proposal.vector[0], proposal.score) for proposal in found] == [(2, 3.0), (0, 3.0), (1, -np.inf)]
    with pytest.raises(UsageError, match="scores of 3 proposals"):
        validate(three, np.zeros((2, 2)))
    with pytest.raises(UsageError, match="at least 1 proposal"):
        propose(lambda _n: additive, choices=(3, 3, 3), n=0, plan=Plan(), seed=0)


def test_a_discretised_supernet_is_the_network() -> None:
    """With the weights of the supernet, a network of the space gives the same logits."""
    torch = pytest.importorskip("torch")
    from hwnas.search.operations.supernets import make_supernet

    space = NASBench201()
    vector = np.array([3, 2, 1, 4, 3, 0], dtype=np.int8)
    supernet = make_supernet(space, dataset="ImageNet16-120", seed=0)
    module = supernet.mixed(np.eye(5)[vector]).eval()
    network = space.module(vector, dataset="ImageNet16-120").eval()
    own = network.state_dict()
    taken = {}
    for name in own:
        parts = name.split(".")
        if parts[0] == "cells" and parts[2] == "layers":
            edge = int(parts[3])
            taken[name] = module.state_dict()[
                ".".join([*parts[:2], "edges", parts[3], "operations", str(vector[edge]), *parts[4:]])
            ]
        else:
            taken[name] = module.state_dict()[name]
    network.load_state_dict(taken)
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(module(x), network(x))
        mixed = supernet.mixed(np.full((6, 5), 0.2))(x)
        assert not torch.allclose(mixed, network(x))
    with pytest.raises(UsageError, match="a space with a supernet"):
        make_supernet(get_space("pit"), dataset="cifar100", seed=0)


def test_the_whole_from_python(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise images, two proposals; within a budget of parameters; the same again with the same seed."""
    pytest.importorskip("torch")
    from hwnas.api.operation_forms import OperationSettings
    from hwnas.api.question import Question
    from hwnas.api.score_operations import score_operations

    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    settings = OperationSettings(plan=Plan(order="fixed", perturb=False), proposals=1, validations=1, batch_size=2)
    found = score_operations(dataset="ImageNet16-120", settings=settings)
    assert found.supernet_scores == 30 and len(found.nets) == 1
    assert found.best.arch.startswith("|") and found.to_dict()["proxy"] == "naswot_eval"
    with pytest.raises(UsageError, match="a proxy that reads a module, got 'flops'"):
        score_operations(proxy="flops", settings=settings)
    with pytest.raises(UsageError, match="proposals of at least 1, got 0"):
        OperationSettings(proposals=0)
    for question, message in {
        Question(space="fbnet", budget_mj=20.0): "a question of nasbench201, .* got one of fbnet",
        Question(dataset="cifar100", budget_mj=20.0): "data set cifar10, as the scores, got one of cifar100",
        Question(objectives=("params",)): "expected a budget .* on tx2, got none",
    }.items():
        with pytest.raises(UsageError, match=message):
            score_operations(settings=settings, within=("tx2", question))
