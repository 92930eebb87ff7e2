"""FBNet: strings, identical networks and counts, against published networks, torch and the public table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import FBNet, get_space
from hwnas.spaces.fbnet_layers import OPERATIONS, places
from hwnas.testing import SpaceContract

SPACE = FBNet()
# The three networks that the paper found (facebookresearch/mobile-vision names their blocks ir_k3_e6, ir_k5_s2, ...).
PUBLISHED = {
    "FBNet-A": "skip k3_e3 k3_e1 skip skip k5_e6 k3_e3 k5_e1 k3_e3 k5_e6 k5_e3 k5_e1_g2 k5_e6 k3_e6 k5_e1_g2 k5_e1 "
    "k3_e1_g2 k5_e6 k5_e6 k5_e3 k5_e6 k5_e6",
    "FBNet-B": "k3_e1 k3_e6 k5_e1 k3_e1 k3_e1 k5_e6 k5_e3 k3_e6 k5_e6 k5_e6 k5_e1 skip k5_e3 k5_e6 k3_e1 k5_e1 "
    "k5_e3 k5_e6 k5_e1 k5_e6 k5_e6 k3_e6",
    "FBNet-C": "k3_e1 k3_e6 skip k3_e1 k3_e1 k5_e6 k5_e3 k5_e6 k3_e6 k5_e6 k5_e3 k5_e6 k5_e6 k5_e6 k5_e6 k5_e6 "
    "k5_e3 k5_e6 k5_e6 k5_e6 k5_e6 k3_e6",
}
VECTORS = SPACE.parse([names.replace(" ", "-") for names in PUBLISHED.values()])


class TestContract(SpaceContract):
    space = SPACE


def test_published_counts() -> None:
    """Multiply-adds of the paper's table 3 within 3 % (it does not say how it counts); timm's parameters of FBNet-C."""
    counts = SPACE.counts(VECTORS, dataset="imagenet")
    np.testing.assert_allclose(counts["macs"], [249e6, 295e6, 375e6], rtol=0.03)
    assert counts["params"][2] == pytest.approx(5.57e6, abs=5e3)


def test_strings_and_codes() -> None:
    codes = "[7, 8, 1, 8, 4, 8, 8, 8, 7, 4, 1, 4, 7, 3, 2, 7, 3, 2, 4, 2, 4, 5]"
    vector = SPACE.parse([codes])
    string = SPACE.strings(vector)[0]
    assert string.startswith("k5_e6-skip-k3_e1_g2-skip-k5_e1-skip") and string.endswith("k5_e1-k5_e1_g2")
    assert [OPERATIONS.index(name) for name in string.split("-")] == eval(codes)
    np.testing.assert_array_equal(SPACE.parse([string, codes.strip("[]")]), np.repeat(vector, 2, axis=0))
    assert SPACE.parse([]).shape == (0, 22) and SPACE.strings(vector[:0]) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("skip", "22 operations joined by '-'"),
        ("-".join(["skip"] * 21 + ["k3_e2"]), "'k3_e2' is not known"),
        (str([9] * 22), "9 choices at position 0, got 9"),
        (str([0] * 21), "22 codes"),
        ("", "22 operations"),
    ],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def executed(vector: np.ndarray) -> tuple[object, ...]:
    """The layers that are not the identity, one after the other."""
    layers = (place.layer(int(operation)) for operation, place in zip(vector, places("imagenet"), strict=True))
    return tuple(layer for layer in layers if layer is not None)


def test_networks_are_identical_exactly_where_they_execute_the_same_layers() -> None:
    """Random networks of three operations, skip among them, so that many are the same."""
    rng = np.random.default_rng(0)
    vectors = np.full((200, 22), 3, dtype=np.int8)
    vectors[:, 1:9] = rng.choice([0, 8], p=[0.3, 0.7], size=(200, 8))
    ids, layers = SPACE.network_id(vectors), [executed(vector) for vector in vectors]
    assert len(set(ids.tolist())) == len(set(layers)) < 200
    assert len(set(zip(ids.tolist(), layers, strict=True))) == len(set(layers))
    canonical = SPACE.canonical(vectors)
    assert [executed(vector) for vector in canonical] == layers
    np.testing.assert_array_equal(SPACE.canonical(canonical), canonical)


def test_skip_is_a_layer_where_the_shape_changes() -> None:
    """Of 22 places 16 keep the shape: all but the first of the five stages of four, and the last."""
    keeps = [place.keeps_shape for place in places("cifar100")]
    assert [number for number, kept in enumerate(keeps) if not kept] == [1, 5, 9, 13, 17, 21]
    kinds = [operator.kind for operator in SPACE.graph(np.full(22, 8), dataset="cifar100").operators]
    assert kinds.count("identity") == 16 and kinds.count("conv") == 6 + 2


def watch_shapes(module: Any) -> dict[str, tuple[int, ...]]:
    """Output shapes of the layers without children by name, filled when the module runs."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda _l, _i, out, name=name: shapes.update({name: tuple(out.shape)}))
    return shapes


@pytest.mark.parametrize("dataset", SPACE.datasets)
def test_counts_and_shapes_are_torchs(dataset: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vectors = np.concatenate([SPACE.sample(2, seed=1), VECTORS[:1]])
    counts = SPACE.counts(vectors, dataset=dataset)
    for row, vector in enumerate(vectors):
        module, graph = SPACE.module(vector, dataset=dataset).eval(), SPACE.graph(vector, dataset=dataset)
        shapes = watch_shapes(module)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(graph.operators[0].shape))
        assert shapes == {o.name: o.shape for o in graph.operators if o.kind not in ("input", "add")}
        assert counts["params"][row] == sum(parameter.numel() for parameter in module.parameters())
        assert counts["flops"][row] == counter.get_total_flops()


def test_where_the_identity_stands_does_not_change_the_function() -> None:
    torch = pytest.importorskip("torch")
    one = np.full(22, 0, dtype=np.int8)
    one[2:5] = 8, 4, 1
    other = SPACE.canonical(one[None])[0]
    assert other[2:5].tolist() == [4, 1, 8]
    modules = [SPACE.module(vector, dataset="cifar100").eval() for vector in (one, other)]
    move = {"cells.3.": "cells.2.", "cells.4.": "cells.3."}
    weights = {move.get(name[:8], name[:8]) + name[8:]: value for name, value in modules[0].state_dict().items()}
    modules[1].load_state_dict(weights)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(modules[0](images), modules[1](images))


def test_layout_of_hw_nas_bench() -> None:
    """Names and shapes of some weights of HW-NAS-Bench's FBNet code."""
    pytest.importorskip("torch")
    vector = np.array([8, 8, 5, *[3] * 19])
    module = SPACE.module(vector, dataset="cifar100")
    shapes = {name: tuple(weight.shape) for name, weight in module.state_dict().items()}
    assert shapes["stem.conv.weight"] == (16, 3, 3, 3) and shapes["cells.1.conv.weight"] == (24, 16, 1, 1)
    assert shapes["cells.2.conv1.weight"] == (24, 12, 1, 1) and shapes["cells.2.conv2.weight"] == (24, 1, 5, 5)
    assert shapes["cells.21.conv3.weight"] == (352, 6 * 184, 1, 1)
    assert shapes["header.conv.weight"] == (1504, 352, 1, 1) and shapes["fc.weight"] == (100, 1504)
    assert not any(name.startswith("cells.0.") for name in shapes) and len(module.blocks) == 22


def test_names() -> None:
    assert get_space("FBNet") is get_space("fbnet-hw-nas-bench")
    assert SPACE.image_shape("imagenet") == (3, 224, 224) and SPACE.classes("cifar100") == 100


@pytest.mark.data
def test_public_table(mirror: Path) -> None:
    """HELP's networks: codes and names say the same; totals of ten nets rank the others by their latency."""
    torch = pytest.importorskip("torch")
    folder = mirror / "help" / "fbnet"
    published = torch.load(folder / "metainfo.pt", weights_only=True)
    assert (published["dataset"], published["num_classes"]) == (SPACE.datasets[0], SPACE.classes(SPACE.datasets[0]))
    nets = published["arch"]
    vectors = SPACE.from_table_rows(np.array([net["op_idx_list"] for net in nets]))
    assert [string.split("-") for string in SPACE.strings(vectors)] == [net["arch_str"] for net in nets]
    latency_ms = np.array(torch.load(folder / "latency" / "titanx_64.pt", weights_only=True))
    totals = np.column_stack([SPACE.features(vectors)[:, :5], np.ones(len(vectors))])
    weights = np.linalg.lstsq(totals[:100], latency_ms[:100], rcond=None)[0]
    macs = SPACE.counts(vectors, dataset="cifar100")["macs"]
    by_macs, by_totals = (rank_correlation(cost[100:], latency_ms[100:]) for cost in (macs, totals @ weights))
    assert by_macs < 0.7 and by_totals > 0.95


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.argsort().argsort(), other.argsort().argsort())[0, 1])
