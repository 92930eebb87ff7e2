"""Peak activation memory: by hand, and against an allocator that asks for every tensor."""

from __future__ import annotations

import math

import pytest

from hwnas.api.activation_peaks import activation_peaks
from hwnas.graphs import Graph, Operator
from hwnas.graphs.activations import IN_PLACE, peak_activation_bytes
from hwnas.spaces import FBNet, NASBench201, Space


def _operator(name: str, kind: str, inputs: tuple[str, ...], channels: int) -> Operator:
    return Operator(name=name, kind=kind, inputs=inputs, shape=(1, channels, 2, 2))


def test_a_chain_holds_two_tensors_at_a_time() -> None:
    """3, 8 and 5 channels of 4 pixels: 8 + 5 are the most, the ReLU in between takes no room of its own."""
    chain = (
        _operator("in", "input", (), 3),
        _operator("a", "conv", ("in",), 8),
        _operator("b", "relu", ("a",), 8),
        _operator("c", "conv", ("b",), 5),
    )
    assert peak_activation_bytes(Graph(operators=chain)) == 4 * 4 * (8 + 5)


def test_a_skip_stays_alive_until_it_is_added() -> None:
    """While the branch runs, its start is kept: 6 + 7 + 9 channels; a ReLU beside a skip needs room of its own."""
    operators = (
        _operator("in", "input", (), 6),
        _operator("a", "conv", ("in",), 7),
        _operator("b", "conv", ("a",), 9),
        _operator("c", "conv", ("b",), 6),
        _operator("sum", "add", ("in", "c"), 6),
    )
    assert peak_activation_bytes(Graph(operators=operators)) == 16 * (6 + 7 + 9)
    split = (*operators[:1], _operator("r", "relu", ("in",), 6), _operator("sum", "add", ("in", "r"), 6))
    assert peak_activation_bytes(Graph(operators=split)) == 16 * (6 + 6 + 6)


def test_what_nobody_reads_is_let_go_and_results_are_kept() -> None:
    operators = (
        _operator("in", "input", (), 10),
        *(_operator(name, "conv", ("in",), 100) for name in "abc"),
    )
    assert peak_activation_bytes(Graph(operators=operators)) == 16 * (10 + 100)
    assert peak_activation_bytes(Graph(operators=operators, outputs=("a", "b", "c"))) == 16 * (10 + 300)
    returned = (*operators[:2], _operator("d", "relu", ("a",), 100))
    assert peak_activation_bytes(Graph(operators=returned, outputs=("a", "d"))) == 16 * 200


def _allocated(graph: Graph) -> int:
    """The same by simulation: buffers with owners, freed once nobody reads them any more."""
    buffers: dict[str, tuple[str, int]] = {}
    peak = 0
    for place, operator in enumerate(graph.operators):
        later = {name for other in graph.operators[place + 1 :] for name in other.inputs}
        free = [name for name in operator.inputs if name not in later]
        if operator.kind in IN_PLACE and len(operator.inputs) == 1 and free:
            buffers[operator.name] = buffers.pop(operator.inputs[0])
        else:
            buffers[operator.name] = (operator.name, 4 * math.prod(operator.shape))
            peak = max(peak, sum(dict(buffers.values()).values()))
            for name in free:
                buffers.pop(name, None)
    return peak


@pytest.mark.parametrize("space", [NASBench201(), FBNet()], ids=lambda space: space.name)
def test_networks_against_an_allocator(space: Space, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    vectors = space.sample(4, seed=0)
    found = activation_peaks(space, vectors, space.datasets[0])
    graphs = [space.graph(vector, dataset=space.datasets[0]) for vector in vectors]
    assert found.tolist() == [_allocated(graph) for graph in graphs]
    largest = [max(4 * math.prod(operator.shape) for operator in graph.operators) for graph in graphs]
    assert all(peak >= most for peak, most in zip(found, largest, strict=True))
    assert activation_peaks(space, vectors[:0], space.datasets[0]).shape == (0,)
