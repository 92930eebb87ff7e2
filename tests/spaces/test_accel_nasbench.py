"""Accel-NASBench: EfficientNet-B0, the counts of every published network, the module beside its graph."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.data.converters import CONVERTERS
from hwnas.data.table_files import Contents
from hwnas.errors import DataError, UsageError
from hwnas.spaces import AccelNASBench, get_space
from hwnas.testing import SpaceContract

SPACE = AccelNASBench()
B0 = "e1k3l1s-e6k3l2s-e6k5l2s-e6k3l3s-e6k5l3s-e6k5l4s-e6k3l1s"
PLAIN = "e4k5l1-e1k5l1-e4k3l3-e6k3l1-e4k5l2-e6k5l1-e6k3l2"


class TestContract(SpaceContract):
    space = SPACE


def named(expansions: str, kernels: str, layers: str, squeezes: str) -> dict[str, Any]:
    """The published form, stage by stage."""
    return {
        f"block{stage}_{name}": value
        for stage, values in enumerate(zip(expansions, kernels, layers, squeezes, strict=True))
        for name, value in zip(("e", "k", "l", "se"), (*map(int, values[:3]), values[3] == "s"), strict=True)
    }


def test_efficientnet_b0_is_in_the_space() -> None:
    """5,288,548 parameters (torchvision's and timm's efficientnet_b0); 0.39 billion multiply-adds in the paper."""
    counts = SPACE.counts(SPACE.parse([B0]), dataset="imagenet")
    assert counts["params"][0] == 5_288_548
    assert counts["macs"][0] == pytest.approx(0.39e9, abs=0.005e9)


def test_size() -> None:
    """Seven stages of three expansions, two kernels, three depths, with and without; four depths in the sixth."""
    assert SPACE.size == 36**6 * 48


def test_forms_lead_back() -> None:
    architecture = named("1666666", "3353553", "1223341", "sssssss")
    vectors = SPACE.parse([json.dumps(architecture), B0, PLAIN])
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert SPACE.strings(vectors) == [B0, B0, PLAIN]
    np.testing.assert_array_equal(SPACE.from_published([architecture]), vectors[:1])
    assert SPACE.parse([]).shape == (0, 28)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("e1k3l1", "7 stages joined by '-'"),
        ("[1, 2]", "7 stages"),
        ("{}", "block0_e to block6_se"),
        (B0.replace("e1k3", "e2k3"), "block0_e of accel-nasbench is one of 1, 4, 6; got 2"),
        (B0.replace("e6k3l1s", "e6k3l4s"), "block6_l of accel-nasbench is one of 1, 2, 3; got 4"),
        (B0.replace("k5l4", "k7l4"), "is one of 3, 5; got 7"),
    ],
)
def test_what_is_no_architecture(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        SPACE.parse([text])


@pytest.mark.parametrize("text", [B0, PLAIN])
def test_shapes_and_counts_are_torchs(text: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    (vector,) = SPACE.parse([text])
    module, graph = SPACE.module(vector, dataset="imagenet").eval(), SPACE.graph(vector, dataset="imagenet")
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)}))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(graph.operators[0].shape))
    assert graph.flops == counter.get_total_flops()
    assert graph.params == sum(parameter.numel() for parameter in module.parameters())
    known = [operator for operator in graph.operators if operator.kind not in ("input", "add", "mul")]
    assert {o.name: o.shape for o in known} == {o.name: shapes[o.name] for o in known}


def archive(nets: list[Any]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for number, net in enumerate(nets):
            content = json.dumps(net).encode()
            member = tarfile.TarInfo(f"./nets/result_{number}.json")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def net(architecture: dict[str, Any], top1: float, zcu102: float | None) -> dict[str, Any]:
    latencies = {"latency_zcu102": {"latency_mean": zcu102}, "latency_vck190": {"latency_mean": 2.0}}
    counts = {"params": 1.0, "macs": 2.0}
    return {
        "architecture": architecture,
        "metrics": {"val_top1": top1},
        "platform_perf": latencies,
        "model_info": counts,
    }


def convert(content: bytes) -> Contents:
    return dict(CONVERTERS["accel-nasbench"]({"a.tar.gz": content}, ("table",)))["table"]


def test_converter_joins_what_is_listed_twice() -> None:
    one, other = named("1666666", "3353553", "1223341", "sssssss"), named("1" * 7, "3" * 7, "1" * 7, "-" * 7)
    contents = convert(archive([net(one, 60.0, None), net(other, 50.0, None), net(one, 61.0, 3.0)]))
    assert SPACE.strings(contents.columns["architectures"]) == ["-".join(["e1k3l1"] * 7), B0]
    assert contents.columns["imagenet"].tolist() == [50.0, 60.5]
    np.testing.assert_array_equal(contents.columns["zcu102_latency_ms"], [np.nan, 3.0])
    assert contents.units["vck190_latency_ms"] == "ms" and contents.attributes["space"] == "accel-nasbench"


@pytest.mark.parametrize(
    "content",
    [b"no archive", archive([]), archive([{"architecture": {}}]), archive([[]])],
    ids=["none", "empty", "without a network", "of lists"],  # an archive holds the time
)
def test_converter_refuses_other_files(content: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.tar\.gz: expected an archive of Accel-NASBench's networks"):
        convert(content)


def normalised_and_pooled(vector: np.ndarray) -> int:
    """What the published counter adds to multiply-accumulates, from the operators."""
    graph = SPACE.graph(vector, dataset="imagenet")
    shapes = {operator.name: operator.shape for operator in graph.operators}
    added = 0
    for operator in graph.operators:
        if operator.kind == "batch_norm":
            added += 4 * int(np.prod(operator.shape))
        elif operator.kind == "global_avg_pool":
            added += int(np.prod(shapes[operator.inputs[0]]) + np.prod(operator.shape))
    return added


@pytest.mark.data
def test_published_counts(mirror: Path) -> None:
    """Parameters of all networks, and their published operations, to the last digit."""
    file = mirror / "accuracy-spaces/accel_nasbench/anb_dataset_jsons.tar.gz"
    if not file.exists():
        pytest.skip("the mirror has no Accel-NASBench")
    columns = convert(file.read_bytes()).columns
    vectors = columns["architectures"]
    counts = SPACE.counts(vectors, dataset="imagenet")
    assert len(vectors) == 5_125
    np.testing.assert_allclose(counts["params"], columns["params_m"] * 1e6, atol=0.01, rtol=0)
    for row in np.random.default_rng(0).choice(len(vectors), size=40, replace=False):
        assert counts["macs"][row] + normalised_and_pooled(vectors[row]) == round(columns["macs_m"][row] * 1e6)


def test_names() -> None:
    assert get_space("Accel-NASBench") is get_space("anb")
    assert SPACE.image_shape("imagenet") == (3, 224, 224) and SPACE.classes("imagenet") == 1000
