"""The size space of NATS-Bench: a published network, counts by torch, the module beside its graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwnas.errors import UsageError
from hwnas.spaces import NATSSize, get_space
from hwnas.testing import SpaceContract

SPACE = NATSSize()


class TestContract(SpaceContract):
    space = SPACE


def test_network_twelve_of_the_benchmark() -> None:
    """Its notebooks print channels, parameters, and flops in millions, which count the classifier's ten biases too."""
    vector = SPACE.vector(np.array([12]))
    assert SPACE.strings(vector) == ["8:8:8:16:40"]
    counts = SPACE.counts(vector, dataset="cifar10")
    assert (counts["params"][0], counts["macs"][0] + 10) == (67_378, 7_991_706)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=5, max_size=5), st.sampled_from(SPACE.datasets))
def test_closed_form_is_the_graph(choices: list[int], dataset: str) -> None:
    vector = np.array(choices)
    counts, graph = SPACE.counts(vector[None], dataset=dataset), SPACE.graph(vector, dataset=dataset)
    assert (counts["params"][0], counts["macs"][0]) == (graph.params, graph.macs)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("8:16:24:32", "expected five numbers"),
        ("8:16:24:32:65", "expected channels from 8, 16, .* got 65"),
        ("32768", "0 to 32767, got 32768"),
    ],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def test_names() -> None:
    assert get_space("NATS-sss").name == "nats-size"


def test_cell_graph_is_a_chain_with_the_channels() -> None:
    graphs = SPACE.cell_graphs(SPACE.parse(["8:16:24:32:64"]))
    np.testing.assert_allclose(graphs.nodes[0, 1:6, 5] * 64, [8, 16, 24, 32, 64])
    assert graphs.nodes[0, 1:6, 6:].argmax(axis=1).tolist() == [0, 1, 2, 3, 7]
    assert graphs.nodes[0, :, :5].argmax(axis=1).tolist() == [2, 0, 1, 0, 1, 0, 3, 4]
    assert [np.flatnonzero(row).tolist() for row in graphs.adjacency] == [*([i + 1, 7] for i in range(6)), [7], []]


@pytest.mark.parametrize("dataset", SPACE.datasets)
def test_module_is_the_benchmarks(dataset: str) -> None:
    """Names and shapes as its notebook prints them; a skip is a projection only where channels change."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vector, size = SPACE.parse(["8:8:8:16:40"])[0], 16 if dataset == "ImageNet16-120" else 32
    module, graph = SPACE.module(vector, dataset=dataset, pruned=True).eval(), SPACE.graph(vector, dataset=dataset)
    weights = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert weights["cells.1.conv_a.op.1.weight"] == (8, 8, 3, 3)
    assert weights["cells.3.downsample.1.weight"] == (16, 8, 1, 1)
    assert weights["cells.4.layers.0.op.1.weight"] == (40, 16, 3, 3)
    assert weights["cells.4.layers.3.conv.weight"] == (40, 16, 1, 1)
    assert weights["cells.4.layers.3.bn.running_var"] == (40,)
    assert "cells.2.layers.3.conv.weight" not in weights
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, 3, size, size))
    counts = SPACE.counts(vector[None], dataset=dataset)
    assert counts["flops"][0] == counter.get_total_flops()
    assert counts["params"][0] == sum(parameter.numel() for parameter in module.parameters())
    named = [o for o in graph.operators if o.kind not in ("input", "add", "global_avg_pool")]
    assert {o.name: o.shape for o in named} == {o.name: shapes[o.name] for o in named}
    assert [shapes[f"cells.{i}"][1:3] for i in range(5)] == [
        *((8, size), (8, size // 2), (8, size // 2), (16, size // 4), (40, size // 4)),
    ]
    assert len(module.blocks) == 5
