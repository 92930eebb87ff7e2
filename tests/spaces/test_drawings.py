"""What pictures of architectures show, held against the graphs and strings of the spaces."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import SPACES, Space, get_space
from hwnas.spaces.drawings import block_list, drawing


@pytest.mark.parametrize("space", SPACES.values(), ids=lambda space: space.name)
def test_the_blocks_add_up_to_the_network(space: Space) -> None:
    vector, dataset = space.sample(1, seed=3)[0], space.datasets[-1]
    shown = drawing(space, vector, dataset=dataset)
    assert (shown.space, shown.dataset, shown.arch) == (space.name, dataset, space.strings(vector[None])[0])
    if not space.has_graphs:
        assert shown.blocks == () and shown.reason is not None and space.name in shown.reason
        return
    graph = space.graph(vector, dataset=dataset)
    assert shown.reason is None
    assert sum(block.params for block in shown.blocks) == graph.params
    assert sum(block.macs for block in shown.blocks) == graph.macs
    assert shown.blocks[0].work == "image" and shown.blocks[0].output == graph.operators[0].shape[1:]
    assert shown.blocks[-1].output == (space.classes(dataset),)
    assert all(block.work for block in shown.blocks)
    assert len(shown.blocks) < 60 <= len(graph.operators), "a list that can be read"


def test_a_cell_is_what_the_benchmark_writes() -> None:
    space = get_space("nasbench201")
    written = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    cell = drawing(space, space.parse([written])[0], dataset="cifar10").cell
    assert cell is not None
    found = {f"{operation}~{start}->{end}" for (start, end), operation in zip(cell.edges, cell.operations, strict=True)}
    nodes = [part.strip("|").split("|") for part in written.split("+")]
    assert found == {f"{word}->{node}" for node, words in enumerate(nodes, 1) for word in words}


def test_operations_are_named_where_choices_are_edges() -> None:
    for space in SPACES.values():
        assert len(space.cell_operations) in (0, *space.choices)
    micro = get_space("transnas-micro")
    cell = drawing(micro, micro.parse(["1_02_333"])[0], dataset="class_scene").cell
    assert cell is not None and cell.operations == (
        *("skip_connect", "none", "nor_conv_1x1"),
        *["nor_conv_3x3"] * 3,
    )


def test_layers_in_words() -> None:
    """Against the published layers: FBNet's inverted residual blocks, ViT's attention, the cells of NATS-Bench."""
    fbnet = get_space("fbnet")
    blocks = block_list(fbnet.graph(np.zeros(22, dtype=np.int8), dataset="cifar100").operators)
    assert [block.work for block in blocks[:3]] == [
        "image",
        "3×3 conv 3→16",
        "1×1 conv 16→16, 3×3 depthwise, 1×1 conv 16→16",
    ]
    assert blocks[-1].work == "linear 1504→100" and blocks[-1].params == 1504 * 100 + 100
    vit = get_space("autoformer")
    first = block_list(vit.graph(vit.sample(1, seed=0)[0], dataset=vit.datasets[0]).operators)
    assert first[1].work.startswith("16×16 conv 3→") and " / 16" in first[1].work
    assert "matmul" in first[2].work and first[2].name == "layers.0"
    size = get_space("nats-size")
    cells = block_list(size.graph(size.vector(np.array([0]))[0], dataset="cifar10").operators)
    # One cell of the five convolutions and one skip that the size space is published with.
    assert cells[2].work == "5 × 3×3 conv 8→8" and cells[2].output == (8, 32, 32)


def test_a_vector_of_another_space_is_refused() -> None:
    with pytest.raises(UsageError, match="choices at position 0"):
        drawing(get_space("nasbench201"), np.full(6, 5), dataset="cifar10")
