"""Zero-cost warm-up and moves (Abdelfattah 2021, section 5): `python tests/benchmarks/warm_up.py --results FILE`.

NAS-Bench-201 on CIFAR-100: accuracy of the best network after 50 trained ones, and how many had to be trained for
73 %, medians over repetitions, for random search, ageing evolution, REINFORCE and the binary GCN of BRP-NAS, each
plain, with a warm-up and with moves that the proxy proposes. A trained network is a look-up of the test accuracy of
NATS-Bench (mean over seeds; 73.51 is the best): there is no public validation accuracy after 200 epochs, so that
searches see what they are judged by. Abdelfattah et al. search on validation accuracy; their best figures are 73.19
after 50 (binary GCN, warm-up of 3,000) and 14 networks for 73 % (random search, warm-up of all), with synflow on
CIFAR-100; here of networks without dead operations.

`--results` is a file of JSON lines, one for each repetition: what it has is not computed again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwnas.api.accuracy import true_accuracy
from hwnas.api.columns import score_columns
from hwnas.arrays import Array, Float, Integer
from hwnas.search.by_training import (
    evolution_training,
    predictor_training,
    random_training,
    reinforce_training,
    trained,
)
from hwnas.search.move_proposal import propose_move
from hwnas.search.warm_up import warm_up
from hwnas.spaces import Space, get_space

NETS, GOAL, AFTER = 300, 73.0, 50
SEARCHES = ("random", "evolution", "reinforce", "binary")
HELPS = ("plain", "warm-up 3000", "warm-up all", "move")
WITHOUT = {("random", "move"), ("binary", "move"), ("binary", "warm-up all")}


def main() -> None:
    """Compute what the results lack, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--proxy", default="synflow")
    parser.add_argument("--repetitions", type=int, default=32)
    parser.add_argument("--searches", nargs="+", default=list(SEARCHES))
    parser.add_argument("--helps", nargs="+", default=list(HELPS), choices=HELPS)
    arguments = parser.parse_args()
    space = get_space("nasbench201")
    vectors = space.all_vectors()
    percent = true_accuracy(space, "cifar100").percent
    assert percent is not None
    ids = space.network_id(vectors)
    scores = score_columns(space, "cifar100", [arguments.proxy], vectors=vectors, network_ids=ids)[0].scores
    known = _read(arguments.results)
    for name in arguments.searches:
        for help_ in arguments.helps:
            rows = []
            for seed in range(arguments.repetitions if (name, help_) not in WITHOUT else 0):
                key = f"{arguments.proxy}/{name}/{help_}/{seed}"
                if key not in known:
                    known[key] = repetition(space, percent, scores, search=name, help_=help_, seed=seed)
                    with arguments.results.open("a") as file:
                        file.write(json.dumps([key, known[key]]) + "\n")
                rows.append(known[key])
            if rows:
                report(name, help_, rows)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(line) for line in path.read_text().splitlines()) if path.exists() else {}


def repetition(
    space: Space,
    percent: Float[Array, " n"],
    scores: Float[Array, " n"],
    *,
    search: str,
    help_: str,
    seed: int,
) -> list[float]:
    """Best accuracy after 50 trained networks, and how many were trained before one had 73 %; -1 for none of 300."""
    rng = np.random.default_rng(seed)
    sample = {"warm-up 3000": 3000, "warm-up all": None}.get(help_, 0)
    start = None if sample == 0 else warm_up(space.all_vectors(), scores, seed=seed, sample=sample)
    move = _mover(space, scores, rng) if help_ == "move" else None
    nets = AFTER if search == "binary" else NETS
    if search == "random":
        made = random_training(space, rng=rng, start=start)
    elif search == "evolution":
        made = evolution_training(space, rng=rng, start=start, move=move)
    elif search == "reinforce":
        made = reinforce_training(space, seed=seed, start=start, move=move)
    else:
        # Each network once: else the best predicted are ten names of one.
        vectors = networks(space)
        start = None if start is None else networks(space, start)
        made = predictor_training(vectors, _binary(space, seed, vectors), rng=rng, start=start)
    found = trained(made, lambda vector: float(percent[space.index(vector[None])[0]]), nets=nets)
    there = np.flatnonzero(found >= GOAL)
    return [float(found[:AFTER].max()), int(there[0]) + 1 if len(there) else -1]


def _mover(space: Space, scores: Float[Array, " n"], rng: np.random.Generator) -> Callable[[Any], Any]:
    return lambda vector: propose_move(space, vector, lambda around: scores[space.index(around)], rng=rng)


def networks(space: Space, vectors: Integer[Array, "n v"] | None = None) -> Integer[Array, "k v"]:
    """The distinct networks of architectures, of all without them, in the order in which they first come up."""
    ids = space.canonical_id(space.network_id(space.all_vectors() if vectors is None else vectors))
    return space.vector(ids[np.sort(np.unique(ids, return_index=True)[1])])


def _binary(space: Space, seed: int, candidates: Integer[Array, "k v"]) -> Callable[[Any, Any], Float[Array, " k"]]:
    from hwnas.predictors.binary_gcn import fit_binary

    return lambda vectors, found: fit_binary(space, vectors, found, seed=seed).scores(candidates)


def report(name: str, help_: str, rows: Sequence[list[float]]) -> None:
    """Medians; a repetition that never reached the goal counts as more than all trained."""
    best = np.array([row[0] for row in rows])
    needed = np.array([row[1] if row[1] > 0 else np.inf for row in rows])
    median = np.median(needed)
    limit = AFTER if name == "binary" else NETS
    said = f"{median:.0f}" if np.isfinite(median) else f"> {limit}"
    print(
        f"{name:10} {help_:14} {len(rows):3} repetitions  after 50: {np.median(best):.2f} %  for 73 %: {said}",
        flush=True,
    )


if __name__ == "__main__":
    main()
