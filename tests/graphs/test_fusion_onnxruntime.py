"""The rules of onnxruntime against the graphs that onnxruntime itself writes after its optimisation.

Compared are the leading operators of kernels with the nodes, as multisets. Views (Reshape, Flatten, ...) move nothing
and are left out on both sides, and a node that is only another name for the same work counts as that work.
"""

from __future__ import annotations

import dataclasses
import platform
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.graphs import Kernel, kernels_of, read_onnx
from hwnas.graphs.fusion import Rules, get_runtime
from hwnas.graphs.module_export import module_onnx_bytes
from hwnas.graphs.onnx_file import nodes_model, onnx_bytes, optimised_nodes
from hwnas.graphs.onnx_nodes import NodeBuilder
from hwnas.spaces import get_space

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
WRITTEN = ("nasbench201", "fbnet", "ofa", "nas-bench-macro", "transnas-micro", "nats-size", "darts")
EXPORTED = (
    "resnet", "regnet", "mobilenet-v1", "mobilenet-v2", "efficientnet", "convnext", "convnext-v2", "vit", "deit",
    "swin", "swin-v2", "mobilevit", "poolformer", "pvt-v2", "levit", "bit",
)  # fmt: skip
VIEWS = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"}
SAME = {"FusedMatMul": "MatMul", "FusedConv": "Conv", "FusedGemm": "Gemm"}
SAME |= {"ReorderInput": "Reorder", "ReorderOutput": "Reorder"}
TYPES = {
    "conv": "Conv", "depthwise_conv": "Conv", "grouped_conv": "Conv", "linear": "Gemm", "matmul": "MatMul",
    "batch_norm": "BatchNormalization", "layer_norm": "LayerNormalization", "instance_norm": "InstanceNormalization",
    "skip_layer_norm": "SkipLayerNormalization", "avg_pool": "AveragePool", "global_avg_pool": "GlobalAveragePool",
    "mean": "ReduceMean", "silu": "QuickGelu", "is_na_n": "IsNaN", "reduce_l2": "ReduceL2",
    "prelu": "PRelu", "lstm": "LSTM", "gru": "GRU", "rnn": "RNN",
}  # fmt: skip


def rules_here() -> Rules:
    """The rules with the block of this processor: 16 channels with AVX-512, 8 with AVX2."""
    rules = get_runtime("onnxruntime")
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if platform.machine() != "x86_64" or "avx2" not in flags:
        pytest.skip("the layout of this processor is not known")
    assert rules.blocked is not None
    block = 16 if "avx512f" in flags else 8
    return dataclasses.replace(rules, blocked=dataclasses.replace(rules.blocked, block=block))


def types_of(kernel: Kernel) -> list[str]:
    """The nodes that a kernel stands for."""
    if kernel.kind == "hard_swish":  # two nodes where no convolution takes it in
        return ["HardSigmoid", "Mul"]
    if kernel.kind == "resize" and kernel.layout == "blocked":
        return ["Upsample"]
    if kernel.kind == "linear" and not kernel.leading.attributes["bias"] and "add" not in kernel.fused:
        return ["MatMul"]
    if kernel.layout == "blocked" and kernel.kind in ("batch_norm", "mul") and len(kernel.in_shapes) == 1:
        return ["Conv"]
    return [TYPES.get(kernel.kind, "".join(word.capitalize() for word in kernel.kind.split("_")))]


def compare(content: bytes, folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Types predicted, and those of the runtime's own graph."""
    options = runtime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    real = Counter(SAME.get(node.kind, node.kind) for node in optimised_nodes(folder / "optimised.onnx"))
    kernels = kernels_of(read_onnx(content), rules_here())
    found = Counter(name for kernel in kernels if kernel.kind != "reshape" for name in types_of(kernel))
    return found, Counter({name: count for name, count in real.items() if name not in VIEWS})


@pytest.mark.parametrize("name", WRITTEN)
def test_networks_of_spaces(name: str, tmp_path: Path) -> None:
    space = get_space(name)
    for vector in space.sample(1 if name in ("ofa", "transnas-micro", "darts") else 2, seed=11):
        found, real = compare(onnx_bytes(space.graph(vector, dataset=space.datasets[0])), tmp_path)
        assert found == real


@pytest.mark.slow
def test_published_families(family: Any, tmp_path: Path) -> None:
    """All nodes of twelve families; of the four whose transposes the runtime moves around, all but transposes."""
    total, wrong = 0, {}
    for name in EXPORTED:
        found, real = compare(module_onnx_bytes(family(name), (1, 3, 64, 64)), tmp_path)
        difference = (found - real) + (real - found)
        assert set(difference) <= {"Transpose"}, name
        total += sum(real.values())
        wrong[name] = sum(difference.values())
    assert {name for name, count in wrong.items() if count} <= {"convnext", "convnext-v2", "pvt-v2", "swin-v2"}
    assert sum(wrong.values()) <= 0.012 * total
    assert total > 1000


class Net:
    """A small network of nodes, written by hand."""

    def __init__(self, *shape: int) -> None:
        self.builder, self.shape, self.count = NodeBuilder(rng=np.random.default_rng(0), batch_size=1), shape, 0

    def __call__(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """A node whose inputs are names, or numbers and shapes of weights."""
        names = []
        for value in inputs:
            self.count += 1
            if isinstance(value, str):
                names.append(value)
            elif isinstance(value, tuple):
                names.append(self.builder.weight(f"w{self.count}", self.builder.rng.normal(size=value) + 2))
            elif isinstance(value, list):
                names.append(self.builder.numbers(f"n{self.count}", value))
            else:
                names.append(self.builder.weight(f"s{self.count}", value))
        return self.builder.node(kind, names, f"{kind}_{self.count}", **attributes)

    def bytes(self, last: str, *shape: int) -> bytes:
        """The file; an activation that nothing takes in makes the output."""
        self.builder.node("Softmax", [last], "out", axis=-1)
        return nodes_model(self.builder, {"in": self.shape, "out": shape})


def gelu(net: Net, x: str, *, half_first: bool) -> str:
    """x / 2 * (1 + erf(x / sqrt 2)), in both orders that exporters write."""
    inner = net("Add", net("Erf", net("Div", x, 2**0.5)), 1.0)
    return net("Mul", net("Mul", x, 0.5), inner) if half_first else net("Mul", net("Mul", x, inner), 0.5)


def conv(net: Net, x: str, out: int, into: int, *, kernel: int = 3, group: int = 1) -> str:
    pads = [kernel // 2] * 4
    return net("Conv", x, (out, into // group, kernel, kernel), group=group, kernel_shape=[kernel] * 2, pads=pads)


def patterns() -> dict[str, bytes]:
    """Files by what is in them."""
    made = {}
    for half_first in (True, False):
        net = Net(1, 8, 32)
        made[f"gelu {half_first}"] = net.bytes(gelu(net, "in", half_first=half_first), 1, 8, 32)
    net = Net(1, 8, 32)
    made["linear with bias"] = net.bytes(net("Add", net("MatMul", "in", (32, 24)), (24,)), 1, 8, 24)
    net = Net(4, 32)
    hidden = net("Relu", net("Gemm", "in", (32, 24), (24,)))
    made["linear and relu of a matrix"] = net.bytes(net("Gemm", hidden, (24, 8), (8,)), 4, 8)
    net = Net(1, 16, 8, 8)
    padded = net("Pad", "in", [0, 0, 0, 0, 0, 0, 1, 1])
    made["pad, conv, clip"] = net.bytes(net("Clip", conv(net, padded, 16, 16), 0.0, 6.0), 1, 16, 9, 9)
    net = Net(1, 32, 8, 8)
    first = conv(net, "in", 32, 32)
    made["residual"] = net.bytes(net("Relu", net("Add", conv(net, net("Relu", first), 32, 32), first)), 1, 32, 8, 8)
    net = Net(1, 32, 8, 8)
    one, two = conv(net, "in", 8, 32, kernel=1), conv(net, "in", 16, 32, kernel=1)
    made["concat"] = net.bytes(conv(net, net("Concat", one, two, axis=1), 8, 24), 1, 8, 8, 8)
    net = Net(1, 12, 8, 8)
    odd = conv(net, conv(net, "in", 10, 12), 20, 10)
    made["channels that fill no block"] = net.bytes(net("Relu", odd), 1, 20, 8, 8)
    net = Net(1, 8, 32)
    norm = net("LayerNormalization", net("Add", net("Softmax", "in"), "in"), (32,), (32,), axis=-1)
    made["skip and layer norm"] = net.bytes(norm, 1, 8, 32)
    net = Net(2, 4, 8, 16)
    turned = net("Transpose", net("Softmax", "in"), perm=[0, 1, 3, 2])
    scores = net("Div", net("MatMul", net("Mul", "in", 0.5), turned), 3.0)
    made["scaled product"] = net.bytes(scores, 2, 4, 8, 8)
    return made


def resize(net: Net, x: str, mode: str, way: str, *, factors: Any = (1, 1, 2, 2), sizes: Any = ()) -> str:
    """By factors, or by sizes where these are given."""
    ends = ["", "", net.builder.numbers("sizes", sizes)] if sizes else ["", net.builder.weight("factors", factors)]
    kept = {"mode": mode, "coordinate_transformation_mode": way}
    if way == "asymmetric":
        kept["nearest_mode"] = "floor"
    return net.builder.node("Resize", [x, *ends], f"resize_{net.count}", **kept)


def decoders() -> dict[str, bytes]:
    """What networks have that make maps larger, cut or shuffle channels, or turn sequences."""
    made = {}
    ways = [("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"), ("linear", "align_corners"),
            ("linear", "pytorch_half_pixel"), ("cubic", "half_pixel")]  # fmt: skip
    for mode, way in ways:
        for sizes in ((), (1, 16, 16, 16)):
            net = Net(1, 16, 8, 8)
            larger = resize(net, conv(net, "in", 16, 16), mode, way, sizes=sizes)
            made[f"{mode} {way} {sizes}"] = net.bytes(conv(net, larger, 16, 16), 1, 16, 16, 16)
    net = Net(1, 16, 8, 8)
    larger = resize(net, conv(net, "in", 16, 16), "nearest", "asymmetric", factors=(1, 1, 1.5, 1.5))
    made["no whole factor"] = net.bytes(conv(net, larger, 16, 16), 1, 16, 12, 12)
    for number, (first, second) in enumerate([(0.5, None), (None, 0.5), ((1,), None)]):
        net = Net(1, 16, 8, 8)
        x = conv(net, "in", 16, 16)
        scaled = net("Mul", x, first) if second is None else net("Mul", second, x)
        made[f"a factor {number}"] = net.bytes(scaled, 1, 16, 8, 8)
    net = Net(1, 16, 8, 8)
    first = conv(net, "in", 16, 16)
    made["scaled residual"] = net.bytes(net("Add", first, net("Mul", conv(net, first, 16, 16), 0.1)), 1, 16, 8, 8)
    halves, gaps = ([(0, 8), (8, 16)], [(0, 8), (-8, 99)]), ([(0, 4), (8, 16)], [(0, 8), (4, 16)])
    for parts in (*halves, *gaps, [(8, 16), (0, 4), (4, 8)]):
        net = Net(1, 16, 8, 8)
        x = conv(net, "in", 16, 16)
        cut = [net("Relu", net("Slice", x, [start], [end], [1])) for start, end in parts]
        count = sum(min(end, 16) - start % 16 for start, end in parts)
        made[f"slices {parts}"] = net.bytes(net("Concat", *cut, axis=1), 1, count, 8, 8)
    net = Net(1, 16, 32)
    kept = net("Conv", "in", (16, 16, 3), kernel_shape=[3], pads=[1, 1])
    last = net("Conv", net("Relu", kept), (16, 16, 3), kernel_shape=[3], pads=[1, 1])
    made["residual of a sequence"] = net.bytes(net("Relu", net("Add", last, kept)), 1, 16, 32)
    net = Net(1, 16, 8, 8)
    made["slices of the input"] = net.bytes(
        net("Add", net("Slice", "in", [0], [8], [1]), net("Slice", "in", [8], [16], [1])), 1, 8, 8, 8
    )
    for first, second in (([1, 0, 2], [1, 0, 2]), ([1, 0, 2], [2, 0, 1]), ([1, 2, 0], [2, 0, 1])):
        net = Net(4, 5, 6)
        turned = net("Transpose", net("Transpose", net("Softsign", "in"), perm=first), perm=second)
        shape = np.array((4, 5, 6))[first][second].tolist()
        made[f"turned {first} {second}"] = net.bytes(net("Softsign", turned), *shape)
    net = Net(1, 16, 8, 8)
    larger = net("ConvTranspose", conv(net, "in", 16, 16), (16, 16, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
    normed = net("BatchNormalization", larger, *[(16,)] * 4)
    made["transposed, batch norm"] = net.bytes(net("Relu", normed), 1, 16, 16, 16)
    return made


@pytest.mark.parametrize("name", decoders())
def test_decoders(name: str, tmp_path: Path) -> None:
    found, real = compare(decoders()[name], tmp_path)
    assert found == real


@pytest.mark.parametrize("name", patterns())
def test_patterns(name: str, tmp_path: Path) -> None:
    found, real = compare(patterns()[name], tmp_path)
    assert found == real
