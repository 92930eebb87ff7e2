"""Readings of the Fisher proxy beside published ranks: `python tests/benchmarks/fisher.py [--nets 300]`.

Abdelfattah 2021 reports Spearman 0.36 / 0.39 / 0.33 with the accuracies of NAS-Bench-201 (CIFAR-10 / CIFAR-100 /
ImageNet16-120). Their text follows Turner 2020, who adds one saliency for each channel; their code counts each channel
as often as it has weights, and so does `fisher`. Here the same networks are ranked by both, and by the second without
the classifier. Reads `hwnas data pull nats-bench images`.
"""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np
from torch import nn

from hwnas.api.accuracy import known_networks, true_accuracy
from hwnas.metrics import spearman
from hwnas.proxies.batches import Batch, load_batch
from hwnas.proxies.initial_modules import initial_module
from hwnas.proxies.passes.supervised import supervised
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
        networks, truth = known_networks(SPACE, true_accuracy(SPACE, dataset))
        rows = np.random.default_rng(0).choice(len(networks), min(arguments.nets, len(networks)), replace=False)
        modules = (initial_module(SPACE, vector, dataset=dataset, seed=0) for vector in networks[rows])
        found = [readings(module, batch) for module in modules]
        print(f"{dataset}: {len(rows)} distinct networks, {batch.source}; published {PUBLISHED[dataset]:.2f}")
        for name in found[0]:
            print(f"  {name:40s} {spearman(np.array([row[name] for row in found]), truth[rows]):.3f}", flush=True)


def readings(module: nn.Module, batch: Batch) -> dict[str, float]:
    """Sums of the saliencies of channels: half the mean over images of (activation times gradient)^2."""
    layers = supervised(module, batch, {"channel_saliency"})["channel_saliency"]
    once = np.array([0.5 * layer.products.double().square().mean(dim=0).sum().item() for layer in layers])
    weighted = once * [layer.weights_per_channel for layer in layers]
    return {
        "each channel for each of its weights": weighted.sum(),
        "each channel once": once.sum(),
        "as the first, without the classifier": weighted[:-1].sum(),
    }


if __name__ == "__main__":
    main()
