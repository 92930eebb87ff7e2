"""The module that is scored: weights that follow from the seed, drawn anew, or trained a little."""

from __future__ import annotations

import numpy as np
import pytest

from hwnas.errors import UnknownNameError
from hwnas.spaces import get_space

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from hwnas.proxies.batches import Batch, noise_batch  # noqa: E402
from hwnas.proxies.initial_modules import INITIALISATIONS, initial_module, train_briefly  # noqa: E402
from hwnas.proxies.recipes import Recipe, score_networks, task_of  # noqa: E402

SPACE = get_space("nasbench201")
VECTOR = SPACE.parse(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"])[0]


def module_of(seed: int = 0, initialisation: str = "default") -> nn.Module:
    return initial_module(SPACE, VECTOR, dataset="cifar10", seed=seed, initialisation=initialisation)


def test_weights_follow_from_the_seed_and_global_state_stays() -> None:
    before = torch.random.get_rng_state()
    one, same, other = module_of(0), module_of(0), module_of(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = [module.get_parameter("stem.0.weight") for module in (one, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("kaiming_normal", lambda fan_in, fan_out: (2 / fan_in) ** 0.5),
        ("xavier_normal", lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5),
        ("gaussian", lambda fan_in, fan_out: 1.0),
    ],
)
def test_spread_of_the_weights(name: str, spread) -> None:
    """The published standard deviations (He 2015, eq. 10; Glorot 2010, eq. 12), on a layer of 64 x 64 x 3 x 3."""
    weight = module_of(initialisation=name).get_parameter("cells.12.layers.0.op.1.weight")
    assert weight.shape == (64, 64, 3, 3)
    assert weight.std().item() == pytest.approx(spread(576, 576), rel=0.02)


def test_an_unknown_initialisation_is_named() -> None:
    with pytest.raises(UnknownNameError, match="kaiming_normal"):
        module_of(initialisation="kaiming_normale")


def test_each_initialisation_and_training_has_its_own_facts_and_scores() -> None:
    task = task_of(SPACE, "cifar10")
    batch, training = noise_batch(task, size=4, seed=0), noise_batch(task, size=16, seed=1)
    recipes = [
        Recipe(space="nasbench201", dataset="cifar10", proxies=("snip",), batch=batch, initialisation=name)
        for name in INITIALISATIONS
    ]
    recipes.append(
        Recipe(space="nasbench201", dataset="cifar10", proxies=("snip",), batch=batch, epochs=1, training=training)
    )
    scores = [score_networks(recipe, VECTOR[None])[0, 0] for recipe in recipes]
    assert len(set(scores)) == len({str(recipe.facts()) for recipe in recipes}) == 5
    assert np.isfinite(scores).all()


def test_training_lowers_the_loss_and_can_be_repeated() -> None:
    torch.manual_seed(0)
    images = noise_batch(task_of(SPACE, "cifar10"), size=32, seed=0)
    losses, weights = [], []
    for epochs in (0, 16, 16):
        module = module_of()
        train_briefly(module, images, epochs=epochs, seed=0)
        losses.append(nn.functional.cross_entropy(module(images.images), images.labels).item())
        weights.append(module.get_parameter("stem.0.weight").detach().clone())
        assert all(parameter.grad is None for parameter in module.parameters())
    assert losses[1] < 0.8 * losses[0]
    torch.testing.assert_close(weights[1], weights[2])


def test_dropout_in_training_follows_from_the_seed() -> None:
    images = Batch(images=torch.randn(8, 4), labels=torch.arange(8) % 2, source="noise")
    weights = []
    for _ in range(2):
        module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2))
        for parameter in module.parameters():
            nn.init.constant_(parameter, 0.1)
        before = torch.get_rng_state()
        train_briefly(module, images, epochs=2, seed=3)
        assert torch.equal(torch.get_rng_state(), before)
        weights.append(module[0].weight.detach().clone())
    assert torch.equal(*weights)
