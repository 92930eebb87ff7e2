"""From what a scoring is asked to the recipe that decides its scores. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hwnas.api.computing import torch_device
from hwnas.api.score_forms import ScoreSettings
from hwnas.proxies import Proxy
from hwnas.spaces import Space

if TYPE_CHECKING:
    from hwnas.proxies.recipes import Recipe


def make_recipe(space: Space, dataset: str, proxies: Sequence[Proxy], settings: ScoreSettings) -> Recipe:
    """What decides the scores of a space with these settings. Needs torch."""
    from hwnas.proxies.batches import load_batch, noise_batch
    from hwnas.proxies.recipes import Recipe, task_of

    device = torch_device(settings.device)
    task = task_of(space, dataset)
    if settings.side is not None:
        task = replace(task, image_shape=(task.image_shape[0], settings.side, settings.side))
        batch = noise_batch(task, size=settings.most_images, seed=settings.seed)
    else:
        size, most = settings.batch_size, settings.most_images
        batch = load_batch(task, images=settings.images, size=size, most=most, seed=settings.seed)
    names = tuple(proxy.name for proxy in proxies)
    return Recipe(space=space.name, dataset=dataset, proxies=names, batch=batch, seed=settings.seed, device=device)
