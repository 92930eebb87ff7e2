"""ONNX files against the torch modules of the same architectures, and against what is known of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from hwnas.errors import UsageError
from hwnas.graphs import Graph, Operator
from hwnas.graphs.onnx_file import onnx_bytes, onnx_model
from hwnas.spaces import SPACES, get_space

onnx = pytest.importorskip("onnx")
CONVOLUTIONAL = (
    "nasbench201",
    "fbnet",
    "ofa",
    "nas-bench-macro",
    "transnas-micro",
    "nats-size",
    "darts",
    "accel-nasbench",
)


def initializers(model: Any) -> dict[str, Any]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def run(model: Any, images: Any) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(model.SerializeToString()).run(None, {"input": images})[0]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_it_computes_what_the_module_computes(name: str) -> None:
    """The module takes the file's weights by their names, and gives the same logits for a batch of two."""
    torch = pytest.importorskip("torch")
    space = get_space(name)
    vector, dataset = space.sample(1, seed=1)[0], space.datasets[0]
    graph = space.graph(vector, dataset=dataset)
    model = onnx_model(graph, batch_size=2, seed=3)
    module = space.module(vector, dataset=dataset).eval()
    weights = {name: torch.from_numpy(array.copy()) for name, array in initializers(model).items()}
    known = module.state_dict()
    module.load_state_dict({**known, **{name: value for name, value in weights.items() if name in known}})
    parameters = dict(module.named_parameters())
    assert parameters.keys() <= weights.keys(), "every parameter of the module is in the file"
    images = np.random.default_rng(0).normal(size=(2, *graph.operators[0].shape[1:])).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(images)).numpy()
    found = run(model, images)
    assert np.isfinite(found).all() and np.ptp(found) > 0
    np.testing.assert_allclose(found, expected, atol=3e-5 * np.abs(expected).max())


def test_operations_are_written_as_they_are_dead_ones_too() -> None:
    space = get_space("nasbench201")
    strings = [
        "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    ]
    one, none = (onnx_model(space.graph(vector, dataset="cifar10")) for vector in space.parse(strings))
    kinds = [Counter(node.op_type for node in model.graph.node) for model in (one, none)]
    # Fifteen cells of six edges; beside the cells the stem and two reductions of three convolutions each.
    assert kinds[1]["Mul"] == 15 * 6 and kinds[1]["Conv"] == 1 + 2 * 3
    assert kinds[0]["Mul"] == 15 * 5 and kinds[0]["Conv"] == 1 + 2 * 3 + 15
    assert kinds[0]["BatchNormalization"] == kinds[1]["BatchNormalization"] + 15


def test_old_runtimes_can_read_it() -> None:
    space = get_space("nasbench201")
    model = onnx_model(space.graph(space.sample(1, seed=0)[0], dataset="cifar100"), batch_size=4)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)] and model.ir_version == 7
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == [4, 3, 32, 32] and model.graph.input[0].name == "input" and model.graph.output[0].name == "logits"


def test_the_same_seed_gives_the_same_bytes() -> None:
    space = get_space("nasbench201")
    graph = space.graph(space.sample(1, seed=0)[0], dataset="cifar10")
    assert onnx_bytes(graph, seed=5) == onnx_bytes(graph, seed=5) != onnx_bytes(graph, seed=6)


def test_no_value_is_denormal_and_no_batch_norm_the_identity() -> None:
    space = get_space("nasbench201")
    for vector in space.sample(3, seed=4):
        arrays = initializers(onnx_model(space.graph(vector, dataset="cifar10")))
        smallest = float(np.finfo(np.float32).tiny)
        for name, array in arrays.items():
            assert array.dtype == np.int64 or name == "zero" or np.abs(array[array != 0]).min() > smallest, name
        variances = np.concatenate([array for name, array in arrays.items() if name.endswith("running_var")])
        assert 0.9 <= variances.min() < variances.max() <= 1.1


def test_weights_have_hes_variance() -> None:
    space = get_space("nasbench201")
    arrays = initializers(onnx_model(space.graph(space.parse(["15624"])[0], dataset="cifar10")))
    arrays |= initializers(onnx_model(space.graph(space.parse(["11718"])[0], dataset="cifar10")))
    weights = [array for name, array in arrays.items() if array.ndim == 4 and array.size > 8000]
    assert weights
    for array in weights:
        assert array.std() == pytest.approx(np.sqrt(2 / np.prod(array.shape[1:])), rel=0.05)


def test_what_has_no_form_is_named() -> None:
    image = Operator(name="input", kind="input", inputs=(), shape=(1, 3, 8, 8))
    odd = Operator(name="odd", kind="fourier", inputs=("input",), shape=(1, 3, 8, 8))
    with pytest.raises(UsageError, match=r"expected operators that have an ONNX form .* got 'odd' of kind 'fourier'"):
        onnx_bytes(Graph(operators=(image, odd)))
    with pytest.raises(UsageError, match="batch size of at least 1, got 0"):
        onnx_bytes(Graph(operators=(image,)), batch_size=0)
    for space in SPACES.values():
        if space.has_graphs and space.name not in CONVOLUTIONAL:
            with pytest.raises(UsageError, match="of kind"):
                onnx_bytes(space.graph(space.sample(1, seed=0)[0], dataset=space.datasets[0]))
