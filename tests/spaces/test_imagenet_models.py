"""Named ImageNet models: sizes against timm's published tables, modules against the shipped counts."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hwnas.errors import MissingExtraError, UnknownNameError, UsageError
from hwnas.spaces import ImageNetModels
from hwnas.spaces.imagenet_counts import count, shipped_counts
from hwnas.spaces.imagenet_families import FAMILIES, MODELS
from hwnas.testing import SpaceContract

SPACE = ImageNetModels()
ALL = SPACE.all_vectors()
MACS = SPACE.counts(ALL, dataset="imagenet")["macs"]
SMALLEST = [
    min((i for i, model in enumerate(MODELS) if model.family == family), key=lambda i: MACS[i]) for family in FAMILIES
]


class TestContract(SpaceContract):
    space = SPACE


def test_names() -> None:
    assert len(MODELS) == SPACE.size >= 40
    assert {model.family for model in MODELS} == set(FAMILIES)
    (number,) = (i for i, model in enumerate(MODELS) if model.name == "resnet50")
    for form in ("resnet50", " ResNet50 ", "resnet50.a1_in1k", str(number)):
        np.testing.assert_array_equal(SPACE.parse([form]), [[number]])
    with pytest.raises(UnknownNameError, match="did you mean 'resnet50'"):
        SPACE.parse(["resnet_50"])


def test_there_is_no_graph_and_the_message_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="no graphs of its networks, one of 'resnet18' was asked for; take `counts`"):
        SPACE.graph(ALL[0], dataset="imagenet")


@pytest.mark.data
def test_parameters_are_those_that_timm_publishes(mirror: Path) -> None:
    """Every model, to the two decimals of a million that the published table has."""
    with (mirror / "timm/results-imagenet.csv").open(newline="") as file:
        published = {row["model"]: row["param_count"] for row in csv.DictReader(file)}
    for model, params in zip(MODELS, shipped_counts()[:, 0].tolist(), strict=True):
        assert f"{params / 1e6:.2f}" == published[model.entry], model.entry


@pytest.mark.data
def test_multiply_accumulates_are_those_that_timm_publishes(mirror: Path) -> None:
    """Within 4 % (timm counts norms, pooling and gates too), of every model that timm ran on images of 224."""
    with (mirror / "timm/benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["infer_img_size"] == "224" and row["infer_gmacs"]]
    published = {row["model"]: float(row["infer_gmacs"]) for row in rows}
    compared = [i for i, model in enumerate(MODELS) if model.name in published]
    assert len(compared) > 50
    ratios = MACS[compared] / 1e9 / [published[MODELS[i].name] for i in compared]
    assert (np.abs(ratios - 1) < 0.04).all()


@pytest.mark.data
def test_weights_saw_the_images_of_imagenet_1k_alone(mirror: Path) -> None:
    """Names of weights that saw other images or a teacher say so."""
    with (mirror / "timm/results-imagenet.csv").open(newline="") as file:
        entries = {row["model"] for row in csv.DictReader(file)}
    for model in MODELS:
        assert model.entry in entries and model.weights.endswith("in1k")
        assert not any(
            word in model.weights for word in ("in21k", "in22k", "in12k", "dist", "laion", "jft", "ns", "ssl")
        )


@pytest.fixture(scope="module")
def transformers():
    return pytest.importorskip("transformers", reason="needs the extra 'models'")


@pytest.mark.parametrize("number", SMALLEST, ids=[MODELS[i].family for i in SMALLEST])
def test_the_smallest_of_each_family(transformers, number: int) -> None:
    """The shipped counts can be made again; blocks are found, and each gives a feature map of its own."""
    assert count(MODELS[number]) == tuple(shipped_counts()[number])
    with torch.device("meta"):
        module, outputs = SPACE.module(ALL[number], dataset="imagenet"), []
        for block in module.blocks:
            block.register_forward_hook(lambda _, __, output: outputs.append(output))
        assert module(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
    maps = [output[0] if isinstance(output, tuple) else output for output in outputs]
    assert len(maps) == len(module.blocks) >= 8 and len(set(map(id, module.blocks))) == len(maps)
    assert all(feature_map.shape[0] == 2 and feature_map.ndim in (3, 4) for feature_map in maps)
    assert maps[0].numel() >= maps[-1].numel()
    rates = [getattr(layer, name, None) for layer in module.modules() for name in ("p", "drop_prob", "drop_path_rate")]
    assert not any(rates), "dropout and stochastic depth belong to a training"


@pytest.mark.parametrize("name", ["mobilenetv2_050", "deit_tiny_patch16_224"])
def test_a_network_can_be_repeated_and_differentiated_twice(transformers, name: str) -> None:
    """Weights follow the seed, the output follows from them, and its second derivative exists."""
    (vector,) = SPACE.parse([name])
    modules = []
    for _ in range(2):
        torch.manual_seed(5)
        modules.append(SPACE.module(vector, dataset="imagenet"))
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    images = torch.cat([images, images.flip(3)])
    first, again, other = modules[0](images), modules[0](images), modules[1](images)
    assert torch.equal(first, again) and torch.equal(first, other)
    weights = list(modules[0].parameters())
    gradients = torch.autograd.grad(first.square().sum(), weights, create_graph=True)
    second = torch.autograd.grad(sum(gradient.square().sum() for gradient in gradients), weights)
    assert all(torch.isfinite(gradient).all() for gradient in second)


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"hwnas\[models\]"):
        SPACE.module(ALL[0], dataset="imagenet")
