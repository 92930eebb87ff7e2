"""Converters of vision transformers and named models on synthetic files of the published forms."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

from hwnas.data.converters import CONVERTERS
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import AutoFormer, ImageNetModels, PiT
from hwnas.spaces.imagenet_families import MODELS


def torch_file(value: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
    return buffer.getvalue()


def convert(source: str, table: str, **files: bytes) -> Contents:
    ((name, contents),) = CONVERTERS[source](files, (table,))
    assert name == table
    return contents


def autoformer(depth: int, **accuracies: float | None) -> dict[str, Any]:
    layers = {"mlp_ratio": [4.0] * depth, "num_heads": [3] * depth}
    return {"arch": {"hidden_dim": 216, "depth": depth, **layers}, **accuracies}


PIT = {"arch": {"base_dim": 16, "mlp_ratio": 6, "depth": [2, 8, 4], "num_heads": [2, 4, 4]}, "flower_base_acc": 50.5}


def test_autoformer_takes_both_files_and_keeps_gaps() -> None:
    one = torch_file([autoformer(12, c100_base_acc=61.5, c100_kd_acc=70.0, imagenet_super_acc=71.0)])
    other = torch_file([autoformer(14, c100_base_acc=None, c100_kd_acc=72.5)])
    contents = convert("autoprox-vit", "autoprox-autoformer", one=one, other=other)
    strings = AutoFormer().strings(contents.columns["architectures"])
    assert strings == ["216" + "-h3m4" * 12, "216" + "-h3m4" * 14]
    np.testing.assert_array_equal(contents.columns["cifar100_base"], [61.5, np.nan])
    np.testing.assert_array_equal(contents.columns["cifar100_kd"], [70.0, 72.5])
    np.testing.assert_array_equal(contents.columns["imagenet_inherited"], [71.0, np.nan])
    assert set(contents.columns) == {"architectures", *contents.units} and set(contents.units.values()) == {"%"}


def test_pit() -> None:
    contents = convert("autoprox-vit", "autoprox-pit", one=torch_file([PIT]))
    assert PiT().strings(contents.columns["architectures"]) == ["16-m6-d2h2-d8h4-d4h4"]
    assert contents.columns["flowers_base"].tolist() == [50.5]
    assert set(contents.columns) == {"architectures", "flowers_base"}


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ([PIT, PIT], "each network once"),
        ([{"arch": PIT["arch"]}], "with accuracies"),
        ([{"flower_base_acc": 1.0}], "'arch'"),
        ([{**PIT, "flower_base_acc": "high"}], "could not convert"),
        ([autoformer(12, c100_kd_acc=1.0)], "'base_dim'"),
        ([3], "not iterable"),
        (7, "not iterable"),
    ],
)
def test_other_forms_are_refused(networks: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert("autoprox-vit", "autoprox-pit", one=torch_file(networks))


def results(rows: list[tuple[str, int, float]]) -> bytes:
    lines = [f'{entry},{size},{top1},{100 - top1},"1,282.60"' for entry, size, top1 in rows]
    return "\n".join(["model,img_size,top1,top1_err,param_count", *lines]).encode()


def test_timm_takes_the_smallest_images_of_each_model() -> None:
    rows = [(model.entry, size, number / 4 + size / 1024) for number, model in enumerate(MODELS) for size in (288, 224)]
    rows[1] = (rows[1][0], 320, 99.0)  # the first model was not tested on 224
    contents = convert("timm-imagenet", "imagenet-models", results=results([("another.in1k", 224, 1.0), *rows]))
    sizes = np.array([288, *[224] * (len(MODELS) - 1)])
    np.testing.assert_array_equal(contents.columns["image_size"], sizes)
    np.testing.assert_allclose(contents.columns["imagenet"], np.arange(len(MODELS)) / 4 + sizes / 1024)
    assert ImageNetModels().strings(contents.columns["architectures"]) == [model.name for model in MODELS]
    assert contents.units == {"imagenet": "%"}


def test_timm_without_a_model_is_refused() -> None:
    rows = [(model.entry, 224, 70.0) for model in MODELS if model.name != "resnet50"]
    with pytest.raises(DataError, match=r"expected a row of 'resnet50\.a1_in1k', got 76 other models"):
        convert("timm-imagenet", "imagenet-models", results=results(rows))
    with pytest.raises(DataError, match="expected a column 'model'"):
        convert("timm-imagenet", "imagenet-models", results=b"name,top1\n")
