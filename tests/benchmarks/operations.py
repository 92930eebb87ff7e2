"""Operation scoring on NAS-Bench-201 beside published errors: `python tests/benchmarks/operations.py --results FILE`.

Xiang et al. 2023 (Zero-Cost-PT, NASWOT): random order of edges, N = 10 proposals, V = 100 validations, seeds 0 to 3;
published mean test error 5.97 / 27.47 / 53.82 % on CIFAR-10 / CIFAR-100 / ImageNet16-120. `--results` is a file of JSON
lines, one for each data set, budget and seed that is done: what it has is not computed again. With `--device` and
`--budget-mj` the supernet is discretised within the budget. Reads `hwnas data pull nats-bench images hw-nas-bench`.

The paper's code evaluates naswot in evaluation mode, hence `naswot_eval`. What differs: images are drawn from those at
hand (256 of CIFAR, 106 of ImageNet16-120), 64 at a time where the paper's code takes 256, and not augmented.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from hwnas.api.operation_forms import OperationSettings
from hwnas.api.question import Question
from hwnas.api.score_operations import score_operations
from hwnas.search.operations import Plan

PUBLISHED = {"cifar10": 5.97, "cifar100": 27.47, "ImageNet16-120": 53.82}


def main() -> None:
    """Compute what the results lack, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--dataset", nargs="+", default=["ImageNet16-120", "cifar10", "cifar100"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--proxy", default="naswot_eval")
    parser.add_argument("--order", default="random")
    parser.add_argument("--proposals", type=int, default=10)
    parser.add_argument("--validations", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--device")
    parser.add_argument("--budget-mj", type=float)
    arguments = parser.parse_args()
    arguments.results.parent.mkdir(parents=True, exist_ok=True)  # not after the first ten minutes
    known = (
        [json.loads(line) for line in arguments.results.read_text().splitlines()] if arguments.results.exists() else []
    )
    for dataset in arguments.dataset:
        rows = []
        for seed in arguments.seeds:
            key = key_of(arguments, dataset, seed)
            row = next((row for row in known if row["key"] == key), None)
            if row is None:
                row = {"key": key, **run(arguments, dataset, seed)}
                with arguments.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            rows.append(row)
        report(dataset, rows)


def key_of(arguments: argparse.Namespace, dataset: str, seed: int) -> dict[str, Any]:
    """What decides a row."""
    names = ("proxy", "order", "proposals", "validations", "batch_size", "device", "budget_mj")
    return {"dataset": dataset, "seed": seed, **{name: getattr(arguments, name) for name in names}}


def run(arguments: argparse.Namespace, dataset: str, seed: int) -> dict[str, Any]:
    """One search."""
    settings = OperationSettings(
        plan=Plan(order=arguments.order),
        proposals=arguments.proposals,
        validations=arguments.validations,
        batch_size=arguments.batch_size,
        seed=seed,
    )
    result = score_operations(
        dataset=dataset,
        proxy=arguments.proxy,
        settings=settings,
        within=None if arguments.device is None else (arguments.device, Question(budget_mj=arguments.budget_mj)),
        progress=lambda what, done, total: print(f"{dataset}, seed {seed}: {what} {done}/{total}", flush=True),
    )
    return {"nets": [[net.index, net.count, net.score, net.accuracy_percent] for net in result.nets]}


def report(dataset: str, rows: list[dict[str, Any]]) -> None:
    """Test error of the chosen net, mean and deviation over seeds; and of a proposal taken by chance."""
    errors = np.array([100 - row["nets"][0][3] for row in rows])
    anyone = np.array(
        [np.average([100 - net[3] for net in row["nets"]], weights=[n[1] for n in row["nets"]]) for row in rows]
    )
    spread = errors.std(ddof=1) if len(errors) > 1 else float("nan")
    print(
        f"{dataset}: test error {errors.mean():.2f} +- {spread:.2f} % over {len(rows)} seeds "
        f"(published {PUBLISHED[dataset]:.2f}); a proposal by chance {anyone.mean():.2f} %"
    )


if __name__ == "__main__":
    main()
