"""What few-shot models see: which operators run, against a search of paths, and the size of the groups."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.predictors.fewshot_features import (
    UNUSED,
    executions,
    feature_groups,
    feature_scale,
    model_features,
    reaches_output,
)
from hwnas.spaces import SPACES, get_space
from hwnas.spaces.four_node_cells import EDGES

CELLS = get_space("nasbench201")


def executed_by_search(cell: list[int]) -> list[bool]:
    """Edges from whose end a path leads to node 3; none where no path leads from node 0 to node 3."""
    present = [edge for edge, operation in zip(EDGES, cell, strict=True) if operation]

    def leads(start: int) -> bool:
        return start == 3 or any(leads(end) for begin, end in present if begin == start)

    return [bool(operation) and leads(end) and leads(0) for (_, end), operation in zip(EDGES, cell, strict=True)]


def test_reaching_edges_are_those_of_a_search() -> None:
    cells = CELLS.all_vectors()[::7]
    np.testing.assert_array_equal(reaches_output(cells), [executed_by_search(cell) for cell in cells.tolist()])


def test_pruned_counts_and_unused_ones_add_up_to_those_as_written() -> None:
    vectors = CELLS.sample(300, seed=0)
    written, pruned = (feature_groups(CELLS, vectors, execution) for execution in executions(CELLS))
    np.testing.assert_array_equal(written["counts"], pruned["counts"] + pruned[UNUSED][:, 1:])
    assert not written[UNUSED].any() and (pruned["counts"] <= written["counts"]).all()
    np.testing.assert_array_equal(written["counts"], [[(row == op).sum() for op in range(1, 5)] for row in vectors])


@pytest.mark.parametrize("name", sorted(SPACES))
def test_groups_have_one_size(name: str) -> None:
    """The squares of a group's columns add up to 1 for an average network; the constant is 1."""
    space = get_space(name)
    vectors = space.sample(min(400, space.size), seed=0)
    groups = [feature_groups(space, vectors, execution) for execution in executions(space)]
    scale = feature_scale(*groups)
    features = model_features(space, vectors, scale)
    assert features.shape == (len(groups), len(vectors), len(scale.group)) and (features[:, :, 0] == 1).all()
    for number, group in enumerate(scale.names):
        columns = features[-1 if group == UNUSED else 0][:, scale.group == number]
        assert np.mean((columns**2).sum(axis=1)) == pytest.approx(1.0, rel=1e-6), group


@pytest.mark.parametrize("name", sorted(SPACES))
def test_networks_do_not_depend_on_each_other(name: str) -> None:
    space = get_space(name)
    vectors = space.sample(30, seed=1)
    scale = feature_scale(*(feature_groups(space, vectors, execution) for execution in executions(space)))
    together = model_features(space, vectors, scale)
    np.testing.assert_allclose(model_features(space, vectors[3:4], scale), together[:, 3:4], rtol=1e-6, atol=1e-9)


def test_nothing_in_nothing_out() -> None:
    vectors = CELLS.sample(30, seed=1)
    scale = feature_scale(*(feature_groups(CELLS, vectors, execution) for execution in executions(CELLS)))
    assert model_features(CELLS, vectors[:0], scale).shape == (2, 0, len(scale.group))


def test_vectors_of_another_space_are_refused() -> None:
    with pytest.raises(UsageError, match="shape"):
        feature_groups(CELLS, np.zeros((2, 22), dtype=np.int8), "as written")
