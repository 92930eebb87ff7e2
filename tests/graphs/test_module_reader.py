"""torch modules as graphs, against torch's own counters and shapes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hwnas.errors import UsageError
from hwnas.graphs import kernels_of, read_module, read_onnx
from hwnas.graphs.module_export import module_onnx_bytes

FAMILIES = (
    "resnet", "regnet", "mobilenet-v1", "mobilenet-v2", "efficientnet", "convnext", "convnext-v2", "vit", "deit",
    "swin", "swin-v2", "mobilevit", "mobilevit-v2", "poolformer", "pvt-v2", "levit", "bit",
)  # fmt: skip


def flops(module: nn.Module, shape: tuple[int, ...]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(shape))
    return counter.get_total_flops()


class Mixed(nn.Module):
    """What layers of one library call have: rectangles, groups, dilation, attention, in-place sums, shared weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(1, 2))
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=8)
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.query, self.head = nn.Linear(6, 6), nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = torch.relu_(self.norm(self.stem(images)))
        x = x.add_(self.wide(x))
        tokens = self.up(x).flatten(2).transpose(1, 2)
        one, two = self.query(tokens), self.query(tokens * 2)
        scores = torch.softmax(one @ two.transpose(1, 2), dim=-1)
        return self.head(torch.einsum("bij,bjk->bik", scores, tokens).mean(1))


@pytest.mark.parametrize("equation", ["bij,bkj->bik", "bij,bkj", "bij,bjk"])
def test_einsum_with_and_without_an_arrow(equation: str) -> None:
    class Product(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.einsum(equation, x, torch.ones(2, 5, 5))

    graph = read_module(Product(), (2, 3, 5))
    assert graph.flops == flops(Product(), (2, 3, 5)) > 0


def test_counts_of_a_mixed_module() -> None:
    module, shape = Mixed(), (2, 3, 8, 8)
    module.norm.eval()
    graph = read_module(module, shape)
    assert module.training and not module.norm.training, "the mode of every layer stays"
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())
    assert graph.flops == flops(module, shape)
    assert all(operator.known for operator in graph.operators) and graph.operators[-1].shape == (2, 4)
    stem, up = (next(o for o in graph.operators if o.kind == kind) for kind in ("conv", "conv_transpose"))
    assert stem.attributes["kernel"] == (3, 5) and stem.attributes["stride"] == (1, 2) and stem.shape == (2, 8, 8, 4)
    assert up.shape == (2, 6, 16, 8) and up.macs == 2 * 8 * 32 * 6 * 4
    kernels = kernels_of(graph)
    assert kernels[0].fused == ("batch_norm", "relu") and kernels[1].fused == ("add",)
    assert sum(kernel.macs for kernel in kernels) == graph.macs


def test_outputs_of_layers_have_the_bytes_that_torch_makes() -> None:
    """Hooks on the layers see what the operators are said to write."""
    module, seen = Mixed().eval(), []
    for layer in (module.stem, module.norm, module.wide, module.up, module.query, module.head):
        layer.register_forward_hook(lambda _, __, output: seen.append(output.numel() * 4))
    module(torch.zeros(1, 3, 8, 8))
    for layer in module.modules():
        layer._forward_hooks.clear()
    kinds = ("conv", "batch_norm", "conv_transpose", "linear")
    found = [o.output_bytes for o in read_module(module, (1, 3, 8, 8)).operators if o.kind in kinds]
    assert sorted(found) == sorted(seen)


def test_attention_is_two_products_around_a_softmax() -> None:
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x + 1, x * 2)

    graph = read_module(Attention(), (2, 4, 9, 8))
    assert [o.kind for o in graph.operators[1:]] == ["add", "mul", "matmul", "softmax", "matmul"]
    assert graph.macs == 2 * (2 * 4 * 9 * 9 * 8) and graph.operators[-1].shape == (2, 4, 9, 8)


def test_a_decoder_is_read_as_from_the_file_that_torch_exports() -> None:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.up, self.shuffle = nn.ConvTranspose2d(16, 16, 2, stride=2), nn.PixelShuffle(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = nn.functional.interpolate(self.first(x).relu(), scale_factor=2, mode="nearest")
            x = nn.functional.interpolate(self.second(x), scale_factor=2, mode="bilinear")
            x = self.up(x)
            return self.shuffle(torch.cat([x[:, 8:].relu(), x[:, :8]], dim=1))

    shape = (1, 3, 16, 16)
    graphs = read_module(Decoder().eval(), shape), read_onnx(module_onnx_bytes(Decoder().eval(), shape))
    module, file = map(kernels_of, graphs)
    facts = [[(k.kind, k.fused, k.layout, k.features()) for k in kernels] for kernels in (module, file)]
    assert facts[0] == facts[1]
    assert graphs[0].params == graphs[1].params
    assert {"resize", "conv_transpose", "split", "depth_to_space"} <= {kernel.kind for kernel in module}


def test_norms_without_parameters_have_none() -> None:
    layers = nn.Sequential(nn.LayerNorm(6, elementwise_affine=False), nn.Linear(6, 2, bias=False))
    assert read_module(layers, (3, 6)).params == 12


def test_unknown_calls_stay_and_what_cannot_be_followed_is_refused() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.lgamma(x)

    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if float(x.sum()) > 0 else -x

    (_, odd) = read_module(Odd(), (1, 4)).operators
    assert (odd.kind, odd.shape) == ("unknown:aten.lgamma", (1, 4))
    with pytest.raises(UsageError, match=r"that torch.export can follow with one input of shape \(1, 4\)"):
        read_module(Branching(), (1, 4))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_published_families(family: Any, name: str) -> None:
    """Read as a module and from the file that torch exports: the counts of torch's own counter."""
    module, shape = family(name), (1, 3, 64, 64)
    graph = read_module(module, shape)
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())
    # Swin-v2 computes its position biases from nothing but weights: worked out once, they are no work of a run.
    assert graph.flops == flops(module, shape) > 0 or (name == "swin-v2" and graph.flops < flops(module, shape))
    assert not [o.kind for o in graph.operators if o.kind.startswith("unknown") or not o.known]
    made = layer_bytes(module, shape)
    written = Counter((o.kind, o.output_bytes) for o in graph.operators)
    assert made and (name == "swin-v2" or not made - written), "layers write what no operator does"
    file = read_onnx(module_onnx_bytes(module, shape))
    assert file.flops == graph.flops
    assert not [o.kind for o in file.operators if o.kind.startswith("unknown") or not o.known]


def layer_bytes(module: nn.Module, shape: tuple[int, ...]) -> Counter[tuple[str, int]]:
    """Bytes that convolutions, dense layers and norms write when the module runs, by the kind of operator."""
    kinds = {nn.Conv2d: "conv", nn.Linear: "linear", nn.BatchNorm2d: "batch_norm", nn.LayerNorm: "layer_norm"}
    seen: Counter[tuple[str, int]] = Counter()
    hooks = [
        layer.register_forward_hook(lambda at, _, output: seen.update([(kinds[type(at)], output.numel() * 4)]))
        for layer in module.modules()
        if type(layer) in kinds
    ]
    with torch.no_grad():
        module(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    return seen
