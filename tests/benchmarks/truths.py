"""Lists of 20 networks after a few trainings: `python tests/benchmarks/truths.py [--dataset cifar100] [--truths 30]`.

For each budget and seed networks of NAS-Bench-201 are chosen by the engine and trained, as a table of accuracies stands
in for training, and the list of K = 20 is compared with the true front; the median over seeds is printed, beside the
lists by `auto` and `params` that need no training, by `naive`, which trains networks drawn by chance in place of chosen
ones, and by `binary`, the binary GCN of BRP-NAS on the networks that the engine chose (`--binary`, needs torch). On
CIFAR-10 the engine sees validation accuracies; on the others it sees the test accuracies that it is judged by, as the
public table has no others. Costs are measured.
"""

from __future__ import annotations

import argparse

import numpy as np

from hwnas.api.accuracy import search_accuracy
from hwnas.api.question import Question
from hwnas.api.study import Study, make_study
from hwnas.api.truths import Trained, Trainer, simulate
from hwnas.arrays import Array, Float
from hwnas.devices import get_device
from hwnas.pareto import compare_scores
from hwnas.spaces import get_space


def main() -> None:
    """Print a row for each way to list networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cifar100")
    parser.add_argument("--device", default="jetson-tx2")
    parser.add_argument("--cost", default="energy_mj", help="energy_mj or latency_ms")
    parser.add_argument("--budgets", type=float, nargs="+", default=[20.0, 30.0, 40.0])
    parser.add_argument("--truths", type=int, nargs="+", default=[30])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--binary", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, list[list[float]]] = {}
    for budget in arguments.budgets:
        word = f"{arguments.cost}={budget:g}"
        question = Question(dataset=arguments.dataset, objectives=(word,), proxies=("auto",))
        study = make_study(question, get_space("nasbench201"), get_device(arguments.device))
        for column in study.columns:
            if column.name in ("auto", "params"):
                figures.setdefault(column.name, []).append([share(study, column.scores)])
        for count in arguments.truths:
            for name, found in of_truths(study, count, seeds=arguments.seeds, binary=arguments.binary).items():
                figures.setdefault(name, []).append(found)
                print(f"  {word}, {name}: {quartiles(found)}", flush=True)
    print(f"relative hypervolume, {arguments.device}, {arguments.dataset}, K = 20, median of {arguments.seeds} seeds")
    print(f"{'':20}" + "".join(f"{budget:>10g}" for budget in arguments.budgets) + f"{'mean':>10}")
    for name, columns in figures.items():
        medians = [float(np.median(column)) for column in columns]
        print(f"{name:20}" + "".join(f"{value:10.3f}" for value in (*medians, float(np.mean(medians)))))


def of_truths(study: Study, count: int, *, seeds: int, binary: bool) -> dict[str, list[float]]:
    """Shares of the hypervolume by each way to learn from `count` trained networks, a value for each seed."""
    percent = search_accuracy(study.space, study.dataset).of_all(study.space)
    assert percent is not None
    found: dict[str, list[float]] = {f"learned from {count}": [], f"naive {count}": []}
    for seed in range(seeds):
        trainer, trained = simulate(study, count, seed=seed)
        found[f"learned from {count}"].append(share(study, trainer.column(trained).scores))
        rows = trainer.first(count, seed=seed)
        drawn = Trained(rows=rows, percent=percent[rows], source="")
        found[f"naive {count}"].append(share(study, trainer.column(drawn).scores))
        if binary:
            found.setdefault(f"binary {count}", []).append(share(study, by_binary(trainer, trained, seed)))
    return found


def by_binary(trainer: Trainer, trained: Trained, seed: int) -> Float[Array, " n"]:
    """Scores of every architecture by a binary GCN."""
    from hwnas.predictors.binary_gcn import fit_binary

    study = trainer.study
    pruned = study.space.vector(study.space.canonical_id(study.network_ids))
    model = fit_binary(study.space, pruned[trained.rows], trained.percent, seed=seed)
    return model.scores(pruned)


def share(study: Study, scores: Float[Array, " n"]) -> float:
    """Relative hypervolume of the list by these scores."""
    assert study.truth is not None
    found = compare_scores(scores, study.truth, costs=study.costs).relative_hypervolume
    assert found is not None
    return found


def quartiles(values: list[float]) -> str:
    """Minimum, quartiles and maximum."""
    return " ".join(f"{value:.3f}" for value in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))


if __name__ == "__main__":
    main()
