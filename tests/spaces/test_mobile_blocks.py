"""Closed-form costs of mobile blocks against the same blocks built operator by operator, and in torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwnas.graphs import Graph
from hwnas.spaces import FBNet, OnceForAll, fbnet_layers, ofa_layers
from hwnas.spaces.mobile_blocks import COSTS, Conv, InvertedResidual, block_costs, conv_costs, halved
from hwnas.spaces.mobile_features import chain_graphs, standardised

FUSED = ("input", "batch_norm", "relu", "hard_swish", "hard_sigmoid", "identity")


def costs_of(graph: Graph) -> list[int]:
    """`COSTS` by going through the operators: what is not fused reads its inputs and writes its output."""
    shapes = {operator.name: operator.shape for operator in graph.operators}
    total = dict.fromkeys(COSTS, 0)
    for operator in graph.operators:
        depthwise = operator.kind == "conv" and operator.attributes["groups"] == operator.shape[1]
        total["params"] += operator.params
        total["depthwise_macs" if depthwise else "dense_macs"] += operator.macs
        if operator.kind not in FUSED:
            moved = [operator.shape, *(shapes[name] for name in operator.inputs)]
            total["activations"] += sum(math.prod(shape) for shape in moved)
            total["operators"] += 1
    return list(total.values())


@pytest.mark.parametrize("dataset", FBNet.datasets)
def test_costs_of_fbnet_are_those_of_its_operators(dataset: str) -> None:
    space = FBNet()
    for vector in [*space.sample(5, seed=3), np.full(22, 8, dtype=np.int8)]:
        layers = fbnet_layers.layer_costs(dataset)[np.arange(22), vector].sum(axis=0)
        expected = costs_of(space.graph(vector, dataset=dataset))
        assert (layers + fbnet_layers.fixed_costs(dataset)).tolist() == expected


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_costs_of_ofa_are_those_of_its_operators(width: float) -> None:
    space = OnceForAll(width=width)
    for vector in space.sample(5, seed=3):
        kernels, expansions, resolution = vector[:20], vector[20:40], vector[-1]
        table = ofa_layers.layer_costs(width)[np.arange(20), kernels, expansions, resolution]
        layers = table[space.used(vector[None])[0]].sum(axis=0)
        expected = costs_of(space.graph(vector, dataset="imagenet"))
        assert (layers + ofa_layers.fixed_costs(width)[resolution]).tolist() == expected


@settings(max_examples=20, deadline=None)
@given(
    channels=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)),
    kernel=st.sampled_from([1, 3, 5, 7]),
    stride=st.integers(1, 3),
    size=st.integers(1, 17),
)
def test_convolutions_are_torchs(channels: tuple[int, int, int], kernel: int, stride: int, size: int) -> None:
    torch = pytest.importorskip("torch")
    from hwnas.spaces.mobile_module import conv2d

    groups = channels[2]
    conv = Conv(
        in_channels=groups * channels[0], channels=groups * channels[1], kernel=kernel, stride=stride, groups=groups
    )
    module = conv2d(conv)
    output = module(torch.zeros(1, conv.in_channels, size, size))
    assert output.shape[-1] == halved(np.array([size]), stride)[0]
    params, dense, depthwise, activations, operators = conv_costs(conv, np.array([size]))[0].tolist()
    assert params == module.weight.numel() + 2 * conv.channels
    assert dense + depthwise == output.numel() * module.weight[0].numel() and dense * depthwise == 0
    assert (activations, operators) == (conv.in_channels * size**2 + output.numel(), 1)


def test_a_block_of_mobilenetv2() -> None:
    """24 to 24 channels, expansion 6, 3x3, on 56x56 (Sandler 2018, table 1): h·w·t·c·(c + k² + c) multiply-adds."""
    block = InvertedResidual(in_channels=24, hidden=144, channels=24, kernel=3)
    costs = dict(zip(COSTS, block_costs(block, np.array([56]))[0].tolist(), strict=True))
    assert costs["dense_macs"] + costs["depthwise_macs"] == 56 * 56 * 24 * 6 * (24 + 9 + 24)
    assert block.residual and costs["operators"] == 4


def test_standardised_totals_of_independent_layers() -> None:
    """Over every network of a small space the totals have mean 0 and deviation 1, by enumeration."""
    table = np.random.default_rng(0).integers(1, 100, size=(3, 4, 5))
    choices = np.stack(np.meshgrid(*[range(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    totals = standardised(table[np.arange(3), choices].sum(axis=1), table)
    np.testing.assert_allclose(totals.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(totals.std(axis=0), 1)


def test_chain_graph() -> None:
    """Input, three layers, global node: each feeds the next, and all feed the global node."""
    layers, whole = np.arange(6.0).reshape(1, 3, 2), np.full((1, 5), 9.0)
    graphs = chain_graphs(layers, whole)
    assert graphs.nodes.shape == (1, 5, 2 + 5 + 3)
    np.testing.assert_array_equal(graphs.nodes[0, 1:-1, :2], layers[0])
    np.testing.assert_array_equal(graphs.nodes[0, -1, 2:7], whole[0])
    np.testing.assert_array_equal(graphs.nodes[0, :, 7:].argmax(axis=1), [0, 1, 1, 1, 2])
    edges = {(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 4), (2, 4)}
    assert set(map(tuple, np.argwhere(graphs.adjacency).tolist())) == edges
