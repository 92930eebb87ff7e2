"""The module that is scored: built from the seed, its weights drawn anew or trained a little where asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import nn

from hwnas.arrays import Array, Integer
from hwnas.errors import UnknownNameError
from hwnas.proxies.batches import Batch
from hwnas.proxies.module_state import layer_weights
from hwnas.proxies.randomness import seeded
from hwnas.spaces import Space

# What becomes of the weights of convolutions and linear layers; biases and norms keep torch's defaults.
INITIALISATIONS: Final[Mapping[str, Callable[[torch.Tensor], object]]] = {
    "default": lambda _weight: None,
    "kaiming_normal": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "xavier_normal": nn.init.xavier_normal_,
    "gaussian": nn.init.normal_,
}
TRAINING_BATCH: Final = 64
LEARNING_RATE: Final = 0.1
WEIGHT_DECAY: Final = 5e-4


def initial_module(
    space: Space, vector: Integer[Array, " v"], *, dataset: str, seed: int, initialisation: str = "default"
) -> nn.Module:
    """The pruned network with weights that follow from `seed`; the global random state is left as it was."""
    if initialisation not in INITIALISATIONS:
        raise UnknownNameError("initialisation", initialisation, INITIALISATIONS)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = space.module(vector, dataset=dataset, pruned=True)
        with torch.no_grad():
            for weight in layer_weights(module):
                INITIALISATIONS[initialisation](weight)
    return module


def train_briefly(module: nn.Module, images: Batch, *, epochs: int, seed: int) -> None:
    """Train in place: SGD with Nesterov momentum 0.9 as NAS-Bench-201 does (learning rate 0.1, decay 5e-4).

    On the device of the module; the global random state is left as it was.
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(module.parameters()).device
    x, y = images.images.to(device), images.labels.to(device)
    optimiser = torch.optim.SGD(
        module.parameters(), lr=LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    module.train()
    with seeded(seed, device):  # of dropout
        for _ in range(epochs):
            order = torch.randperm(len(y), generator=generator).to(device)
            for rows in torch.split(order, TRAINING_BATCH):
                optimiser.zero_grad()
                loss = nn.functional.cross_entropy(module(x[rows]), y[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
    optimiser.zero_grad()
