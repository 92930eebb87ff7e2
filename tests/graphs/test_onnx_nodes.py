"""Single operators as ONNX computes them, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwnas.arrays import Array
from hwnas.graphs import Graph, Operator
from hwnas.graphs.onnx_file import onnx_model

pytest.importorskip("onnx")
IMAGES = np.random.default_rng(0).normal(scale=3.0, size=(2, 4, 6, 6)).astype(np.float32)


def computed(kind: str, shape: tuple[int, ...], images: Array = IMAGES, **attributes: int) -> Any:
    """What one operator makes of the images; `shape` is its output's for one image."""
    runtime = pytest.importorskip("onnxruntime")
    image = Operator(name="input", kind="input", inputs=(), shape=(1, *images.shape[1:]))
    operator = Operator(name="it", kind=kind, inputs=("input",), shape=shape, attributes=attributes)
    model = onnx_model(Graph(operators=(image, operator)), batch_size=len(images))
    return runtime.InferenceSession(model.SerializeToString()).run(None, {"input": images})[0]


def test_activations() -> None:
    gate = np.clip(IMAGES / 6 + 0.5, 0, 1)
    shape = (1, 4, 6, 6)
    np.testing.assert_allclose(computed("relu", shape), np.maximum(IMAGES, 0))
    np.testing.assert_allclose(computed("hard_sigmoid", shape), gate, atol=1e-6)
    np.testing.assert_allclose(computed("hard_swish", shape), IMAGES * gate, atol=1e-5)
    np.testing.assert_allclose(computed("identity", shape), IMAGES)


def test_zero_may_change_the_shape() -> None:
    assert (computed("zero", (1, 4, 6, 6)) == np.zeros((2, 4, 6, 6))).all()
    assert (computed("zero", (1, 4, 3, 3), stride=2) == np.zeros((2, 4, 3, 3))).all()
    assert (computed("zero", (1, 9, 3, 3), stride=2) == np.zeros((2, 9, 3, 3))).all()


def test_pad_and_crop() -> None:
    padded = computed("pad", (1, 4, 7, 8))
    assert (padded[:, :, :6, :6] == IMAGES).all() and not padded[:, :, 6:].any() and not padded[:, :, :, 6:].any()
    assert (computed("crop", (1, 4, 5, 4)) == IMAGES[:, :, 1:, 2:]).all()


def test_channel_shuffle_takes_the_groups_in_turn() -> None:
    shuffled = computed("channel_shuffle", (1, 4, 6, 6), groups=2)
    assert (shuffled == IMAGES[:, [0, 2, 1, 3]]).all()


def test_pooling() -> None:
    np.testing.assert_allclose(computed("global_avg_pool", (1, 4)), IMAGES.mean(axis=(2, 3)), rtol=1e-4, atol=1e-6)
    assert computed("global_avg_pool", (1, 4, 1, 1)).shape == (2, 4, 1, 1)
    pooled = computed("avg_pool", (1, 4, 6, 6), kernel=3, stride=1, padding=1)
    # A corner has four pixels of the image in its window; those outside do not count.
    np.testing.assert_allclose(pooled[:, :, 0, 0], IMAGES[:, :, :2, :2].mean(axis=(2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pooled[:, :, 2, 3], IMAGES[:, :, 1:4, 2:5].mean(axis=(2, 3)), rtol=1e-4, atol=1e-6)


def test_sums_of_three_and_a_linear_layer_on_an_image_of_one_pixel() -> None:
    runtime = pytest.importorskip("onnxruntime")
    image = Operator(name="input", kind="input", inputs=(), shape=(1, 3, 1, 1))
    total = Operator(name="sum", kind="add", inputs=("input",) * 3, shape=(1, 3, 1, 1))
    layer = Operator(name="fc", kind="linear", inputs=("sum",), shape=(1, 2), attributes={"in_features": 3, "bias": 0})
    model = onnx_model(Graph(operators=(image, total, layer)), batch_size=2, seed=1)
    weight = np.frombuffer(model.graph.initializer[0].raw_data, dtype=np.float32).reshape(2, 3)
    assert model.graph.initializer[0].name == "fc.weight"
    images = IMAGES[:, :3, :1, :1]
    found = runtime.InferenceSession(model.SerializeToString()).run(None, {"input": images})[0]
    np.testing.assert_allclose(found, 3 * images[:, :, 0, 0] @ weight.T, rtol=1e-5)
