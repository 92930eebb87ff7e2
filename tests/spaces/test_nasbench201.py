"""NAS-Bench-201: conversions, identical networks, counts, all against brute force, torch and published files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces import NASBench201, get_space
from hwnas.spaces.four_node_cells import EDGES
from hwnas.spaces.nasbench201_cells import OPERATIONS
from hwnas.testing import SpaceContract

SPACE = NASBench201()
ALL = SPACE.all_vectors()
# The form of HW-NAS-Bench, written down again from its description.
CODES = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
TUPLE_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


class TestContract(SpaceContract):
    space = SPACE


def test_every_form_leads_back() -> None:
    strings = SPACE.strings(ALL)
    tuples = SPACE.to_tuples(ALL)
    assert len(set(strings)) == len(np.unique(tuples, axis=0)) == 15_625
    np.testing.assert_array_equal(SPACE.parse(strings), ALL)
    np.testing.assert_array_equal(SPACE.from_tuples(tuples), ALL)
    np.testing.assert_array_equal(SPACE.parse([str(tuple(row)) for row in tuples.tolist()]), ALL)
    np.testing.assert_array_equal(SPACE.parse([str(i) for i in range(15_625)]), ALL)


def test_forms_agree_edge_by_edge() -> None:
    """What stands on an edge is the same operation in the string, the vector and the tuple."""
    vector = SPACE.sample(1, seed=5)[0]
    codes = SPACE.to_tuples(vector[None])[0]
    nodes = SPACE.strings(vector[None])[0].split("+")
    for position, (start, end) in enumerate(EDGES):
        in_string = nodes[end - 1].strip("|").split("|")[start].split("~")[0]
        assert in_string == OPERATIONS[vector[position]] == CODES[codes[TUPLE_EDGES.index((start, end))]]


def test_index_zero_of_the_benchmark() -> None:
    published = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    assert SPACE.parse([published]).tolist() == SPACE.parse(["(4, 3, 3, 0, 0, 0)"]).tolist() == [[4, 2, 1, 2, 1, 1]]


def brute_force_network(vector: np.ndarray) -> tuple[int, ...]:
    """The vector without the edges that no path from node 0 to node 3 uses; paths by powers of the adjacency."""
    adjacency = np.zeros((4, 4), dtype=int)
    for (start, end), operation in zip(EDGES, vector, strict=True):
        adjacency[start, end] = operation != 0
    paths = sum(np.linalg.matrix_power(adjacency, length) for length in range(4))
    return tuple(
        int(operation) if operation and paths[0, start] and paths[end, 3] else 0
        for (start, end), operation in zip(EDGES, vector, strict=True)
    )


def test_identical_networks_by_brute_force() -> None:
    ids = SPACE.network_id(ALL)
    assert len(np.unique(ids)) == 9_445
    brute = [brute_force_network(vector) for vector in ALL]
    np.testing.assert_array_equal(SPACE.vector(ids), np.array(brute))
    np.testing.assert_array_equal(SPACE.network_id(SPACE.vector(ids)), ids)
    np.testing.assert_array_equal(SPACE.live(ALL), np.array(brute) != 0)


@pytest.mark.data
def test_published_distinct_networks(mirror: Path) -> None:
    """The published validation accuracies have one key per network: none twice, none missing."""
    with (mirror / "nas-bench-201" / "nb201_val_accs.csv").open() as file:
        keys = [row["net"] for row in csv.DictReader(file)]
    ids = SPACE.network_id(SPACE.parse(keys))
    assert len(keys) == len(np.unique(ids)) == 9_445


@pytest.mark.data
def test_published_files_list_the_same_order(mirror: Path) -> None:
    with (mirror / "nas-bench-201" / "nats_bench.csv").open() as file:
        strings = [row["ArchitectureString"] for row in csv.DictReader(file)]
    with (mirror / "hw-nas-bench" / "hw_cifar10.csv").open() as file:
        tuples = [row["net"] for row in csv.DictReader(file)]
    vectors = SPACE.parse(strings)
    np.testing.assert_array_equal(vectors, SPACE.parse(tuples))
    assert len(np.unique(SPACE.index(vectors))) == 15_625


def test_neighbours_and_samples() -> None:
    vector = ALL[1462]
    distance = (vector != ALL).sum(axis=1)
    assert len(SPACE.neighbours(vector)) == 24
    np.testing.assert_array_equal(np.sort(SPACE.index(SPACE.neighbours(vector))), np.flatnonzero(distance == 1))
    assert len(np.unique(SPACE.index(SPACE.sample(15_625, seed=2)))) == 15_625


@pytest.mark.parametrize("dataset", SPACE.datasets)
def test_counts_are_torchs(dataset: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    size = 16 if dataset == "ImageNet16-120" else 32
    vectors = np.concatenate([SPACE.sample(3, seed=1), np.full((1, 6), 3)])
    counts = SPACE.counts(vectors, dataset=dataset)
    for row, vector in enumerate(vectors):
        module = SPACE.module(vector, dataset=dataset).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(1, 3, size, size))
        assert counts["params"][row] == sum(parameter.numel() for parameter in module.parameters())
        assert counts["flops"][row] == counter.get_total_flops() == 2 * counts["macs"][row]


def test_known_counts() -> None:
    """Figures of the benchmark's paper and API: 0.073306 and 1.531546 million parameters, 7.78 million MACs."""
    counts = SPACE.counts(np.array([[0] * 6, [3] * 6]), dataset="cifar10")
    assert counts["params"].tolist() == [73_306, 1_531_546]
    assert counts["macs"][0] == 7_783_040
    assert SPACE.counts(ALL, dataset="cifar10")["params"].max() == 1_531_546


def test_names() -> None:
    for name in ("nasbench201", "NAS-Bench-201", "nb201", "nats-bench-tss"):
        assert get_space(name).name == "nasbench201"
    with pytest.raises(UnknownNameError, match="did you mean 'nasbench201'"):
        get_space("nasbench101")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("|none~0|", "expected"),
        ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "'conv' is not known"),
        ("(0, 1, 2, 3, 4)", "tuple of six"),
        ("(0, 1, 2, 3, 4, 5)", "0 to 4, got 0 to 5"),
        ("15625", "0 to 15624, got 15625"),
        ("-1", "expected"),
        ("99999999999999999999", "0 to 15624"),
        ("", "expected"),
    ],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def test_vectors_outside() -> None:
    with pytest.raises(UsageError, match="5 choices at position 2, got 7 in row 1"):
        SPACE.index(np.array([[0] * 6, [0, 0, 7, 0, 0, 0]]))
    with pytest.raises(UsageError, match=r"shape \(n, 6\), got \(2, 5\)"):
        SPACE.strings(np.zeros((2, 5), dtype=int))
    with pytest.raises(UsageError, match="15625 architectures, 15626"):
        SPACE.sample(15_626, seed=0)
    with pytest.raises(UsageError, match="0 to 15624, got -1"):
        SPACE.vector(np.array([-1]))


def test_features_say_what_reaches_the_output() -> None:
    """Six blocks of eleven: operation, live, operation where live."""
    dead_edge = np.array([[3, 0, 0, 1, 0, 0]])  # 0→1 leads nowhere
    blocks = SPACE.features(dead_edge).reshape(6, 11)
    assert blocks[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert blocks[3].tolist() == [0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0]


def test_cell_graph_follows_the_edges() -> None:
    """Operation a feeds operation b if, and only if, a ends in the node where b starts."""
    adjacency = SPACE.cell_graphs(ALL[:1]).adjacency
    for a, (_, end) in enumerate(EDGES, start=1):
        assert adjacency[a, 7] == (end == 3) and adjacency[0, a] == (EDGES[a - 1][0] == 0)
        for b, (start, _) in enumerate(EDGES, start=1):
            assert adjacency[a, b] == (end == start)
    assert adjacency[:8, 8].all() and not adjacency[8].any()


def test_isomorphic_networks_share_a_canonical_id() -> None:
    """7,055 classes; each holds its own canonical member, and members have the same operations."""
    ids = np.unique(SPACE.network_id(SPACE.all_vectors()))
    canonical = SPACE.canonical_id(ids)
    assert len(np.unique(canonical)) == 7055
    assert (canonical <= ids).all()
    assert (SPACE.canonical_id(canonical) == canonical).all()
    vectors, others = SPACE.vector(ids), SPACE.vector(canonical)
    for operation in ("nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"):
        code = OPERATIONS.index(operation)
        assert ((vectors == code).sum(axis=1) == (others == code).sum(axis=1)).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Inner nodes in the other order.
        (
            "|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|",
            "|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_3x3~1|nor_conv_1x1~2|",
        ),
        # Node 1 is node 0, so its edge to node 2 may start at node 0.
        (
            "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
            "|none~0|+|nor_conv_3x3~0|none~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
        ),
    ],
)
def test_isomorphic_cells(one: str, other: str) -> None:
    ids = SPACE.network_id(SPACE.parse([one, other]))
    assert ids[0] != ids[1]
    assert len(np.unique(SPACE.canonical_id(ids))) == 1


def test_two_convolutions_are_not_one_convolution_twice() -> None:
    """The expressions are alike, but one network has twice the weights of the other."""
    twice = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|"
    two = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|skip_connect~2|"
    assert len(np.unique(SPACE.canonical_id(SPACE.network_id(SPACE.parse([twice, two]))))) == 2
