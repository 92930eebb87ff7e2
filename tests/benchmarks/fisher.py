"""Readings of the Fisher proxy beside published ranks: `python tests/benchmarks/fisher.py [--nets 300]`.

Abdelfattah 2021 reports Spearman 0.36 / 0.39 / 0.33 with the accuracies of NAS-Bench-201 (CIFAR-10 / CIFAR-100 /
ImageNet16-120). Their text follows Turner 2020, who adds one saliency for each channel; their code counts each channel
as often as it has weights, and so does `fisher`. Here the same networks are ranked by both, with and without the
classifier, and with the saliency taken before the sum over positions. Reads `hwnas data pull nats-bench images`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import nn

from hwnas.api.accuracy import distinct_networks, known_networks, true_accuracy
from hwnas.metrics import spearman
from hwnas.proxies.batches import Batch, load_batch
from hwnas.proxies.initial_modules import initial_module
from hwnas.proxies.recipes import task_of
from hwnas.spaces import get_space

PUBLISHED: Final = {"cifar10": 0.36, "cifar100": 0.39, "ImageNet16-120": 0.33}
SPACE: Final = get_space("nasbench201")


def main() -> None:
    """Spearman's rho of each reading, for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", nargs="+", default=list(PUBLISHED))
    parser.add_argument("--nets", type=int, default=300)
    arguments = parser.parse_args()
    for dataset in arguments.dataset:
        batch = load_batch(task_of(SPACE, dataset), size=64)
        accuracy = true_accuracy(SPACE, dataset)
        vectors = distinct_networks(SPACE, accuracy, limit=arguments.nets, seed=0)
        networks, percent = known_networks(SPACE, accuracy)
        known = dict(zip(SPACE.canonical_id(SPACE.network_id(networks)).tolist(), percent.tolist(), strict=True))
        truth = np.array([known[i] for i in SPACE.canonical_id(SPACE.network_id(vectors)).tolist()])
        rows = [readings(initial_module(SPACE, vector, dataset=dataset, seed=0), batch) for vector in vectors]
        print(f"{dataset}: {len(vectors)} distinct networks, {batch.source}; published {PUBLISHED[dataset]:.2f}")
        for name in rows[0]:
            print(f"  {name:40s} {spearman(np.array([row[name] for row in rows]), truth):.3f}", flush=True)


def readings(module: nn.Module, batch: Batch) -> Mapping[str, float]:
    """Sums of saliencies: half the mean over images of (activation times gradient)^2, by channels or units."""
    outputs: list[tuple[nn.Module, torch.Tensor]] = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(lambda layer, _inputs, output: outputs.append((layer, output)))
    loss = nn.functional.cross_entropy(module.train()(batch.images), batch.labels)
    found = torch.autograd.grad(loss, [output for _, output in outputs], allow_unused=True)
    sums = dict.fromkeys(
        ("each channel for each of its weights", "each channel once", "as the first, no classifier", "by units"), 0.0
    )
    for (layer, output), gradient in zip(outputs, found, strict=True):
        if gradient is None:
            continue
        units = (output.detach() * gradient).double().flatten(start_dim=2) if output.ndim == 4 else None
        channels = (output.detach() * gradient).double() if units is None else units.sum(dim=2)
        weights = layer.weight[0].numel()  # type: ignore[union-attr, operator]
        saliency = 0.5 * channels.square().mean(dim=0).sum().item()
        sums["each channel for each of its weights"] += weights * saliency
        sums["each channel once"] += saliency
        sums["as the first, no classifier"] += weights * saliency * (units is not None)
        by_units = channels if units is None else units
        sums["by units"] += weights * 0.5 * by_units.square().mean(dim=0).sum().item()
    return sums


if __name__ == "__main__":
    main()
