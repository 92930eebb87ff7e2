"""The supernet of DARTS: which edges are kept, and networks of the space as its special cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.search.operations import Plan
from hwnas.search.operations.joins import keep_two
from hwnas.spaces import Space, get_space

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("perturb", [True, False])
def test_two_edges_into_each_node_are_kept(perturb: bool) -> None:
    """By brute force on additive worth; edges in no node stay, and so do those of a node with no more than two."""
    worth = np.array([5.0, 1.0, 4.0, 9.0, 2.0, 7.0, 3.0, 8.0])
    decided = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    joins = ((0, 1), (2, 3, 4), (7, 6, 5))
    steps = []

    def score(weights: np.ndarray, step: int) -> float:
        steps.append(step)
        return float(weights.sum(axis=1) @ worth)

    plan = Plan(order="fixed", perturb=perturb)
    found = keep_two(score, decided, operations=3, joins=joins, plan=plan, rng=np.random.default_rng(0))
    assert found.tolist() == [0, 1, 2, 0, -1, 2, -1, 1]
    assert steps == [8, 8, 8, 9, 9, 9]

    def undefined(weights: np.ndarray, step: int) -> float:
        return np.nan if (weights[3].sum() == 0) == perturb else score(weights, step)

    found = keep_two(undefined, decided, operations=3, joins=joins[:2], plan=plan, rng=np.random.default_rng(0))
    assert found[2:5].tolist() == [2, -1, 1], "an edge that cannot be scored is the first to go"


def test_nodes_come_in_a_random_order_where_edges_do() -> None:
    orders = set()
    for seed in range(8):
        seen: list[bool] = []

        def score(weights: np.ndarray, step: int, seen: list[bool] = seen) -> float:
            seen.append(weights[:3].sum() < 3)
            return 0.0

        rng = np.random.default_rng(seed)
        decided = np.zeros(6, dtype=np.int64)
        keep_two(score, decided, operations=2, joins=((0, 1, 2), (3, 4, 5)), plan=Plan(), rng=rng)
        orders.add(tuple(seen[:3]))
    assert orders == {(True,) * 3, (False,) * 3}


def _choices(space: Space, vector: np.ndarray) -> np.ndarray:
    """What a supernet would have to choose for this architecture, from its string."""
    from hwnas.search.operations.darts_supernet import CELL_EDGES
    from hwnas.spaces.darts import SHORT

    chosen = np.full((2, len(CELL_EDGES)), -1)
    for cell, text in enumerate(space.strings(vector[None])[0].split("_")):
        for node, edges in enumerate(text.split("-")):
            for edge in edges.split("+"):
                operation, source = edge.split("@")
                chosen[cell, CELL_EDGES.index((int(source), node))] = SHORT.index(operation)
    return chosen.reshape(-1)


def test_choices_are_architectures() -> None:
    from hwnas.search.operations.darts_supernet import DARTSSupernet

    space = get_space("darts")
    for vector in space.sample(30, seed=0):
        chosen = _choices(space, vector)
        assert [(chosen[list(edges)] >= 0).sum() for edges in DARTSSupernet.joins] == [2] * 8
        assert DARTSSupernet.vector(chosen).tolist() == vector.tolist()
    sizes = [len(edges) for edges in DARTSSupernet.joins]
    assert sizes == [2, 3, 4, 5] * 2 and sum(sizes) == len(DARTSSupernet.choices) == 28


@pytest.mark.parametrize("dataset", ["cifar10", "imagenet"])
def test_a_discretised_supernet_is_the_network(dataset: str) -> None:
    """A network as small as the supernet, with its weights, gives the same logits."""
    from hwnas.search.operations.darts_supernet import CELL_EDGES, CELLS, CHANNELS
    from hwnas.search.operations.supernets import make_supernet
    from hwnas.spaces.darts_cells import cell_edges
    from hwnas.spaces.darts_graph import FORMS, places
    from hwnas.spaces.darts_module import Network

    space = get_space("darts")
    vector = space.sample(1, seed=4)[0]
    form = replace(FORMS[dataset], channels=CHANNELS, cells=CELLS)
    supernet, network = make_supernet(space, dataset=dataset, seed=0), Network(vector, form=form).eval()
    chosen = _choices(space, vector)
    weights = np.where(chosen[:, None] == np.arange(7), 1.0, 0.0)
    module, edges = supernet.mixed(weights).eval(), cell_edges(vector.reshape(2, -1)).reshape(2, 8, 2)
    own, taken = module.state_dict(), {}
    for name in network.state_dict():
        parts = name.split(".")
        if parts[0] == "cells" and parts[2] == "_ops":
            kind = int([place.reduces for place in places(form)][int(parts[1])])
            operation, source = edges[kind, number := int(parts[3])].tolist()
            edge = CELL_EDGES.index((source, number // 2))
            parts = [*parts[:2], "edges", str(edge), "operations", str(operation), *parts[4:]]
        taken[name] = own[".".join(["body", *parts])]
    network.load_state_dict(taken)
    x = torch.randn(2, 3, form.image, form.image)
    with torch.no_grad():
        torch.testing.assert_close(module(x), network(x))
        mixed = supernet.mixed(np.full((28, 7), 1 / 7))(x)
        assert not torch.allclose(mixed, network(x))
    assert len(module.blocks) == CELLS


def test_an_edge_that_was_dropped_is_not_there() -> None:
    """Whatever its operations are: their parameters have no gradient, and its ReLUs see nothing."""
    from hwnas.search.operations.supernets import make_supernet

    supernet = make_supernet(get_space("darts"), dataset="cifar10", seed=0)
    weights = np.full((28, 7), 1 / 7)
    weights[[3, 20]] = 0.0
    module = supernet.mixed(weights)
    module(torch.randn(2, 3, 32, 32)).sum().backward()
    for number, cell in enumerate(module.blocks):
        gone = 20 - 14 if module._reduces[number] else 3
        for edge, mixed in enumerate(cell.edges):
            reached = [parameter.grad is not None for parameter in mixed.parameters()]
            assert reached and all(reached) == (edge != gone) and any(reached) == (edge != gone)


def test_the_whole_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise, with a made-up score; within a budget there is no answer, for want of a list of all networks."""
    from hwnas.api.operation_forms import OperationSettings
    from hwnas.api.question import Question
    from hwnas.api.score_operations import score_operations
    from hwnas.cli.render_operations import print_operations

    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))

    def made_up(_self: object, module: object, _batch: object) -> float:
        """In place of 221 passes: what is mixed by the supernet prefers the operations that come last."""
        mixing = getattr(module, "mixing", [[1.0]])
        return float(sum(number * weight for row in mixing for number, weight in enumerate(row)))

    monkeypatch.setattr("hwnas.api.score_operations._Scores._score", made_up)
    settings = OperationSettings(plan=Plan(order="fixed"), proposals=1, validations=1, batch_size=2)
    found = score_operations("darts", settings=settings)
    space = get_space("darts")
    assert found.best.arch == space.strings(space.parse([found.best.arch]))[0]
    assert found.best.arch.split("_")[0] == "dil5@0+dil5@1-dil5@0+dil5@1-dil5@0+dil5@1-dil5@0+dil5@1"
    assert (found.best.index, found.best.accuracy_percent) == (None, None) and found.best.score is not None
    assert found.supernet_scores == 28 * 7 + 2 * (3 + 4 + 5)
    print_operations(found, as_json=False)
    with pytest.raises(UsageError, match="can all be looked at for a budget"):
        score_operations("darts", settings=settings, within=("gtx-1080-ti", Question(budget_ms=30.0)))
