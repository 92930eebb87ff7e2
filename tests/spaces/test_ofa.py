"""Once-for-All's MobileNetV3: strings, unused blocks and counts, against published networks, torch and the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.spaces import OnceForAll, get_space
from hwnas.spaces.mobile_blocks import InvertedResidual
from hwnas.spaces.ofa_graph import build_graph
from hwnas.spaces.ofa_layers import divisible, skeleton
from hwnas.testing import SpaceContract

SPACE, NARROW = OnceForAll(), OnceForAll(width=1.0)
LARGEST = f"ks{'7' * 20}_e{'6' * 20}_d44444_r224"
# MobileNetV3-Large (Howard 2019, table 1): kernel, hidden, channels, squeeze-excitation, activation, stride.
LARGE = [
    (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 1, "relu", 2), (5, 120, 40, 1, "relu", 1),
    (5, 120, 40, 1, "relu", 1), (3, 240, 80, 0, "hard_swish", 2), (3, 200, 80, 0, "hard_swish", 1),
    (3, 184, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1), (3, 480, 112, 1, "hard_swish", 1),
    (3, 672, 112, 1, "hard_swish", 1), (5, 672, 160, 1, "hard_swish", 2), (5, 960, 160, 1, "hard_swish", 1),
    (5, 960, 160, 1, "hard_swish", 1),
]  # fmt: skip


class TestContract(SpaceContract):
    space = SPACE


class TestContractOfWidthOne(SpaceContract):
    space = NARROW


def mobilenet_v3_large() -> list[tuple[InvertedResidual, str]]:
    blocks, in_channels = [], 16
    for kernel, hidden, channels, squeezes, activation, stride in LARGE:
        block = InvertedResidual(
            in_channels=in_channels,
            hidden=hidden,
            channels=channels,
            kernel=kernel,
            stride=stride,
            squeeze=divisible(hidden // 4) if squeezes else 0,
        )
        blocks.append((block, activation))
        in_channels = channels
    return blocks


def test_mobilenet_v3_large_has_its_published_counts() -> None:
    """5,483,032 parameters in torchvision, of which Once-for-All leaves out 1,280 (a bias); 217 million MACs in Keras'
    table of the published models."""
    graph = build_graph(mobilenet_v3_large(), skeleton(1.0), resolution=224)
    assert graph.params == 5_483_032 - 1_280
    assert graph.macs == pytest.approx(217e6, abs=0.5e6)


def test_published_subnets() -> None:
    """Millions of parameters that MMRazor lists: the whole supernet at width 1.0, and note8_lat@31ms (its yaml)."""
    note8 = "ks53335533335335733355_e33334333444443436333_d22334_r152"
    params = NARROW.counts(NARROW.parse([LARGEST, note8]), dataset="imagenet")["params"] / 1e6
    np.testing.assert_allclose(params, [7.6, 4.6], rtol=0.01)


def test_channels_at_width_1_2() -> None:
    """A scaled width is the nearest multiple of 8, unless that takes away over a tenth: 19.2 becomes 24, not 16."""
    shape = skeleton(1.2)
    assert (shape.stem, shape.first, shape.expand, shape.mix) == (24, 24, 1152, 1536)
    assert shape.stages == (32, 48, 96, 136, 192)
    assert skeleton(1.0).stages == (24, 40, 80, 112, 160)


def test_strings_and_configurations() -> None:
    config = {"wid": None, "ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": 224}
    vectors = SPACE.parse([LARGEST, json.dumps(config), json.dumps({**config, "r": [224]})])
    assert (vectors == [2] * 45 + [24]).all()
    assert SPACE.strings(vectors[:1]) == [LARGEST]
    assert SPACE.parse([]).shape == (0, 46) and SPACE.strings(vectors[:0]) == []
    row = np.array([[3] * 20 + [4] * 20 + [2, 3, 4, 3, 2] + [132]])
    np.testing.assert_array_equal(SPACE.from_table_rows(row), [[0] * 20 + [1] * 20 + [0, 1, 2, 1, 0] + [1]])
    np.testing.assert_array_equal(SPACE.to_values(SPACE.from_table_rows(row)), row)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LARGEST.replace("r224", "r225"), "position 45 .* got 225"),
        (LARGEST.replace("e6", "e5"), "position 20 .* is one of 3, 4, 6; got 5"),
        (LARGEST[:-1], "expected 'ks<20 digits>"),
        ('{"ks": [7], "e": [6], "d": [4], "r": 224}', "expected 'ks<20 digits>"),
        (json.dumps({"ks": ["7"] * 20, "e": [6] * 20, "d": [4] * 5, "r": 224}), "expected 'ks<20 digits>"),
        (json.dumps({"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": 10**30}), "expected 'ks<20 digits>"),
        (json.dumps({"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": -224}), "position 45 .* got -224"),
        ("[1, 2]", "expected 'ks<20 digits>"),
        ("", "expected 'ks<20 digits>"),
    ],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


def test_rows_of_another_length() -> None:
    with pytest.raises(UsageError, match="rows of 46 values of ofa, got 45"):
        SPACE.from_table_rows(np.zeros((1, 45), dtype=int))


def test_blocks_beyond_the_depth_do_not_matter() -> None:
    """Depths 2, 3, 4, 2, 3 use 14 blocks; the choices of the other six change nothing."""
    vector = SPACE.sample(1, seed=0)
    vector[0, 40:45] = 0, 1, 2, 0, 1
    used = SPACE.used(vector)[0]
    assert np.flatnonzero(~used).tolist() == [2, 3, 7, 14, 15, 19]
    others = vector.repeat(46, axis=0)
    for position in range(45):
        others[position, position] = (others[position, position] + 1) % 3
    unused = np.concatenate([~used, ~used, np.zeros(6, dtype=bool)])
    same = SPACE.network_id(others) == SPACE.network_id(vector)
    np.testing.assert_array_equal(same[:45], unused[:45])
    for inputs in (
        SPACE.features(others),
        SPACE.cell_graphs(others).nodes,
        SPACE.counts(others, dataset="imagenet")["macs"],
    ):
        assert (inputs[same] == inputs[45]).all()
    np.testing.assert_array_equal(SPACE.canonical(SPACE.canonical(others)), SPACE.canonical(others))
    assert SPACE.graph(others[2], dataset="imagenet") == SPACE.graph(vector[0], dataset="imagenet")


def watch_shapes(module: Any) -> dict[str, tuple[int, ...]]:
    """Output shapes of the layers without children by name, filled when the module runs."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda _l, _i, out, name=name: shapes.update({name: tuple(out.shape)}))
    return shapes


@pytest.mark.parametrize("space", [SPACE, NARROW], ids=lambda space: space.name)
def test_counts_and_shapes_are_torchs(space: OnceForAll) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    vectors = space.sample(3, seed=1)
    counts = space.counts(vectors, dataset="imagenet")
    for row, vector in enumerate(vectors):
        module, graph = space.module(vector, dataset="imagenet").eval(), space.graph(vector, dataset="imagenet")
        shapes = watch_shapes(module)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(torch.zeros(graph.operators[0].shape))
        assert shapes == {o.name: o.shape for o in graph.operators if o.kind not in ("input", "add", "mul")}
        assert counts["params"][row] == sum(parameter.numel() for parameter in module.parameters())
        assert counts["flops"][row] == counter.get_total_flops()
        assert len(module.blocks) == 1 + space.used(vector[None]).sum()


def test_squeeze_excitation_by_hand() -> None:
    """One pixel, one channel, all weights 1 and biases 0: x · clip(relu(x) / 6 + 1/2, 0, 1)."""
    torch = pytest.importorskip("torch")
    from hwnas.spaces.ofa_module import SqueezeExcitation

    module = SqueezeExcitation(1, 1)
    for name, parameter in module.named_parameters():
        parameter.data.fill_(float(name.endswith("weight")))
    x = torch.tensor([-2.0, 0.0, 1.5, 4.0]).reshape(4, 1, 1, 1)
    torch.testing.assert_close(module(x).flatten(), torch.tensor([-1.0, 0.0, 1.5 * 0.75, 4.0]))


def test_layout_of_the_published_code() -> None:
    """Names and shapes of some weights that Once-for-All's extracted networks have."""
    pytest.importorskip("torch")
    shapes = {
        name: tuple(weight.shape)
        for name, weight in NARROW.module(NARROW.parse([LARGEST])[0], dataset="imagenet").state_dict().items()
    }
    assert shapes["first_conv.conv.weight"] == (16, 3, 3, 3)
    assert shapes["blocks.0.conv.depth_conv.conv.weight"] == (16, 1, 3, 3)
    assert "blocks.0.conv.inverted_bottleneck.conv.weight" not in shapes
    assert shapes["blocks.1.conv.inverted_bottleneck.conv.weight"] == (96, 16, 1, 1)
    assert shapes["blocks.5.conv.depth_conv.se.fc.reduce.bias"] == (40,)
    assert shapes["blocks.20.conv.point_linear.bn.weight"] == (160,)
    assert shapes["feature_mix_layer.conv.weight"] == (1280, 960, 1, 1)
    assert shapes["classifier.linear.weight"] == (1000, 1280)


def test_names_and_images() -> None:
    assert get_space("once-for-all") is get_space("ofa_mbv3_d234_e346_k357_w1.2")
    assert NARROW.name == "ofa-w1" and not NARROW.aliases
    assert SPACE.image_shape("imagenet") == (3, 224, 224) and SPACE.classes("imagenet") == 1000


@pytest.mark.data
def test_public_table(mirror: Path) -> None:
    """Every network of HELP's file is one of this space, and the totals of 100 rank the others by latency."""
    torch = pytest.importorskip("torch")
    folder = mirror / "help" / "ofa"
    nets = json.loads((folder / "ofa_archs.json").read_text())["arch"]
    vectors = SPACE.parse([json.dumps(net) for net in nets])
    rows = np.array([[*net["ks"], *net["e"], *net["d"], net["r"]] for net in nets])
    np.testing.assert_array_equal(SPACE.to_values(vectors), rows)
    latency_ms = np.array(torch.load(folder / "latency" / "titan_rtx_64.pt", weights_only=True))
    totals = np.column_stack([SPACE.features(vectors)[:, :5], np.ones(len(vectors))])
    predicted = totals @ np.linalg.lstsq(totals[:100], latency_ms[:100], rcond=None)[0]
    ranks = [values[100:].argsort().argsort() for values in (predicted, latency_ms)]
    assert np.corrcoef(ranks)[0, 1] > 0.99
