"""The torch module of NAS-Bench-201 beside its operator graph, and the pruned module beside the full one."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.spaces import NASBench201

torch = pytest.importorskip("torch")
SPACE = NASBench201()
KINDS = {
    "Conv2d": "conv",
    "BatchNorm2d": "batch_norm",
    "ReLU": "relu",
    "AvgPool2d": "avg_pool",
    "Linear": "linear",
    "AdaptiveAvgPool2d": "global_avg_pool",
    "Zero": "zero",
    "Identity": "identity",
}


@pytest.mark.parametrize("dataset", SPACE.datasets)
def test_shapes_and_parameters_are_those_of_the_graph(dataset: str) -> None:
    """Each operator of the graph runs under the same name, with the same shape and as many parameters."""
    vector = np.array([4, 2, 0, 3, 1, 2])
    module, graph = SPACE.module(vector, dataset=dataset).eval(), SPACE.graph(vector, dataset=dataset)
    ran: dict[str, tuple[str, tuple[int, ...], int]] = {}

    def watch(name: str):
        def hook(layer, _inputs, output) -> None:
            count = sum(parameter.numel() for parameter in layer.parameters())
            ran[name] = (KINDS[type(layer).__name__], tuple(output.shape), count)

        return hook

    for name, layer in module.named_modules():
        if type(layer).__name__ in KINDS:
            layer.register_forward_hook(watch(name))
    with torch.no_grad():
        module(torch.zeros(graph.operators[0].shape))
    ran["global_pooling"] = (*ran["global_pooling"][:1], ran["global_pooling"][1][:2], 0)
    operators = {o.name: (o.kind, o.shape, o.params) for o in graph.operators if o.kind not in ("input", "add")}
    assert operators == ran
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())


def test_layout_of_the_benchmark() -> None:
    """Names and shapes of some weights of the benchmark's files: 16, 32, 64 channels, cells 5 and 11 reduce."""
    weights = SPACE.module(np.full(6, 3), dataset="cifar100").state_dict()
    assert weights["stem.0.weight"].shape == (16, 3, 3, 3)
    assert weights["cells.0.layers.5.op.1.weight"].shape == (16, 16, 3, 3)
    assert weights["cells.5.conv_a.op.1.weight"].shape == (32, 16, 3, 3)
    assert weights["cells.11.downsample.1.weight"].shape == (64, 32, 1, 1)
    assert weights["cells.16.layers.0.op.2.running_var"].shape == (64,)
    assert weights["classifier.weight"].shape == (100, 64)


def test_blocks_are_the_successive_feature_maps() -> None:
    module = SPACE.module(np.full(6, 1), dataset="cifar10", pruned=True)
    shapes: list[tuple[int, ...]] = []
    for block in module.blocks:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:3])))
    with torch.no_grad():
        module(torch.zeros(2, 3, 32, 32))
    assert shapes == [(16, 32)] * 5 + [(32, 16)] * 6 + [(64, 8)] * 6


@pytest.mark.parametrize("index", [0, 25, 777, 1462, 4000, 9999, 15_624])
def test_pruning_keeps_the_function(index: int) -> None:
    vector = SPACE.vector(np.array([index]))[0]
    full = SPACE.module(vector, dataset="cifar10").eval()
    pruned = SPACE.module(vector, dataset="cifar10", pruned=True).eval()
    weights = full.state_dict()
    pruned.load_state_dict({name: weights[name] for name in pruned.state_dict()})
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(pruned(images), full(images))
    assert len(list(pruned.parameters())) <= len(list(full.parameters()))


def test_zero_and_pooling() -> None:
    """`none` gives zeros; the average is over the pixels that exist, so a constant stays the same up to the border."""
    from hwnas.spaces.four_node_modules import Zero
    from hwnas.spaces.nasbench201_module import Pooling

    ones = torch.ones(1, 2, 4, 4)
    assert not Zero()(ones).any()
    torch.testing.assert_close(Pooling()(ones), ones)


@pytest.mark.parametrize("row", range(6))
def test_isomorphic_networks_compute_the_same(row: int) -> None:
    """With weights that depend on cell and kernel size alone, the order of nodes cannot matter."""
    ids = np.unique(SPACE.network_id(SPACE.all_vectors()))
    ids = ids[SPACE.canonical_id(ids) != ids]
    one = ids[np.random.default_rng(0).choice(len(ids), size=6, replace=False)[row]]
    other = SPACE.canonical_id(np.array([one]))[0]
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs = []
    for vector in SPACE.vector(np.array([one, other])):
        module = SPACE.module(vector, dataset="cifar10", pruned=True).eval().double()
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                seed = 100 * int(name.split(".")[1]) if name.startswith("cells") else 1
                generator = torch.Generator().manual_seed(seed + parameter.shape[-1])
                parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            elif name.endswith("bias"):
                parameter.data = torch.zeros_like(parameter)
        with torch.no_grad():
            outputs.append(module(images))
    assert outputs[0].std() > 0
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-9, atol=0)
