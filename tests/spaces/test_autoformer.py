"""The AutoFormer space: positions that mean nothing, counts against torch, and networks whose size was published."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces import AutoFormer, Space
from hwnas.spaces.autoformer_graph import AutoFormerNet, build_graph
from hwnas.spaces.autoformer_module import Network
from hwnas.testing import SpaceContract

SPACE = AutoFormer()
STRING = "192-" + "-".join(["h3m3.5", "h4m4"] * 6)
PUBLISHED = {"hidden_dim": 192, "depth": 12, "mlp_ratio": [3.5, 4.0] * 6, "num_heads": [3, 4] * 6}


class TestContract(SpaceContract):
    space = SPACE


def test_the_three_forms_name_one_network() -> None:
    (vector,) = SPACE.parse([STRING])
    assert vector.tolist() == [0, 0, *[0, 1] * 6, 0, 0, *[0, 1] * 6, 0, 0]
    np.testing.assert_array_equal(SPACE.from_published([PUBLISHED])[0], vector)
    assert SPACE.net(vector) == AutoFormerNet(width=192, heads=(3, 4) * 6, hidden=(672, 768) * 6)
    assert SPACE.strings(SPACE.parse([STRING.replace("m4", "m4.0")])) == [STRING]


@pytest.mark.parametrize(
    "string",
    [
        "",
        "192",
        STRING + "-h3",
        STRING[:-5],
        STRING.replace("192", "200"),
        STRING.replace("h3", "h5"),
        STRING + "-h3m4" * 3,
    ],
)
def test_other_strings_are_refused(string: str) -> None:
    with pytest.raises(UsageError, match="expected a width of"):
        SPACE.parse([string])


@pytest.mark.parametrize("spoilt", [{"depth": 11}, {"depth": 13}, {"hidden_dim": 256}, {"num_heads": [5] * 12}])
def test_other_published_networks_are_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected networks of autoformer"):
        SPACE.from_published([{**PUBLISHED, **spoilt}])
    with pytest.raises(UsageError, match="'mlp_ratio'"):
        SPACE.from_published([{"hidden_dim": 192, "depth": 12}])


def test_layers_beyond_the_depth_mean_nothing() -> None:
    """Brute force: vectors are one network if, and only if, they differ in positions of missing layers alone."""
    raw = Space.sample(SPACE, 400, seed=3)
    raw[200:] = raw[:200]
    raw[200:, [14, 15, 28, 29]] ^= 1  # the ratios and heads of layers 13 and 14
    canonical, ids = SPACE.canonical(raw), SPACE.network_id(raw)
    for row in range(200):
        depth = 12 + int(raw[row, 1])
        same = depth == 12
        assert (ids[row] == ids[row + 200]) == same
        assert (SPACE.strings(raw[[row]]) == SPACE.strings(raw[[row + 200]])) == same
        assert len(SPACE.net(raw[row]).heads) == depth
    np.testing.assert_array_equal(SPACE.canonical(canonical), canonical)
    np.testing.assert_array_equal(SPACE.features(canonical), SPACE.features(raw))
    np.testing.assert_array_equal(SPACE.cell_graphs(canonical).nodes, SPACE.cell_graphs(raw).nodes)
    for name, values in SPACE.counts(raw, dataset="flowers").items():
        np.testing.assert_array_equal(values, SPACE.counts(canonical, dataset="flowers")[name])


@pytest.mark.parametrize("dataset", SPACE.datasets)
def test_counts_are_those_of_torch(dataset: str) -> None:
    vectors = SPACE.sample(1, seed=1)
    counts = SPACE.counts(vectors, dataset=dataset)
    for row, vector in enumerate(vectors):
        with torch.device("meta"):
            module = SPACE.module(vector, dataset=dataset)
            with FlopCounterMode(display=False) as counter:
                logits = module(torch.empty(2, *SPACE.image_shape(dataset)))
        assert logits.shape == (2, SPACE.classes(dataset))
        assert sum(parameter.numel() for parameter in module.parameters()) == counts["params"][row]
        assert counter.get_total_flops() == 2 * counts["flops"][row]


def test_deit_tiny_is_a_network_of_this_form() -> None:
    """DeiT-Ti of Touvron 2021: 12 layers of width 192 with 3 heads; timm has 5.72 million parameters, 1.26 GMACs."""
    graph = build_graph(AutoFormerNet(width=192, heads=(3,) * 12, hidden=(768,) * 12), classes=1000)
    assert graph.params == 5_717_416
    assert graph.macs == pytest.approx(1.26e9, rel=0.01)


def test_the_graph_names_the_modules() -> None:
    vector = SPACE.sample(1, seed=2)[0]
    operators = {op.name: op for op in SPACE.graph(vector, dataset="cifar100").operators}
    modules = dict(SPACE.module(vector, dataset="cifar100").named_modules())
    for name, operator in operators.items():
        if operator.params and name not in ("class_token", "position_embedding"):
            assert sum(p.numel() for p in modules[name].parameters()) == operator.params, name


def test_attention_is_that_of_torch() -> None:
    """The written-out products against torch's fused kernel, in float64."""
    from hwnas.spaces.transformer_module import Attention

    attention = Attention(12, heads=3).double()
    tokens = torch.randn(2, 5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    query, key, value = (part.unflatten(2, (3, 4)).transpose(1, 2) for part in attention.qkv(tokens).chunk(3, dim=2))
    fused = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(attention(tokens), attention.proj(fused.transpose(1, 2).flatten(2)))


def test_a_layer_is_that_of_torch() -> None:
    """Layer norms, shortcuts and GELU stand where torch's own pre-norm encoder layer has them."""
    from hwnas.spaces.transformer_module import TransformerLayer

    layer = TransformerLayer(12, heads=3, hidden=20).double()
    arguments = {"dropout": 0.0, "activation": "gelu", "layer_norm_eps": 1e-6, "batch_first": True, "norm_first": True}
    reference = torch.nn.TransformerEncoderLayer(12, 3, 20, dtype=torch.float64, **arguments)
    attention, ours = reference.self_attn, layer.state_dict()
    weights = {"self_attn.in_proj_weight": ours["attn.qkv.weight"], "self_attn.in_proj_bias": ours["attn.qkv.bias"]}
    for theirs, name in (
        ("self_attn.out_proj", "attn.proj"),
        ("linear1", "mlp.fc1"),
        ("linear2", "mlp.fc2"),
        ("norm1", "norm1"),
        ("norm2", "norm2"),
    ):
        weights |= {f"{theirs}.{kind}": ours[f"{name}.{kind}"] for kind in ("weight", "bias")}
    reference.load_state_dict(weights)
    assert attention.num_heads == 3
    tokens = torch.randn(2, 5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(tokens), reference(tokens))


def test_blocks_give_tokens_of_one_width() -> None:
    vector = SPACE.parse([STRING])[0]
    with torch.device("meta"):
        module, shapes = SPACE.module(vector, dataset="chaoyang"), []
        for block in module.blocks:
            block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape)))
        module(torch.empty(1, 3, 224, 224))
    assert shapes == [(1, 197, 192)] * 12


def test_initial_weights() -> None:
    """Linear weights of deviation 0.02 without biases, norms of one; the same seed gives the same."""
    net = AutoFormerNet(width=192, heads=(3,), hidden=(768,))
    modules = []
    for _ in range(2):
        torch.manual_seed(7)
        modules.append(Network(net, classes=10))
    for one, other in zip(modules[0].parameters(), modules[1].parameters(), strict=True):
        assert torch.equal(one, other)
    layer = modules[0].layers[0]
    assert layer.mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not layer.mlp.fc1.bias.any() and torch.equal(layer.norm1.weight, torch.ones(192))


def test_data_sets_by_any_case_and_no_others() -> None:
    assert SPACE.classes("CIFAR100") == 100 and SPACE.image_shape("Flowers") == (3, 224, 224)
    for call in (SPACE.classes, SPACE.image_shape):
        with pytest.raises(UnknownNameError):
            call("cifar10")
