"""Costs in, fronts out: feasibility, non-dominated sets, the shortlist of K nets and its comparison with the truth."""

from hwnas.pareto.comparisons import Comparison, compare, compare_random, compare_scores
from hwnas.pareto.dominance import hypervolume, igd_plus, non_dominated, non_dominated_ranks
from hwnas.pareto.feasibility import closest_to_feasible, feasible, known
from hwnas.pareto.fronts import Front, exhaustive_front
from hwnas.pareto.objectives import Objective, bounds_of, cost_column, cost_matrix
from hwnas.pareto.shortlists import Shortlist, shortlist
from hwnas.pareto.truths import Truth, ground_truth, reference_point, twin_means

__all__ = [
    "Comparison",
    "Front",
    "Objective",
    "Shortlist",
    "Truth",
    "bounds_of",
    "closest_to_feasible",
    "compare",
    "compare_random",
    "compare_scores",
    "cost_column",
    "cost_matrix",
    "exhaustive_front",
    "feasible",
    "ground_truth",
    "hypervolume",
    "igd_plus",
    "known",
    "non_dominated",
    "non_dominated_ranks",
    "reference_point",
    "shortlist",
    "twin_means",
]
