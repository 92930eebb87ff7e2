"""`nn_mass` and `nn_degree` beside the closed forms of the paper's own code for dense, residual and mobile networks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.graphs import Graph, GraphBuilder, Operator
from hwnas.proxies import PROXIES
from hwnas.proxies.evidence import Evidence
from hwnas.proxies.skip_cells import SkipCell, skip_cells
from hwnas.spaces import get_space

NB201 = get_space("nasbench201")


def scores(graph: Graph) -> tuple[float, float]:
    evidence = Evidence(graph=graph)
    return PROXIES["nn_mass"].score(evidence), PROXIES["nn_degree"].score(evidence)


def residual_block(widths: list[int], *, projected: bool = False) -> Graph:
    """A stem to widths[0] channels, then a chain of convolutions with one shortcut around it."""
    builder = GraphBuilder()
    start = tensor = builder.conv("stem", builder.image(8), widths[0])
    for number, width in enumerate(widths[1:]):
        tensor = builder.relu_conv_bn(f"layer{number}", tensor, width, kernel=3)
    shortcut = builder.conv("projection", start, widths[-1]) if projected else start
    builder.classifier("head", builder.sum("sum", [shortcut, tensor]), 10, pooling="pool")
    return builder.graph()


@pytest.mark.parametrize("projected", [False, True])
def test_a_basic_block(projected: bool) -> None:
    """inplanes + planes, with and without a projection in the shortcut."""
    assert scores(residual_block([16, 16, 16], projected=projected))[0] == 16 + 16
    assert scores(residual_block([16, 24, 24], projected=True))[0] == 16 + 24


@pytest.mark.parametrize(("outer", "inner"), [(64, 16), (24, 144)])
def test_a_bottleneck_and_an_inverted_residual(outer: int, inner: int) -> None:
    """(in + 2 hidden) in / (2 in + hidden)."""
    expected = (outer + 2 * inner) * outer / (2 * outer + inner)
    assert scores(residual_block([outer, inner, inner, outer]))[0] == pytest.approx(expected)


def dense_block(layers: int, width: int) -> Graph:
    """Every layer reads the outputs of all layers before it, side by side."""
    builder = GraphBuilder()
    outputs = [builder.conv("first", builder.image(8), width)]
    for number in range(1, layers):
        source = outputs[0]
        if len(outputs) > 1:
            source = builder.add(f"concat{number}", "concat", outputs[::-1], (1, width * len(outputs), 8, 8))
        outputs.append(builder.relu_conv_bn(f"layer{number}", source, width, kernel=3))
    builder.classifier("head", outputs[-1], 10, pooling="pool")
    return builder.graph()


def test_a_dense_block_is_full() -> None:
    """Density 1: mass is width times depth, the depth being the layers after the first, from which all others read."""
    cell = next(cell for cell in skip_cells(dense_block(6, 8)) if cell.depth > 1)
    # The paper's count: the k-th layer can read k - 1 earlier outputs beside that of the layer before it.
    assert cell.actual == cell.possible == 8 * sum(k - 1 for k in range(2, 6))
    assert scores(dense_block(6, 8))[0] == 8 * 5


def test_halves_that_are_put_together_are_one_layer() -> None:
    """Two convolutions side by side (a factorised reduction) are no shortcut, and end a cell."""
    builder = GraphBuilder()
    stem = builder.conv("stem", builder.image(8), 8)
    halves = [builder.conv(f"half{i}", stem, 8, stride=2) for i in range(2)]
    both = builder.add("both", "concat", halves, (1, 16, 4, 4))
    tensor = builder.relu_conv_bn("b", builder.relu_conv_bn("a", both, 16, kernel=3), 16, kernel=3)
    builder.classifier("head", builder.sum("sum", [both, tensor]), 10, pooling="pool")
    assert [(cell.depth, cell.actual) for cell in skip_cells(builder.graph())] == [(1, 0), (1, 0), (2, 16), (1, 0)]
    assert scores(builder.graph())[0] == 32


def test_density_of_a_cell() -> None:
    cell = SkipCell(widths=(4, 4, 4), skips={(0, 3): 4, (0, 2): 9})
    assert (cell.depth, cell.possible, cell.actual) == (3, 12, 8)


def test_a_chain_has_no_mass_and_the_degree_of_its_mean_width() -> None:
    builder = GraphBuilder()
    tensor = builder.image(8)
    for number, width in enumerate((5, 7, 12)):
        tensor = builder.relu_conv_bn(f"layer{number}", tensor, width, kernel=3)
    builder.classifier("head", tensor, 10, pooling="pool")
    assert scores(builder.graph()) == (0, (3 + 5 + 7 + 12) / 4)


def test_degree_of_a_block() -> None:
    """Mean width plus shortcut channels over input channels, beside the stem and the head."""
    assert scores(residual_block([16, 16, 16]))[1] == pytest.approx(3 + (16 + 16 / 32) + 16)


def test_more_shortcuts_more_mass() -> None:
    """In a cell of three 3x3 convolutions in a row, each further edge to its end or its second node adds to it."""
    chain, one, two, full = ([3, 0, 3, 0, 0, 3], [3, 0, 3, 1, 0, 3], [3, 1, 3, 1, 0, 3], [3, 1, 3, 1, 1, 3])
    kinds = [
        scores(NB201.graph(np.array(vector, dtype=np.int8), dataset="cifar10")) for vector in (chain, one, two, full)
    ]
    masses, degrees = zip(*kinds, strict=True)
    assert list(masses) == sorted(set(masses)) and list(degrees) == sorted(set(degrees))
    cells = [
        cell for cell in skip_cells(NB201.graph(np.array(full, dtype=np.int8), dataset="cifar10")) if cell.depth == 3
    ]
    assert len(cells) == 15 and all(cell.actual == cell.possible for cell in cells)


def test_dead_operators_and_gates_do_not_count() -> None:
    plain = residual_block([8, 8, 8])
    dead = Operator(
        name="dead",
        kind="conv",
        inputs=("stem",),
        shape=(1, 99, 8, 8),
        attributes={"in_channels": 8, "kernel": 1, "groups": 1},
    )
    with_dead = Graph(operators=(*plain.operators[:-1], dead, plain.operators[-1]))
    assert scores(with_dead) == scores(plain)
    builder = GraphBuilder()
    tensor = builder.conv("stem", builder.image(8), 8)
    gate = builder.conv("squeeze", builder.add("pooled", "global_avg_pool", [tensor], (1, 8, 1, 1)), 4)
    gated = builder.add("gated", "mul", [tensor, builder.conv("expand", gate, 8)], (1, 8, 8, 8))
    builder.classifier("head", gated, 10, pooling="pool")
    assert [cell.depth for cell in skip_cells(builder.graph())] == [1, 1]


def test_no_path_is_minus_infinity() -> None:
    assert scores(NB201.graph(np.zeros(6, dtype=np.int8), dataset="cifar10")) == (-math.inf, -math.inf)


def test_every_space_has_a_score() -> None:
    from hwnas.spaces import SPACES

    for name in SPACES:
        space = get_space(name)
        for vector in space.sample(1, seed=0):
            try:
                graph = space.graph(vector, dataset=space.datasets[0])
            except UsageError:  # a space of modules alone
                continue
            mass, degree = scores(graph)
            assert (mass >= 0 and degree > 0) or (mass, degree) == (-math.inf, -math.inf), name
