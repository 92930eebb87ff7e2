"""What decides the scores of networks of a space, and the scores that follow from it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hwnas.arrays import Array, Float, Integer
from hwnas.errors import ProxyError
from hwnas.proxies.batches import Batch, Task
from hwnas.proxies.engine import score_module
from hwnas.proxies.registry import get_proxy
from hwnas.spaces import Space, get_space


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """All that decides the scores of a space.

    space, dataset: names. proxies: names in the order of the columns. batch: images and labels, on the CPU.
    seed: of every network's initial weights and of random inputs.
    device: "cpu" or "cuda"; it changes rounding alone, and is no fact of the recipe.
    """

    space: str
    dataset: str
    proxies: tuple[str, ...]
    batch: Batch
    seed: int = 0
    device: str = "cpu"

    def facts(self) -> dict[str, Any]:
        """The recipe as plain values; two tables with equal facts may be merged."""
        images = self.batch.images.numpy().tobytes() + self.batch.labels.numpy().tobytes()
        return {
            "space": self.space,
            "dataset": self.dataset,
            "seed": self.seed,
            "images": self.batch.source,
            "images_sha256": hashlib.sha256(images).hexdigest(),
            "initialisation": "torch's defaults, per network from the seed",
            "networks": "isomorphic networks share the score of the one with the smallest id",
        }

    def constants(self) -> dict[str, dict[str, int | float]]:
        """Numbers that decide the score of single proxies, by the name of the proxy; those with none are left out."""
        proxies = [get_proxy(name) for name in self.proxies]
        return {proxy.name: dict(proxy.constants) for proxy in proxies if proxy.constants}


def task_of(space: Space, dataset: str) -> Task:
    """Image shape and classes that the networks of a space have for a data set."""
    operators = space.graph(space.sample(1, seed=0)[0], dataset=dataset).operators
    return Task(dataset=dataset, image_shape=operators[0].shape[1:], classes=operators[-1].shape[1])


def score_networks(recipe: Recipe, vectors: Integer[Array, "k v"]) -> Float[Array, "k p"]:
    """Scores of architectures, columns in the order of the recipe's proxies. Raises `ProxyError`, also for NaN."""
    space, proxies = get_space(recipe.space), [get_proxy(name) for name in recipe.proxies]
    images = recipe.batch.images.to(recipe.device, memory_format=torch.channels_last)
    batch = Batch(images=images, labels=recipe.batch.labels.to(recipe.device), source=recipe.batch.source)
    rows = []
    # Convolutions in float32 also on a GPU, whose default of TF32 keeps ten bits.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for vector in vectors:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(recipe.seed)
                module = space.module(vector, dataset=recipe.dataset, pruned=True)
            # Channels last: 0.29 s instead of 0.55 s for forward and backward of 64 images on one core.
            module = module.to(recipe.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            graph = space.graph(vector, dataset=recipe.dataset)
            scores = score_module(module, batch, proxies, graph=graph, seed=recipe.seed)
            undefined = [name for name, value in scores.items() if math.isnan(value)]
            if undefined:
                raise ProxyError(f"{undefined[0]} gives NaN for {space.strings(vector[None])[0]}; leave the proxy out")
            rows.append([scores[proxy.name] for proxy in proxies])
    return np.array(rows, dtype=np.float64).reshape(-1, len(proxies))
