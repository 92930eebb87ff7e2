"""The PiT space: counts against torch, and PiT-Ti, whose size was published."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from hwnas.errors import UsageError
from hwnas.spaces import PiT
from hwnas.spaces.pit_graph import PiTNet, build_graph
from hwnas.spaces.pit_module import Pool
from hwnas.testing import SpaceContract

SPACE = PiT()
STRING = "24-m2-d2h2-d8h4-d4h4"
PUBLISHED = {"base_dim": 24, "mlp_ratio": 2, "depth": [2, 8, 4], "num_heads": [2, 4, 4]}


class TestContract(SpaceContract):
    space = SPACE


def test_the_forms_name_one_network() -> None:
    (vector,) = SPACE.parse([STRING])
    np.testing.assert_array_equal(SPACE.from_published([PUBLISHED])[0], vector)
    np.testing.assert_array_equal(SPACE.parse([str(SPACE.index(vector[None])[0])])[0], vector)
    assert SPACE.net(vector) == PiTNet(head_width=24, ratio=2, depths=(2, 8, 4), heads=(2, 4, 4))
    assert SPACE.net(vector).widths == (48, 96, 96)


@pytest.mark.parametrize(
    "string",
    ["", "4320", "20-m2-d2h2-d8h4-d4h4", "24-m3-d2h2-d8h4-d4h4", "24-m2-d4h2-d8h4-d4h4", "24-m2-d2h4-d8h2-d4h4"],
)
def test_other_strings_are_refused(string: str) -> None:
    with pytest.raises(UsageError, match=r"is not an architecture of pit|indices 0 to 4319"):
        SPACE.parse([string])


@pytest.mark.parametrize("spoilt", [{"base_dim": 20}, {"depth": [2, 8]}, {"num_heads": [4, 2, 2]}, {"mlp_ratio": None}])
def test_other_published_networks_are_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected networks of pit"):
        SPACE.from_published([{**PUBLISHED, **spoilt}])


def test_every_combination_that_can_be_built_is_there() -> None:
    """Torch refuses a pool whose channels have no whole number of successors: 10 of 27 combinations of heads remain."""
    possible = set()
    for heads in product((2, 4, 8), repeat=3):
        try:
            with torch.device("meta"):
                Pool(heads[0], heads[1])
                Pool(heads[1], heads[2])
        except ValueError:
            continue
        possible.add(heads)
    vectors = SPACE.all_vectors()
    assert {SPACE.net(vector).heads for vector in vectors[:10]} == possible
    assert (
        len(set(SPACE.strings(vectors))) == len(np.unique(SPACE.network_id(vectors))) == SPACE.size == 4 * 4 * 27 * 10
    )


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


def test_pit_ti_has_its_published_size() -> None:
    """PiT-Ti of Heo 2021: timm lists 4.85 million parameters and 0.71 GMACs."""
    graph = build_graph(PiTNet(head_width=32, ratio=4, depths=(2, 6, 4), heads=(2, 4, 8)), classes=1000)
    assert round(graph.params / 1e6, 2) == 4.85
    assert graph.macs == pytest.approx(0.71e9, rel=0.02)  # timm counts norms and softmax too


def test_pool_halves_the_map_and_keeps_places() -> None:
    """Kernels that pass the pixel in the middle on: tokens at even rows and columns remain, the class token apart."""
    pool = Pool(2, 2)
    with torch.no_grad():
        for parameter in pool.parameters():
            parameter.zero_()
        pool.conv.weight[:, 0, 1, 1] = 1.0
        pool.fc.weight.copy_(-torch.eye(2))
    tokens = torch.arange(26.0).repeat(2, 1).T[None]  # token number, in both channels; 0 is the class token
    kept = pool(tokens + 1)[0, :, 0].tolist()
    assert kept == [-1, *(1 + 1 + 5 * row + column for row in (0, 2, 4) for column in (0, 2, 4))]


def test_blocks_shrink_between_stages() -> None:
    vector = SPACE.parse([STRING])[0]
    with torch.device("meta"):
        module, shapes = SPACE.module(vector, dataset="chaoyang"), []
        for block in module.blocks:
            block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
        module(torch.empty(1, 3, 224, 224))
    assert shapes == [(730, 48)] * 2 + [(197, 96)] * 8 + [(50, 96)] * 4


def test_the_classifier_reads_the_class_token() -> None:
    """Its gradient reaches every layer; the logits depend on the images."""
    torch.manual_seed(0)
    module = SPACE.module(SPACE.parse(["16-m2-d1h2-d4h2-d2h2"])[0], dataset="chaoyang")
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    logits = module(images)
    assert logits.shape == (2, 4) and not torch.equal(logits[0], logits[1])
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())
