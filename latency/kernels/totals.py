"""Costs of kernels from totals of networks: nobody measured a kernel, but every network is a sum of some.

Minimises the squared logarithmic error of the totals, first over the coefficients of a physical cost shared by all
kinds, then tree by tree: gradient boosting whose response is spread over the kernels of each network by their share of
its cost, and whose leaves are solved together (Gauss-Newton), because it is sums that are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import UsageError
from hwnas.graphs import feature_names
from hwnas.latency.kernels.features import physical_terms, tree_features
from hwnas.latency.kernels.networks import Networks
from hwnas.latency.kernels.regressor import KernelRegressor, unknown_quantiles
from hwnas.predictors.boosting import BoostingSettings, fit_trees, positive_least_squares
from hwnas.predictors.trees import Tree, Trees, stack_trees

# Kernels that one tree is grown on, drawn anew for each by their share of all costs.
_SAMPLE: Final = 1500
_MIN_NETWORKS: Final = 20


@final
@dataclass(frozen=True, kw_only=True)
class TotalsSettings:
    """rounds: trees of each kind. leaves: of a tree. rate: share of what it says that is kept. ridge: of leaves."""

    rounds: int = 60
    leaves: int = 16
    rate: float = 0.6
    ridge: float = 1.0


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AdditiveFit:
    """Regressors by kind and the cost of a network beside its kernels."""

    regressors: dict[str, KernelRegressor]
    overhead: float

    def totals(self, networks: Networks) -> Float[Array, " n"]:
        """Predicted totals. Raises `KeyError` for kernels of a kind that no network of the fit had."""
        costs = np.zeros(networks.kernels)
        for kind, features in networks.features.items():
            start = networks.offsets[kind]
            used = np.unique(networks.kernel[(networks.kernel >= start) & (networks.kernel < start + len(features))])
            if len(used):
                costs[used] = self.regressors[kind].predict(features[used - start])
        return self.overhead + networks.totals(costs)


def fit_totals(
    networks: Networks, totals: Float[Array, " n"], *, settings: TotalsSettings | None = None, seed: int = 0
) -> AdditiveFit:
    """An additive model of networks with these measured totals. Raises `UsageError` for fewer than 20."""
    if len(networks) != len(totals) or len(totals) < _MIN_NETWORKS:
        raise UsageError(f"expected totals of at least {_MIN_NETWORKS} networks, got {len(totals)}")
    boosting = _Boosting(networks, totals, settings or TotalsSettings(), np.random.default_rng(seed))
    for _ in range(boosting.settings.rounds):
        for kind in boosting.kinds:
            boosting.step(kind)
    return AdditiveFit(
        regressors={kind: boosting.regressor(kind) for kind in boosting.kinds}, overhead=boosting.overhead
    )


class _Boosting:
    """The state of one fit: costs of all distinct kernels so far."""

    def __init__(
        self, networks: Networks, totals: Float[Array, " n"], settings: TotalsSettings, rng: np.random.Generator
    ) -> None:
        self.networks, self.logs, self.settings, self.rng = networks, np.log(totals), settings, rng
        self.used = np.unique(networks.kernel)
        ends = {kind: networks.offsets[kind] + len(rows) for kind, rows in networks.features.items()}
        self.kernels = {
            kind: self.used[(self.used >= networks.offsets[kind]) & (self.used < end)] for kind, end in ends.items()
        }
        self.kinds = [kind for kind, numbers in self.kernels.items() if len(numbers)]
        self.rows = {kind: networks.features[kind][self.kernels[kind] - networks.offsets[kind]] for kind in self.kinds}
        self.costs = np.zeros(networks.kernels)
        self.coefficients, self.overhead = self._physical(totals)
        self.inputs = {}
        for kind in self.kinds:
            physical = np.maximum(physical_terms(feature_names(kind), self.rows[kind]) @ self.coefficients[kind], 1e-12)
            self.costs[self.kernels[kind]] = physical
            self.inputs[kind] = tree_features(feature_names(kind), self.rows[kind], physical)
        self.trees: dict[str, list[Tree]] = {kind: [] for kind in self.kinds}

    def _physical(self, totals: Float[Array, " n"]) -> tuple[dict[str, Float[Array, " t"]], float]:
        """Coefficients of each kind's terms, by least squares of relative errors of the totals.

        Of a kind whose kernels are all alike, as the one dense layer of all networks of a space, nothing says which
        term their cost comes from: it is a constant, which goes on as such.
        """
        columns, owners = [np.ones(len(totals))], []
        for kind in self.kinds:
            alike = not np.ptp(self.rows[kind], axis=0).any()
            for number, term in enumerate(physical_terms(feature_names(kind), self.rows[kind]).T):
                costs = np.zeros(self.networks.kernels)
                costs[self.kernels[kind]] = 0.0 if alike and number else term
                columns.append(self.networks.totals(costs))
                owners.append(kind)
        solved = positive_least_squares(np.stack(columns, axis=1) / totals[:, None], np.ones(len(totals)))
        found = {kind: solved[1:][[owner == kind for owner in owners]] for kind in self.kinds}
        smallest = float(np.min(totals)) * 1e-4  # of a kind that costs nothing: trees multiply, and 0 stays 0
        for kind, coefficients in found.items():
            if not coefficients.any():
                coefficients[0] = smallest
            found[kind] = coefficients
        return found, float(solved[0])

    def step(self, kind: str) -> None:
        """One more tree of one kind."""
        networks, mine = self.networks, self.kernels[kind]
        predicted = self.overhead + networks.totals(self.costs)
        errors = self.logs - np.log(predicted)
        share = networks.count * self.costs[networks.kernel] / predicted[networks.network]
        weight = np.bincount(networks.kernel, share, minlength=networks.kernels)[mine]
        response = np.bincount(networks.kernel, share * errors[networks.network], minlength=networks.kernels)[mine]
        drawn = np.arange(len(mine))
        if len(mine) > _SAMPLE:
            drawn = self.rng.choice(len(mine), _SAMPLE, replace=False, p=_probabilities(weight))
        grow = BoostingSettings(trees=1, leaves=self.settings.leaves, min_rows=5, rate=1.0, penalty=0.0)
        if len(drawn) < 2 * grow.min_rows:
            tree = stack_trees([_stump()], offset=0.0)
        else:
            values = response[drawn] / np.maximum(weight[drawn], 1e-12)
            tree = fit_trees(self.inputs[kind][drawn], values, np.maximum(weight[drawn], 1e-12), settings=grow)
        self._add(kind, tree, share, errors)

    def _add(self, kind: str, tree: Trees, share: Float[Array, " e"], errors: Float[Array, " n"]) -> None:
        """Solve for the values of the leaves, and keep a part of them."""
        networks, mine = self.networks, self.kernels[kind]
        leaf = tree.leaves(self.inputs[kind])[:, 0]
        names, place = np.unique(leaf, return_inverse=True)
        of_kernel = np.full(networks.kernels, -1)
        of_kernel[mine] = place
        where = of_kernel[networks.kernel]
        own = where >= 0
        cells = networks.network[own] * len(names) + where[own]
        design = np.bincount(cells, share[own], minlength=len(networks) * len(names)).reshape(-1, len(names))
        normal = design.T @ design + self.settings.ridge * np.eye(len(names))
        values = np.zeros(tree.value.shape[1])
        values[names] = self.settings.rate * np.linalg.solve(normal, design.T @ errors)
        self.trees[kind].append(Tree(feature=tree.feature[0], threshold=tree.threshold[0], left=tree.left[0],
                                     right=tree.right[0], value=values))  # fmt: skip
        self.costs[mine] *= np.exp(values[leaf])

    def regressor(self, kind: str) -> KernelRegressor:
        """What was learned of one kind; its interval is not calibrated."""
        rows = self.rows[kind]
        return KernelRegressor(
            kind=kind,
            coefficients=self.coefficients[kind],
            trees=stack_trees(self.trees[kind], offset=0.0),
            low=rows.min(axis=0),
            high=rows.max(axis=0),
            quantiles=unknown_quantiles(),
            rows=len(rows),
            error_percent=float("nan"),
        )


def _probabilities(weight: Float[Array, " n"]) -> Float[Array, " n"]:
    """By the root of the weight: half of the draws would else fall on the few largest."""
    root = np.sqrt(np.maximum(weight, 1e-12))
    return np.asarray(root / root.sum())


def _stump() -> Tree:
    """A tree that is one leaf."""
    zero = np.zeros(1, dtype=np.intp)
    return Tree(feature=zero - 1, threshold=np.zeros(1), left=zero, right=zero, value=np.zeros(1))
