"""Recurrent layers of torch modules: as many operators as layers, and multiply-accumulates by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.graphs import kernels_of, read_module  # noqa: E402
from hwnas.graphs.graph import RECURRENT_KINDS  # noqa: E402
from hwnas.proxies.inspection import inspect  # noqa: E402

INPUT, HIDDEN, STEPS, SEQUENCES = 20, 30, 7, 2
GATES = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}


class Sequence(nn.Module):
    """The features of all steps, without the states."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0].flatten(1)


@pytest.mark.parametrize("layer", GATES)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_each_layer_is_an_operator(layer: type[nn.Module], layers: int, ways: int, bias: bool) -> None:
    module = Sequence(layer(INPUT, HIDDEN, layers, bias=bias, batch_first=True, bidirectional=ways == 2))
    found = read_module(module, (SEQUENCES, STEPS, INPUT))
    assert inspect(module, torch.zeros(1, STEPS, INPUT), seed=0).counts["macs"] * SEQUENCES == found.macs
    first, *rest = [one for one in found.operators if one.kind in RECURRENT_KINDS]
    assert [one.kind for one in (first, *rest)] == [layer.__name__.lower()] * layers
    assert [one.inputs for one in rest] == [(one.name,) for one in (first, *rest)[:-1]]
    rows = ways * STEPS * SEQUENCES * GATES[layer] * HIDDEN
    assert first.macs == rows * (INPUT + HIDDEN)
    assert [one.macs for one in rest] == [rows * (ways * HIDDEN + HIDDEN)] * (layers - 1)
    assert found.params == sum(weight.numel() for weight in module.parameters())
    kernels = kernels_of(found)
    assert sum(kernel.macs for kernel in kernels) == found.macs
    modules = [kernel.module for kernel in kernels if kernel.kind in RECURRENT_KINDS]
    assert modules == ["layer", "layer, layer 1", "layer, layer 2"][:layers]


def test_a_projection_of_the_hidden_state() -> None:
    module = Sequence(nn.LSTM(INPUT, HIDDEN, proj_size=5))
    found = read_module(module, (STEPS, SEQUENCES, INPUT))
    assert found.macs == STEPS * SEQUENCES * HIDDEN * (4 * (INPUT + 5) + 5)
    assert found.params == sum(weight.numel() for weight in module.parameters())


def test_a_cell_is_one_step() -> None:
    class Cells(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.gru, self.rnn = (
                nn.LSTMCell(INPUT, 8),
                nn.GRUCell(8, 6),
                nn.RNNCell(6, 4, nonlinearity="relu"),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.rnn(self.gru(self.lstm(x)[0]))

    module = Cells()
    found = read_module(module, (SEQUENCES, INPUT))
    assert [one.macs for one in found.operators[1:]] == [
        SEQUENCES * 4 * 8 * (INPUT + 8), SEQUENCES * 3 * 6 * (8 + 6), SEQUENCES * 4 * (6 + 4)
    ]  # fmt: skip
    assert found.params == sum(weight.numel() for weight in module.parameters())
