"""NAS-Bench-Macro: the published file, identical networks by brute force, the module beside its graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import NASBenchMacro, get_space
from hwnas.testing import SpaceContract

SPACE = NASBenchMacro()
ALL = SPACE.all_vectors()


class TestContract(SpaceContract):
    space = SPACE


def brute_force_network(string: str) -> str:
    """The string without identities within its stages of 2, 3 and 3, filled up with them at the end of the stage."""
    stages = (string[:2], string[2:5], string[5:])
    return "".join((stage[0] + stage[1:].replace("0", "")).ljust(len(stage), "0") for stage in stages)


def test_identical_networks_by_brute_force() -> None:
    ids = SPACE.network_id(ALL)
    assert len(np.unique(ids)) == 3_969
    assert SPACE.strings(SPACE.vector(ids)) == [brute_force_network(string) for string in SPACE.strings(ALL)]
    np.testing.assert_array_equal(SPACE.network_id(SPACE.vector(ids)), ids)


@pytest.mark.data
def test_every_count_and_every_twin_of_the_published_file(mirror: Path) -> None:
    """Parameters and multiply-accumulates (there called flops) of all nets; the same networks share runs."""
    nets = json.loads((mirror / "accuracy-spaces/nas_bench_macro/nas-bench-macro_cifar10.json").read_text())
    vectors = SPACE.parse(list(nets))
    assert len(np.unique(SPACE.index(vectors))) == 6_561
    counts = SPACE.counts(vectors, dataset="cifar10")
    np.testing.assert_array_equal(counts["params"], [net["params"] for net in nets.values()])
    np.testing.assert_array_equal(counts["macs"], [net["flops"] for net in nets.values()])
    runs: dict[tuple[float, ...], set[int]] = {}
    for network, net in zip(SPACE.network_id(vectors).tolist(), nets.values(), strict=True):
        runs.setdefault(tuple(net["test_acc"]), set()).add(network)
    assert len(runs) == 3_969 and all(len(networks) == 1 for networks in runs.values())


def test_known_counts() -> None:
    """The lightest and the heaviest network, as published."""
    counts = SPACE.counts(SPACE.parse(["00000000", "22222222"]), dataset="cifar10")
    assert counts["params"].tolist() == [387_882, 2_932_586]
    assert counts["macs"].tolist() == [7_713_280, 105_660_928]


@pytest.mark.parametrize(
    ("text", "says"),
    [("02012103", "expected 8 digits from 0 to 2"), ("6561", "0 to 6560, got 6561"), ("0201210a", "expected 8 digits")],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def test_indices_and_names() -> None:
    assert SPACE.parse(["0", "6560"]).tolist() == [[0] * 8, [2] * 8]
    assert get_space("NAS-Bench-Macro").name == "nas-bench-macro"


def test_features_are_those_as_written_and_those_of_the_network() -> None:
    written, network = (
        SPACE.features(SPACE.parse(["10102000", "10110200"])).reshape(2, 2, 8, 3).argmax(axis=3).swapaxes(0, 1)
    )
    assert written.tolist() == [[1, 0, 1, 0, 2, 0, 0, 0], [1, 0, 1, 1, 0, 2, 0, 0]]
    assert network.tolist() == [[1, 0, 1, 2, 0, 0, 0, 0], [1, 0, 1, 1, 0, 2, 0, 0]]


def test_cell_graph_is_a_chain() -> None:
    graphs = SPACE.cell_graphs(SPACE.parse(["12012012"]))
    assert [np.flatnonzero(row).tolist() for row in graphs.adjacency] == [*([i + 1, 10] for i in range(9)), [10], []]
    assert graphs.nodes[0, :, :6].argmax(axis=1).tolist() == [3, 1, 2, 0, 1, 2, 0, 1, 2, 4, 5]
    assert graphs.nodes[0, 1:9, 6:].argmax(axis=1).tolist() == [0, 0, 1, 1, 1, 2, 2, 2]


def test_counts_are_torchs() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vectors = np.concatenate([SPACE.sample(3, seed=1), SPACE.parse(["00000000", "22222222"])])
    counts = SPACE.counts(vectors, dataset="cifar10")
    for row, vector in enumerate(vectors):
        module = SPACE.module(vector, dataset="cifar10").eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            assert module(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
        assert counts["params"][row] == sum(parameter.numel() for parameter in module.parameters())
        assert counts["flops"][row] == counter.get_total_flops() == 2 * counts["macs"][row]


def test_shapes_of_blocks_are_those_of_the_graph() -> None:
    torch = pytest.importorskip("torch")
    vector = SPACE.parse(["01201210"])[0]
    module, graph = SPACE.module(vector, dataset="cifar10").eval(), SPACE.graph(vector, dataset="cifar10")
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    with torch.no_grad():
        module(torch.zeros(1, 3, 32, 32))
    named = [o for o in graph.operators if o.kind not in ("input", "add", "global_avg_pool")]
    assert {o.name: o.shape for o in named} == {o.name: shapes[o.name] for o in named}
    assert [shapes[f"features.{i}"][1:3] for i in range(8)] == [
        *((64, 16), (64, 16), (128, 8), (128, 8), (128, 8), (256, 4), (256, 4), (256, 4)),
    ]
    assert len(module.blocks) == 8


def test_pruning_leaves_out_what_does_nothing() -> None:
    """With the weights of the full network, and with those of its twin, the outputs are the same."""
    torch = pytest.importorskip("torch")
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    full = SPACE.module(SPACE.parse(["10102001"])[0], dataset="cifar10").eval()
    pruned = SPACE.module(SPACE.parse(["10102001"])[0], dataset="cifar10", pruned=True).eval()
    twin = SPACE.module(SPACE.parse(["10120010"])[0], dataset="cifar10", pruned=True).eval()
    assert len(full.blocks) == 8 and len(pruned.blocks) == len(twin.blocks) == 5
    assert [tuple(p.shape) for p in pruned.parameters()] == [tuple(p.shape) for p in full.parameters()]
    assert pruned.state_dict().keys() == twin.state_dict().keys()
    for other in (pruned, twin):
        other.load_state_dict(dict(zip(other.state_dict(), full.state_dict().values(), strict=True)))
        with torch.no_grad():
            torch.testing.assert_close(other(images), full(images))
