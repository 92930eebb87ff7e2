"""Speed of proxies beside the usual way: `python tests/benchmarks/proxies.py [--nets 50] [--threads 2]`.

For random NAS-Bench-201 networks and 64 images of 32x32, in turn: the engine on the network as written, the engine on
the network without what cannot reach the output (as tables are made), and each proxy on its own (usual_proxies.py).
The whole space has 15,625 architectures, which the usual way scores one by one, and hwnas once for each of its
distinct networks, in as many processes as the usual way has threads. Scores are compared, so that both are known to
compute the same. Nothing is asserted about times.
"""

from __future__ import annotations

import argparse
import math
import time
from contextlib import closing

import numpy as np
import torch
from usual_proxies import USUAL, usual_scores

from hwnas.proxies import PROXIES, score_module
from hwnas.proxies.batches import noise_batch
from hwnas.proxies.combinations import COMBINATIONS
from hwnas.proxies.executors import Workers, over_processes
from hwnas.proxies.recipes import Recipe, score_networks, task_of
from hwnas.spaces import get_space

SPACE = get_space("nasbench201")
WARM = 8  # networks that the processes score before the clock runs


def main() -> None:
    """Print seconds per network and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    vectors = SPACE.sample(arguments.nets, seed=0)
    batch = noise_batch(task_of(SPACE, "cifar10"), size=64, seed=0)
    together(vectors, batch)
    apart(vectors[: max(5, len(vectors) // 5)], batch)


def together(vectors, batch) -> None:
    """The eight proxies of the baseline, in three ways."""
    recipe = Recipe(space="nasbench201", dataset="cifar10", proxies=tuple(USUAL), batch=batch)
    last = batch.images.to(memory_format=torch.channels_last)
    fast = type(batch)(images=last, labels=batch.labels, source=batch.source)
    seconds = {"usual": 0.0, "engine": 0.0, "engine, pruned": 0.0}
    worst = 0.0
    for vector in vectors:
        start = time.perf_counter()
        usual = usual_scores(_as_written(vector), batch.images, batch.labels)
        seconds["usual"] += time.perf_counter() - start
        start = time.perf_counter()
        module = _as_written(vector).to(memory_format=torch.channels_last)
        own = score_module(module, fast, [PROXIES[name] for name in USUAL])
        seconds["engine"] += time.perf_counter() - start
        start = time.perf_counter()
        score_networks(recipe, vector[None])
        seconds["engine, pruned"] += time.perf_counter() - start
        worst = max(
            worst, *(_difference(name, usual[name], own[name]) for name in ("grad_norm", "snip", "fisher", "synflow"))
        )
    for name, total in seconds.items():
        print(f"{name:16s} {total / len(vectors):7.3f} s a network, {seconds['usual'] / total:5.1f} times as fast")
    whole_space(recipe, usual=seconds["usual"] / len(vectors), nets=len(vectors))
    print(f"largest relative difference of grad_norm, snip, fisher, synflow: {worst:.1e}")


def whole_space(recipe: Recipe, *, usual: float, nets: int) -> None:
    """All distinct networks as `hwnas score --all` runs them, from the time of some, and all architectures as usual.

    Both have the same cores: the usual way takes them as threads, hwnas as processes of one thread.
    """
    distinct = np.unique(SPACE.canonical_id(SPACE.network_id(SPACE.all_vectors())))
    # Distinct networks alike, and not as often as architectures build them: the small ones have the most twins.
    ids = np.random.default_rng(0).choice(distinct, WARM + 2 * nets, replace=False)
    workers = torch.get_num_threads()
    run = over_processes(
        score_networks, recipe, [SPACE.vector(ids[i : i + 1]) for i in range(len(ids))], Workers(count=workers)
    )
    with closing(run) as results:
        for _ in range(WARM):  # until every process has imported torch
            next(results)
        start = time.perf_counter()
        done = sum(1 for _ in results)
        each = (time.perf_counter() - start) / done
    ratio = SPACE.size * usual / (len(distinct) * each)
    print(
        f"whole space: {SPACE.size:,} architectures, {len(distinct):,} networks of {each:.3f} s "
        f"by {workers} processes: {ratio:.1f} times as fast"
    )


def apart(vectors, batch) -> None:
    """Every proxy and combination that runs the network, alone, beside the eight of the baseline."""

    def seconds(proxies: tuple[str, ...]) -> float:
        recipe = Recipe(space="nasbench201", dataset="cifar10", proxies=proxies, batch=batch)
        start = time.perf_counter()
        score_networks(recipe, vectors)
        return (time.perf_counter() - start) / len(vectors)

    eight = seconds(tuple(USUAL))
    print(f"{'the eight':16s} {eight:7.3f} s a network (these {len(vectors)} networks, pruned)")
    computed = [name for name, proxy in PROXIES.items() if not proxy.by_architecture]
    parts = {name: tuple(part for part in made.components if part in computed) for name, made in COMBINATIONS.items()}
    for name, proxies in [*((name, (name,)) for name in computed), *parts.items()]:
        each = seconds(proxies)
        print(f"{name:16s} {each:7.3f} s a network, {each / eight:4.1f} of the eight")


def _as_written(vector) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return SPACE.module(vector, dataset="cifar10")


def _difference(name: str, usual: float, own: float) -> float:
    usual = math.log(usual) if name == "synflow" and usual > 0 else usual
    return abs(usual - own) / max(abs(usual), 1e-12) if math.isfinite(own) else 0.0


if __name__ == "__main__":
    main()
