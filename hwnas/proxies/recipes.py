"""What decides the scores of networks of a space, and the scores that follow from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import HwnasError, ProxyError
from hwnas.proxies.batches import Batch, Task
from hwnas.proxies.engine import score_module
from hwnas.proxies.initial_modules import initial_module, train_briefly
from hwnas.proxies.out_of_memory import is_out_of_memory
from hwnas.proxies.proxy import Need
from hwnas.proxies.registry import get_proxy, require_graphs
from hwnas.spaces import Space, get_space
from hwnas.spaces.fingerprint import fingerprint
from hwnas.spaces.own_methods import is_own
from hwnas.user_code import told

_DEFAULTS: Final = "torch's defaults"
_WITHOUT_RUNNING: Final[frozenset[Need]] = frozenset({"graph", "weights"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """All that decides the scores of a space.

    space, dataset: names. proxies: names in the order of the columns. batch: images and labels, on the CPU.
    seed: of every network's initial weights and of random inputs.
    initialisation: one of `INITIALISATIONS`. epochs: of training before the score, on the images of `training`.
    device: "cpu" or "cuda"; it changes rounding alone, and is no fact of the recipe.
    """

    space: str
    dataset: str
    proxies: tuple[str, ...]
    batch: Batch
    seed: int = 0
    initialisation: str = "default"
    epochs: int = 0
    training: Batch | None = None
    device: str = "cpu"

    def facts(self) -> dict[str, Any]:
        """The recipe as plain values; two tables with equal facts may be merged."""
        default = self.initialisation == "default"
        facts = {
            "space": self.space,
            "dataset": self.dataset,
            "seed": self.seed,
            "images": self.batch.source,
            "images_sha256": _sha256(self.batch),
            "initialisation": f"{_DEFAULTS if default else self.initialisation}, per network from the seed",
            "networks": "isomorphic networks share the score of the one with the smallest id",
        }
        if own := fingerprint(get_space(self.space)):
            facts["space_fingerprint"] = own
        if self.epochs and self.training is not None:
            facts |= {
                "epochs": self.epochs,
                "trained_on": self.training.source,
                "trained_sha256": _sha256(self.training),
            }
        return facts

    def constants(self) -> dict[str, dict[str, int | float]]:
        """Numbers that decide the score of single proxies, by the name of the proxy; those with none are left out.

        The revision of the formula is among them once there is a second one.
        """
        proxies = [get_proxy(name) for name in self.proxies]
        revised = {proxy.name: {"revision": proxy.revision} if proxy.revision > 1 else {} for proxy in proxies}
        numbers = {proxy.name: {**proxy.constants, **revised[proxy.name]} for proxy in proxies}
        return {name: found for name, found in numbers.items() if found}


def _sha256(batch: Batch) -> str:
    return hashlib.sha256(batch.images.numpy().tobytes() + batch.labels.numpy().tobytes()).hexdigest()


def task_of(space: Space, dataset: str) -> Task:
    """Image shape and classes that the networks of a space have for a data set."""
    return Task(dataset=dataset, image_shape=space.image_shape(dataset), classes=space.classes(dataset))


def score_networks(recipe: Recipe, vectors: Integer[Array, "k v"]) -> Float[Array, "k p"]:
    """Scores of architectures, columns in the order of the recipe's proxies, NaN where undefined; or `ProxyError`."""
    space, proxies = get_space(recipe.space), [get_proxy(name) for name in recipe.proxies]
    require_graphs(space, proxies)
    images = recipe.batch.images.to(recipe.device, memory_format=torch.channels_last)
    batch = Batch(images=images, labels=recipe.batch.labels.to(recipe.device), source=recipe.batch.source)
    rows = []
    # Convolutions in float32 also on a GPU, whose default of TF32 keeps ten bits.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for vector in vectors:
            module = initial_module(
                space, vector, dataset=recipe.dataset, seed=recipe.seed, initialisation=recipe.initialisation
            )
            # Channels last: 0.29 s instead of 0.55 s for forward and backward of 64 images on one core.
            module = module.to(recipe.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            if recipe.epochs and recipe.training is not None:
                train_briefly(module, recipe.training, epochs=recipe.epochs, seed=recipe.seed)
            graph = space.graph(vector, dataset=recipe.dataset) if space.has_graphs else None
            try:
                scores = score_module(module, batch, proxies, graph=graph, seed=recipe.seed)
            except Exception as error:
                if isinstance(error, HwnasError) or is_out_of_memory(error):
                    raise
                taken, got = space.image_shape(recipe.dataset), tuple(batch.images.shape[1:])
                if is_own(type(space)) and got == taken:
                    raise ProxyError(
                        f"expected {space.strings(vector[None])[0]} of {space.name} to be scored by "
                        f"{', '.join(recipe.proxies)} on images of shape {got}, got {told(error)}; mend the network, "
                        "or use other proxies"
                    ) from error
                if got == taken:
                    raise
                raise ProxyError(
                    f"expected networks of {space.name} to run on images of shape {got}, got {told(error)}; "
                    f"leave the size out, as theirs is {taken}"
                ) from error
            rows.append([scores[proxy.name] for proxy in proxies])
    return np.array(rows, dtype=np.float64).reshape(-1, len(proxies))


def without_impossible(recipe: Recipe, vectors: Integer[Array, "k v"]) -> tuple[Recipe, dict[str, str]]:
    """The recipe with those of its proxies that can score these networks, and why the others cannot, by name.

    Raises the `ProxyError` of all together where none can that runs the networks: then they do not run.
    """
    try:
        score_networks(recipe, vectors)
        return recipe, {}
    except ProxyError as error:
        together = error
    reasons = {}
    for name in recipe.proxies:
        try:
            score_networks(replace(recipe, proxies=(name,)), vectors)
        except ProxyError as error:
            reasons[name] = str(error)
    rest = tuple(name for name in recipe.proxies if name not in reasons)
    if all(get_proxy(name).needs <= _WITHOUT_RUNNING for name in rest):
        raise together
    return replace(recipe, proxies=rest), reasons
