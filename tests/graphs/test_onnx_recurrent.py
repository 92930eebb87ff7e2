"""Recurrent layers of ONNX files: their multiply-accumulates by hand, whatever is left out or turned."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from hwnas.graphs import kernels_of, read_onnx
from hwnas.graphs.module_export import module_onnx_bytes

onnx = pytest.importorskip("onnx")
INPUT, HIDDEN, STEPS, SEQUENCES = 20, 30, 7, 2
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def content(kind: str, shape: list[int], outputs: list[str], *, direction: str, layout: int) -> bytes:
    """A file of one layer that reads `x` of this shape."""
    ways = 1 + (direction == "bidirectional")
    arrays = {
        name: onnx.numpy_helper.from_array(np.ones((ways, GATES[kind] * HIDDEN, width), dtype=np.float32), name)
        for name, width in (("w", INPUT), ("r", HIDDEN))
    }
    options = {"hidden_size": HIDDEN, "direction": direction, "layout": layout}
    layer = onnx.helper.make_node(kind, ["x", *arrays], outputs, **options)
    ends = [onnx.helper.make_tensor_value_info(name, 1, dims) for name, dims in (("x", shape), ("y", None))]
    graph = onnx.helper.make_graph([layer], "g", ends[:1], ends[1:], list(arrays.values()))
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=9)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize(("kind", "direction"), [("LSTM", "forward"), ("LSTM", "bidirectional"), ("GRU", "reverse")])
@pytest.mark.parametrize(
    ("shape", "outputs", "layout"),
    [
        ([STEPS, SEQUENCES, INPUT], ["y"], 0),
        ([STEPS, SEQUENCES, INPUT], ["", "y"], 0),
        ([SEQUENCES, STEPS, INPUT], ["y"], 1),
    ],
)
def test_each_step_meets_a_matrix_for_each_gate(
    kind: str, direction: str, shape: list[int], outputs: list[str], layout: int
) -> None:
    """In each direction, from the equations of the operators in ONNX."""
    ways = 2 if direction == "bidirectional" else 1
    found = read_onnx(content(kind, shape, outputs, direction=direction, layout=layout))
    (layer,) = found.operators[1:]
    assert (layer.kind, layer.name) == (kind.lower(), "y")
    assert found.macs == ways * STEPS * SEQUENCES * GATES[kind] * (HIDDEN * INPUT + HIDDEN * HIDDEN)
    assert found.params == ways * GATES[kind] * HIDDEN * (INPUT + HIDDEN)
    (kernel,) = kernels_of(found)
    assert kernel.macs == found.macs
    features = {"batch": SEQUENCES, "steps": STEPS, "directions": ways, "gate_rows": GATES[kind] * HIDDEN}
    assert features.items() <= kernel.features().items() and kernel.features()["inner"] == INPUT + HIDDEN


def test_a_plain_recurrent_layer_has_one_gate() -> None:
    found = read_onnx(content("RNN", [7, 2, 20], ["y"], direction="bidirectional", layout=0))
    assert found.macs == 2 * 7 * 2 * (30 * 20 + 30 * 30)


def test_the_state_in_which_a_layer_begins_is_not_trained() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.LSTM(INPUT, HIDDEN, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)[0]

    found = read_onnx(module_onnx_bytes(Layer().eval(), (1, STEPS, INPUT)))
    assert found.params == sum(parameter.numel() for parameter in Layer().parameters())
