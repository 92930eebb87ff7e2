"""DARTS: published networks and their parameters, identical networks by brute force, the module beside its graph."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import DARTS, get_space
from hwnas.spaces.darts_cells import (
    CELL_CHOICES,
    NODES,
    OPERATIONS,
    PAIRS,
    cell_edges,
    cells_of_edges,
    depths,
    smallest_order,
)
from hwnas.spaces.drawings import drawing
from hwnas.testing import SpaceContract

SPACE = DARTS()
# The cells that four papers found, as their authors' code writes them.
PUBLISHED = {
    "DARTS_V1": "DARTS_V1 = Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], "
    "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 0), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], "
    "reduce_concat=[2, 3, 4, 5])",
    "DARTS_V2": "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])",
    "PDARTS": "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0),('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3',0), ('dil_conv_5x5', 4)], normal_concat=range(2, 6), "
    "reduce=[('avg_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), "
    "('max_pool_3x3', 0), ('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], reduce_concat=range(2, 6))",
    "PC_DARTS_cifar": "Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), "
    "('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], "
    "normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), "
    "('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], "
    "reduce_concat=range(2, 6))",
}
VECTORS = SPACE.parse(list(PUBLISHED.values()))
V2 = VECTORS[1]


class TestContract(SpaceContract):
    space = SPACE


def test_size_is_that_of_the_paper() -> None:
    """Section 3.1: of k + 1 earlier outputs two, of seven operations two, four nodes, two cells."""
    assert SPACE.size == math.prod(math.comb(k + 1, 2) * 7**2 for k in range(1, 5)) ** 2 == 1_076_746_950_455_072_400


def test_published_parameters() -> None:
    """The authors' code prints 3.349 M and 4.719 M for the second-order cells; tables 1 and 2 of the other papers."""
    cifar, imagenet = (SPACE.counts(VECTORS, dataset=dataset)["params"] / 1e6 for dataset in SPACE.datasets)
    assert (round(cifar[1], 3), round(imagenet[1], 3)) == (3.349, 4.719)
    np.testing.assert_allclose(cifar[2:], [3.4, 3.6], atol=0.05)
    np.testing.assert_allclose(imagenet[2:], [4.9, 5.3], atol=0.05)


def test_published_multiply_adds() -> None:
    """Of P-DARTS and PC-DARTS on ImageNet within 3 %: the papers do not say how they count."""
    np.testing.assert_allclose(SPACE.counts(VECTORS[2:], dataset="imagenet")["macs"], [557e6, 586e6], rtol=0.03)


def test_forms_lead_back() -> None:
    assert SPACE.strings(V2[None]) == [
        "sep3@0+sep3@1-sep3@0+sep3@1-skip@0+sep3@1-skip@0+dil3@2_max3@0+max3@1-max3@1+skip@2-max3@0+skip@2-max3@1+skip@2"
    ]
    vectors = SPACE.sample(200, seed=4)
    genotypes = SPACE.genotypes(vectors)
    np.testing.assert_array_equal(SPACE.parse(genotypes), vectors)
    np.testing.assert_array_equal(SPACE.parse([text.replace("'", '"') for text in genotypes]), vectors)
    assert SPACE.parse([]).shape == (0, 22) and SPACE.strings(V2[None][:0]) == SPACE.genotypes(V2[None][:0]) == []


def test_what_a_genotype_says_is_what_the_graph_does() -> None:
    """Operations and inputs of the fourth normal cell of DARTS_V2, read from its operators."""
    graph = SPACE.graph(V2, dataset="cifar10")
    operators = {operator.name: operator for operator in graph.operators}
    inner = ["cells.3.preprocess0.op.2", "cells.3.preprocess1.op.2", *(f"cells.3.node{node}" for node in range(4))]
    for number, (operation, source) in enumerate(eval(PUBLISHED["DARTS_V2"].split("normal=")[1].split(", normal")[0])):
        name = f"cells.3._ops.{number ^ 1 if number == 4 or number == 5 else number}"  # the third node is in reverse
        first = operators[name] if operation == "skip_connect" else operators[f"{name}.op.0"]
        assert first.inputs == (inner[source],)
        assert (f"{name}.op.7" in operators) == operation.startswith("sep")
        if operation.startswith("dil"):
            assert operators[f"{name}.op.1"].attributes["dilation"] == 2
    assert operators["cells.3.concat"].inputs == tuple(inner[2:])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sep3@0+sep3@1", "two cells of 8 operations"),
        ("_".join(["-".join(["sep3@0+sep3@1"] * 3)] * 2), "two cells of 8 operations"),
        ("_".join(["-".join(["sep3@0+sep7@1"] * 4)] * 2), "'sep7' is not known"),
        ("_".join(["-".join(["sep3@0+sep3@2"] * 4)] * 2), "node 0 .* has two different inputs from 0 to 1"),
        ("_".join(["-".join(["sep3@1+skip@1"] * 4)] * 2), "two different inputs"),
        (PUBLISHED["DARTS_V2"].replace("skip_connect", "none"), "'none' is not known"),
        (PUBLISHED["DARTS_V2"].replace("[2, 3, 4, 5]", "[4, 5]"), "is not an architecture"),
        ("", "two cells"),
    ],
)  # fmt: skip
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def test_edges_and_cells() -> None:
    """Every cell of the first two nodes that has two operations alone: 2^4 x 3, all different, all lead back."""
    cells = np.array(
        [
            [a, b, pair, c, d, *[0] * 6]
            for a, b, pair, c, d in itertools.product((0, 3), (0, 3), range(3), (0, 3), (0, 3))
        ],
        dtype=np.int8,
    )
    edges = cell_edges(cells)
    assert len(np.unique(edges, axis=0)) == len(cells) == 48
    np.testing.assert_array_equal(cells_of_edges(edges), cells)
    np.testing.assert_array_equal(cells_of_edges(edges[:, :, ::-1]), cells)
    assert {tuple(pair) for pair in edges[:, 1, :, 1].tolist()} == set(PAIRS[1]) == {(0, 1), (0, 2), (1, 2)}


def orders(edges: list[list[list[int]]]) -> tuple[object, ...]:
    """The edges of a cell, its nodes in the order that gives the smallest: equal where cells are isomorphic."""
    named = []
    for order in itertools.permutations(range(2, 6)):
        names = (0, 1, *order)
        named.append(sorted((order[end], names[start], op) for end, node in enumerate(edges) for op, start in node))
    return tuple(min(named))


def test_identical_networks_by_brute_force() -> None:
    """Cells of two operations, so that many are the same: equal ids where an order makes them the same."""
    rng = np.random.default_rng(0)
    limits = [2 if choice == len(OPERATIONS) else min(choice, 3) for choice in CELL_CHOICES]
    vectors = np.zeros((1500, 22), dtype=np.int8)
    vectors[:, :11] = rng.integers(0, limits, size=(1500, 11))
    ids = SPACE.network_id(vectors)
    forms = [orders(edges) for edges in cell_edges(vectors[:, :11]).tolist()]
    assert len(set(zip(ids.tolist(), forms, strict=True))) == len(set(forms)) == len(set(ids.tolist())) < 1400
    canonical = SPACE.canonical(vectors)
    assert [orders(edges) for edges in cell_edges(canonical[:, :11]).tolist()] == forms
    np.testing.assert_array_equal(SPACE.canonical(canonical), canonical)
    assert (canonical != vectors).any() and not canonical[:, 11:].any()
    assert np.array_equal(smallest_order(vectors[:0, :11]), vectors[:0, :11])


def test_identical_networks_cost_the_same() -> None:
    vectors = SPACE.sample(300, seed=1)
    canonical = SPACE.canonical(vectors)
    assert (canonical != vectors).any(axis=1).mean() > 0.5
    for dataset in SPACE.datasets:
        one, other = (SPACE.counts(rows, dataset=dataset) for rows in (vectors, canonical))
        np.testing.assert_array_equal(one["params"], other["params"])
        np.testing.assert_array_equal(one["macs"], other["macs"])


def test_depths() -> None:
    """DARTS_V2: separable convolutions are two, dilated ones one; the last node reads the first."""
    normal, reduction = depths(cell_edges(V2.reshape(2, 11))).tolist()
    assert normal == [2, 2, 2, 3] and reduction == [0] * 4
    composition = SPACE.composition(V2[None])[0].tolist()
    assert composition == [0, 0, 2, 5, 0, 1, 0, 3, 2.25, 5, 0, 3, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("dataset", "row"), [("cifar10", 0), ("cifar10", 1), ("imagenet", 0)])
def test_shapes_and_counts_are_torchs(dataset: str, row: int) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vector = SPACE.sample(2, seed=6)[row]
    module, graph = SPACE.module(vector, dataset=dataset).eval(), SPACE.graph(vector, dataset=dataset)
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(graph.operators[0].shape))
    assert graph.flops == counter.get_total_flops()
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())
    named = [o for o in graph.operators if o.kind not in ("input", "add", "global_avg_pool", "crop", "concat")]
    assert {o.name: o.shape for o in named} == {o.name: shapes[o.name] for o in named}
    assert len({operator.kind for operator in named}) >= 6


def test_layout_of_the_published_code() -> None:
    """Names and shapes of some weights; cells 6 and 13 of 20 halve the image, the cells after them shrink an input."""
    pytest.importorskip("torch")
    module = SPACE.module(V2, dataset="cifar10")
    shapes = {name: tuple(weight.shape) for name, weight in module.state_dict().items()}
    assert shapes["stem.0.weight"] == (108, 3, 3, 3) and shapes["classifier.weight"] == (10, 576)
    assert shapes["cells.0.preprocess0.op.1.weight"] == (36, 108, 1, 1)
    assert shapes["cells.0._ops.0.op.5.weight"] == (36, 1, 3, 3) and shapes["cells.0._ops.7.op.2.weight"] == (
        36,
        36,
        1,
        1,
    )
    assert [i for i in range(20) if f"cells.{i}.preprocess0.conv_1.weight" in shapes] == [7, 14]
    assert not any(name.startswith(("cells.6._ops.0", "cells.13._ops.1")) for name in shapes)
    assert len(module.blocks) == 20
    skips = SPACE.parse(["_".join(["-".join(["skip@0+skip@1"] * NODES)] * 2)])[0]
    names = SPACE.module(skips, dataset="imagenet").state_dict()
    assert {"stem1.1.weight", "cells.4._ops.0.conv_2.weight", "cells.9._ops.7.bn.weight"} <= set(names)
    assert tuple(names["stem0.3.weight"].shape) == (48, 24, 3, 3) and "cells.3._ops.0.conv_1.weight" not in names


def test_pooling_counts_no_padding() -> None:
    """The average of ones is one at the border too."""
    torch = pytest.importorskip("torch")
    vector = SPACE.parse(["_".join(["-".join(["avg3@0+avg3@1"] * NODES)] * 2)])[0]
    pooling = SPACE.module(vector, dataset="cifar10").cells[0]._ops[0]
    torch.testing.assert_close(pooling(torch.ones(1, 36, 5, 5)), torch.ones(1, 36, 5, 5))


def test_names_and_drawing() -> None:
    assert get_space("DARTS") is get_space("darts-cnn")
    assert SPACE.image_shape("imagenet") == (3, 224, 224) and SPACE.classes("imagenet") == 1000
    lines = {block.name: block for block in drawing(SPACE, V2, dataset="cifar10").blocks}
    assert lines["cells.3"].output == (144, 32, 32) and "3×3 dilated depthwise" in lines["cells.3"].work
    assert "3×3 maximum / 2" in lines["cells.6"].work and lines["cells.6"].output == (288, 16, 16)
