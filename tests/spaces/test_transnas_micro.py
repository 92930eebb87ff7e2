"""TransNAS-Bench-101 micro: every network of the published table, brute force, the module beside its graph."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import TransNASMicro, get_space
from hwnas.spaces.four_node_cells import EDGES
from hwnas.testing import SpaceContract

SPACE = TransNASMicro()
ALL = SPACE.all_vectors()


class TestContract(SpaceContract):
    space = SPACE


def test_every_form_leads_back() -> None:
    strings = SPACE.strings(ALL)
    np.testing.assert_array_equal(SPACE.parse(strings), ALL)
    np.testing.assert_array_equal(SPACE.parse([string.removeprefix("64-41414-") for string in strings]), ALL)
    np.testing.assert_array_equal(SPACE.parse([str(tuple(row)) for row in ALL.tolist()]), ALL)
    np.testing.assert_array_equal(SPACE.parse([str(i) for i in range(4_096)]), ALL)


def test_example_of_the_benchmark() -> None:
    """1_02_333: a skip to node 1; none and a 1x1 convolution to node 2; 3x3 convolutions to node 3."""
    operations = dict(zip(EDGES, SPACE.parse(["64-41414-1_02_333"])[0].tolist(), strict=True))
    assert operations == {(0, 1): 1, (0, 2): 0, (1, 2): 2, (0, 3): 3, (1, 3): 3, (2, 3): 3}


@pytest.mark.parametrize(
    ("text", "says"),
    [("64-41414-4_02_333", "codes from 0 to 3"), ("1_02_33", "is not an arch"), ("4096", "0 to 4095, got 4096")],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def paths_cover(vector: np.ndarray) -> tuple[int, ...]:
    """The vector with `none` on each edge that is on no path from node 0 to node 3."""
    kept = set()
    for path in ((0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)):
        edges = [EDGES.index(edge) for edge in itertools.pairwise(path)]
        if all(vector[edge] for edge in edges):
            kept.update(edges)
    return tuple(int(op) if edge in kept else 0 for edge, op in enumerate(vector))


def test_identical_networks_by_brute_force() -> None:
    ids = SPACE.network_id(ALL)
    assert len(np.unique(ids)) == 2_128
    np.testing.assert_array_equal(SPACE.vector(ids), np.array([paths_cover(vector) for vector in ALL]))


@pytest.mark.data
def test_published_networks_and_counts(mirror: Path) -> None:
    """The table lists each distinct network once, with the parameters of 63 instead of 47 classes.

    No other order of the six edges agrees with it.
    """
    with (mirror / "accuracy-spaces/transnas101/tnb101_micro_valid_nets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    published = np.array([round(1e6 * float(row["params"])) for row in rows])
    vectors, networks = SPACE.parse([row["net"] for row in rows]), set(SPACE.network_id(ALL).tolist())
    agreeing = []
    for order in itertools.permutations(range(6)):
        counts = SPACE.counts(vectors[:, order], dataset="class_scene")
        same_networks = set(SPACE.index(vectors[:, order]).tolist()) == networks
        if same_networks and (published - counts["params"] == (63 - 47) * (512 + 1)).all():
            agreeing.append(order)
    assert agreeing == [(0, 1, 2, 3, 4, 5)]
    macs = SPACE.counts(vectors, dataset="class_scene")["macs"]
    ratio = 1e6 * np.array([float(row["flops"]) for row in rows]) / macs
    assert ratio.min() > 1 and ratio.max() < 1.03, "its flops are multiply-accumulates, batch norm and ReLU included"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("3_20_031", "2_30_013", True),  # inner nodes in the other order
        ("2_01_003", "2_00_030", True),  # node 2 is node 1
        ("1_03_203", "0_30_203", False),  # a skip from the input is an operation where the image is halved
    ],
)
def test_isomorphic_cells(one: str, other: str, same: bool) -> None:
    ids = SPACE.canonical_id(SPACE.network_id(SPACE.parse([one, other])))
    assert (ids[0] == ids[1]) == same


def test_canonical_ids() -> None:
    ids = np.unique(SPACE.network_id(ALL))
    canonical = SPACE.canonical_id(ids)
    assert len(np.unique(canonical)) == 1_876 and (canonical <= ids).all()
    np.testing.assert_array_equal(SPACE.canonical_id(canonical), canonical)


@pytest.mark.parametrize("row", range(3))
def test_isomorphic_networks_compute_the_same(row: int) -> None:
    """With weights that depend on the cell and their own shape alone, the order of nodes cannot matter."""
    torch = pytest.importorskip("torch")
    ids = np.unique(SPACE.network_id(ALL))
    ids = ids[SPACE.canonical_id(ids) != ids]
    one = ids[np.random.default_rng(0).choice(len(ids), size=3, replace=False)[row]]
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs = []
    for vector in SPACE.vector(np.array([one, SPACE.canonical_id(np.array([one]))[0]])):
        module = SPACE.module(vector, dataset="class_scene", pruned=True).double()
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                seed = (100 * int(name.split(".")[1]) if name.startswith("cells") else 1) + parameter.shape[-1]
                generator = torch.Generator().manual_seed(seed)
                parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            module.classifier.bias.zero_()
            outputs.append(module(images))
    assert outputs[0].std() > 0
    torch.testing.assert_close(
        outputs[0], outputs[1], rtol=1e-6, atol=1e-8
    )  # batch norm over two pixels amplifies rounding


@pytest.mark.parametrize("string", ["1_11_111", "0_00_000", "2_03_121"])
def test_shapes_and_parameters_are_those_of_the_graph(string: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vector = SPACE.parse([string])[0]
    module, graph = SPACE.module(vector, dataset="class_scene").eval(), SPACE.graph(vector, dataset="class_scene")
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        assert module(torch.zeros(1, 3, 256, 256)).shape == (1, 47)
    assert graph.flops == counter.get_total_flops()
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())
    named = [o for o in graph.operators if o.kind not in ("input", "add", "global_avg_pool", "crop", "concat")]
    assert {o.name: o.shape for o in named} == {o.name: shapes[o.name] for o in named}
    sizes = [shapes[f"cells.{i}"][1:3] for i in range(10)]
    assert sizes == [(128, 32)] * 4 + [(256, 16)] * 4 + [(512, 8)] * 2
    assert len(module.blocks) == 10


@pytest.mark.parametrize("string", ["0_00_000", "2_03_121", "3_00_100", "0_12_312", "2_00_010"])
def test_pruning_keeps_the_function(string: str) -> None:
    torch = pytest.importorskip("torch")
    vector = SPACE.parse([string])[0]
    full = SPACE.module(vector, dataset="class_scene").eval()
    pruned = SPACE.module(vector, dataset="class_scene", pruned=True).eval()
    weights = full.state_dict()
    pruned.load_state_dict({name: weights[name] for name in pruned.state_dict()})
    images = torch.randn(2, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(pruned(images), full(images))


def test_names() -> None:
    for name in ("transnas-micro", "TransNAS-Bench-101-Micro"):
        assert get_space(name).name == "transnas-micro"
