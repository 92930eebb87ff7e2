"""How much of the exhaustive front searches find: NAS-Bench-201, measured TX2 energies, CIFAR-100 test accuracies.

    python tests/benchmarks/search.py [--seeds 20] [--rows nsga2 plain ...] [--budgets 20 30] [--state FILE]

Needs the tables `hw-nas-bench-cifar100` and `nats-bench` in the cache (`hwnas data pull`). Architecture by
architecture; an evaluation is one network that is looked at, whichever of its two costs is asked for first. Hypervolume
up to the budget and the median accuracy of the space, relative to the front of all 15,625 architectures. What is
finished is kept in FILE, and the same command goes on from there. `--speed 10000` times searches in FBNet instead.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hwnas.api.accuracy import true_accuracy
from hwnas.energy import energy_model
from hwnas.folders import write_whole
from hwnas.latency import latency_model
from hwnas.pareto import Truth, ground_truth, hypervolume
from hwnas.proxies.table import find_scores
from hwnas.search import Limits, Problem, SearchSettings, make_search, run_search
from hwnas.spaces import FBNet, NASBench201

SPACE = NASBench201()
BUDGETS_MJ = (10.0, 15.0, 20.0, 30.0)
LOOKED_AT = (250, 500, 1000, 1500)
WARM = 20
ROWS = {
    "nsga2": "NSGA-II with a model of the costs, the default",
    "nsga2, warm start": f"the same, begun with the {WARM} networks by zen and energy",
    "nsga2, no model": "NSGA-II on the operators of hwnas",
    "plain": "pymoo's own NSGA2 as usually set up: population 50, SBX and PM rounded to integers",
    "evolution": "ageing evolution",
    "random": "random search",
}


class Table:
    """Costs of all architectures, and the fronts that searches are held against."""

    def __init__(self) -> None:
        vectors = SPACE.all_vectors()
        energy = energy_model("jetson-tx2", space="nasbench201", dataset="cifar100", source="measured")
        accuracy = true_accuracy(SPACE, "cifar100").percent
        if accuracy is None:
            raise SystemExit("expected the accuracies of NATS-Bench in the cache; run `hwnas data pull nats-bench`")
        self.costs = np.stack([energy.predict(vectors).mean, -accuracy], axis=1)
        self.truths = {b: ground_truth(self.costs[:, :1], accuracy, bounds=(b,)) for b in BUDGETS_MJ}

    def found(self, rows: np.ndarray, truth: Truth) -> list[float]:
        """Relative hypervolume after each of `LOOKED_AT` distinct networks."""
        points = truth.scale(self.costs[rows])
        return [hypervolume(points[:n], np.ones(2)) / truth.front_hypervolume for n in LOOKED_AT]


def run_hwnas(table: Table, name: str, budget: float, seed: int) -> np.ndarray:
    """Networks in the order in which a search of hwnas looked at them."""
    method, _, variant = name.partition(", ")
    settings = SearchSettings(
        seed=seed,
        raw=True,
        bounds=(budget, None),
        model=variant != "no model",
        start=warm_start(table, budget) if variant == "warm start" else None,
    )
    problem = Problem(space=SPACE, bounds=(budget, None), evaluate=lambda vectors: table.costs[SPACE.index(vectors)])
    run = run_search(make_search(method, SPACE, settings), problem, Limits(evaluations=max(LOOKED_AT)))
    return SPACE.index(run.vectors)


def warm_start(table: Table, budget: float) -> np.ndarray:
    """The shortlist by zen: its energies are measured, and count as evaluations when the search looks at the nets."""
    from hwnas.pareto import shortlist

    scores = find_scores("nasbench201", "cifar100", proxies=["zen"])
    assert scores is not None
    column = scores.column("zen", SPACE.network_id(SPACE.all_vectors()))
    predicted = energy_model("jetson-tx2", space="nasbench201", dataset="cifar100", source="predicted")
    costs = predicted.predict(SPACE.all_vectors()).mean[:, None]
    return SPACE.vector(shortlist(costs, column, bounds=(budget,), k=WARM).indices)


def run_plain(table: Table, budget: float, seed: int) -> np.ndarray:
    """Distinct networks in the order in which pymoo's NSGA2 looked at them."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem as PymooProblem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    seen: dict[int, None] = {}

    class Energies(PymooProblem):
        def __init__(self) -> None:
            super().__init__(n_var=6, n_obj=2, n_ieq_constr=1, xl=0, xu=4, vtype=int)

        def _evaluate(self, x: np.ndarray, out: dict[str, np.ndarray], *_: object, **__: object) -> None:
            rows = SPACE.index(x.astype(np.int64))
            seen.update(dict.fromkeys(rows.tolist()))
            out["F"], out["G"] = table.costs[rows], table.costs[rows, :1] - budget

    repair = RoundingRepair()
    algorithm = NSGA2(
        pop_size=50,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=0.9, eta=15, vtype=float, repair=repair),
        mutation=PM(eta=20, vtype=float, repair=repair),
        eliminate_duplicates=True,
    )
    minimize(Energies(), algorithm, ("n_gen", 60), seed=seed)
    return np.array(list(seen))[: max(LOOKED_AT)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--speed", type=int, metavar="N", help="instead time N evaluations of FBNet by a model")
    parser.add_argument("--budgets", nargs="+", type=float, choices=BUDGETS_MJ, default=BUDGETS_MJ)
    parser.add_argument("--state", type=Path, default=Path("search-benchmark.json"))
    options = parser.parse_args()
    if options.speed:
        speed(options.speed)
        return
    done: dict[str, list[float]] = json.loads(options.state.read_text()) if options.state.is_file() else {}
    table = Table()
    for row in options.rows:
        for budget in options.budgets:
            for seed in range(options.seeds):
                key = f"{row}/{budget:g}/{seed}"
                if key not in done:
                    began = time.process_time()
                    rows = run_plain(table, budget, seed) if row == "plain" else run_hwnas(table, row, budget, seed)
                    found = table.found(rows, table.truths[budget])
                    done[key] = [*found, len(rows), time.process_time() - began]
                    write_whole(options.state, json.dumps(done).encode())
            report(row, budget, np.array([done[f"{row}/{budget:g}/{seed}"] for seed in range(options.seeds)]))


def speed(evaluations: int) -> None:
    """Seconds of searches in FBNet for few milliseconds on a Titan RTX and many FLOPs, both from models."""
    space, model = FBNet(), latency_model("titan-rtx", space="fbnet", dataset="cifar100", source="predicted")

    def evaluate(vectors: np.ndarray) -> np.ndarray:
        flops = space.counts(vectors, dataset="cifar100")["flops"].astype(np.float64)
        return np.stack([model.predict(vectors).mean, -flops], axis=1)

    for name in ("nsga2", "evolution", "random"):
        began, used = time.perf_counter(), time.process_time()
        search = make_search(name, space, SearchSettings(bounds=(9.0, None)))
        run_search(search, Problem(space=space, bounds=(9.0, None), evaluate=evaluate), Limits(evaluations=evaluations))
        print(
            f"{name:10s} {evaluations:,} evaluations   {time.perf_counter() - began:.1f} s, "
            f"{time.process_time() - used:.1f} s of processors",
            flush=True,
        )


def report(row: str, budget: float, found: np.ndarray) -> None:
    """Median over the seeds, and the lowest."""
    show: Callable[[np.ndarray], str] = lambda values: "  ".join(f"{value:.3f}" for value in values)  # noqa: E731
    median, lowest = np.median(found[:, :4], axis=0), found[:, :4].min(axis=0)
    print(
        f"{row:18s} {budget:4g} mJ   {show(median)}   lowest {show(lowest)}   {np.median(found[:, 4]):.0f} networks, "
        f"{np.median(found[:, 5]):.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
