"""A little truth: which networks to train next for a front, and what is learned from those that were trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

import numpy as np

from hwnas.api.accuracy import search_accuracy
from hwnas.api.accuracy_features import Networks, networks_of
from hwnas.api.columns import ScoreColumn
from hwnas.arrays import Array, Float, Int
from hwnas.errors import DataError, UsageError
from hwnas.pareto.feasibility import cheapest_first, first_of_each, known
from hwnas.pareto.fronts import worst_point
from hwnas.pareto.improvement import expected_hypervolume_improvement
from hwnas.predictors.accuracy_model import LEAST, AccuracyModel, error_scale, fit_accuracy, percent_of

if TYPE_CHECKING:
    from hwnas.api.study import Study

LEARNED: Final = "learned"
ROUND: Final = 1  # networks chosen together: five at once can be trained in parallel, but miss more of the front


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """Architectures by their row in the study, with accuracies in percent. source: where those are from."""

    rows: Int[Array, " t"]
    percent: Float[Array, " t"]
    source: str


@final
class Trainer:
    """Chooses which networks of a study to train; each is trained as its cheapest feasible architecture.

    known: accuracies that simulated training can give, NaN where it cannot; None: all networks may be asked for.
    Raises `UsageError` where the study has not looked at the whole space.
    """

    def __init__(self, study: Study, *, known: Float[Array, " n"] | None = None) -> None:
        if len(study.vectors) != study.space.size:
            raise UsageError(
                f"expected a space all of whose networks are looked at, got {len(study.vectors):,} of "
                f"{study.space.name} by method {study.method!r}; learning needs an enumerable space"
            )
        self.study = study
        self.networks: Networks = networks_of(study.space, study.dataset, study.vectors)
        usable = study.feasible if known is None else study.feasible & ~np.isnan(known)
        rows = cheapest_first(study.costs, study.bounds, np.flatnonzero(usable))
        self.candidates = first_of_each(self.networks.of, rows)

    def first(self, n: int, *, seed: int) -> Int[Array, " n"]:
        """n feasible networks by chance: where nothing is known, nothing is better for a model to learn from."""
        return np.random.default_rng(seed).permutation(self.candidates)[:n]

    def next(self, trained: Trained, n: int, *, beside: Int[Array, " b"] | None = None) -> Int[Array, " n"]:
        """The n networks that promise most for the front, given those that were trained.

        One after the other by expected hypervolume improvement over the box of costs; each is believed to have its
        predicted accuracy while the next is chosen, so that the n differ. Fewer where no more are left.
        beside: architectures whose networks are not asked for again, as they are being trained.
        """
        model = self.model(trained)
        costs, features = self.study.costs, self.networks.features
        costly = known(costs[trained.rows])  # one without a known cost teaches accuracy alone
        rows, values = trained.rows[costly], error_scale(trained.percent[costly])
        taken = trained.rows if beside is None else np.concatenate([trained.rows, beside])
        left = self.candidates[~np.isin(self.networks.of[self.candidates], self.networks.of[taken])]
        reference = worst_point(costs[self.study.feasible], self.study.bounds)
        least: float | None = None
        chosen: list[int] = []
        while len(chosen) < n and len(left):
            mean, deviation = model.predict(features[self.networks.of[left]])
            least = float(np.median(mean)) if least is None else least
            gain = expected_hypervolume_improvement(
                costs[left],
                mean,
                deviation,
                known_costs=costs[rows],
                known_values=values,
                reference=reference,
                least=least,
            )
            best = int(gain.argmax())
            chosen.append(int(left[best]))
            rows, values = np.append(rows, left[best]), np.append(values, mean[best])
            model = model.after(features[self.networks.of[left[[best]]]], mean[[best]])
            left = np.delete(left, best)
        return np.array(chosen, dtype=np.int64)

    def model(self, trained: Trained) -> AccuracyModel:
        """What the trained networks teach. Raises `UsageError` for fewer than three."""
        return fit_accuracy(self.networks.features[self.networks.of[trained.rows]], trained.percent)

    def column(self, trained: Trained) -> ScoreColumn:
        """Accuracy of every architecture: as trained, the mean where a network was trained twice, else as predicted."""
        mean, _ = self.model(trained).predict(self.networks.features)
        percent = percent_of(mean)
        ids, of, trainings = np.unique(self.networks.of[trained.rows], return_inverse=True, return_counts=True)
        again = int((trainings > 1).sum())
        means = f", the mean where one was trained more than once ({again})" if again else ""
        percent[ids] = np.bincount(of.ravel(), weights=trained.percent) / np.bincount(of.ravel())
        return ScoreColumn(
            name=LEARNED,
            role="proxy",
            scores=percent[self.networks.of],
            source=f"Gaussian process on {len(trained.rows)} trained networks ({trained.source}), what they are made "
            f"of and their ranks by {', '.join(self.networks.used)}",
            note=f"{LEARNED}: score in percent; {len(ids)} distinct networks as trained{means}, others as "
            "predicted from them",
        )


def simulate(study: Study, count: int, *, seed: int) -> tuple[Trainer, Trained]:
    """Train `count` networks in rounds, as far as a table of accuracies can stand in for training.

    A third is drawn by chance, the others are chosen `ROUND` at a time. Raises `DataError` where no accuracies are
    known, `UsageError` for less than three networks, and where the budgets leave no three.
    """
    if count < LEAST:
        raise UsageError(f"expected at least {LEAST} networks to train, got {count}")
    accuracy = search_accuracy(study.space, study.dataset)
    percent = accuracy.of_all(study.space)
    if percent is None:
        raise DataError(
            f"training is simulated by known accuracies, which are {accuracy.source}; or give accuracies of your own"
        )
    trainer = Trainer(study, known=percent)
    left = len(trainer.candidates)
    if left < LEAST:
        within = "what is asked" if all(bound is None for bound in study.bounds) else "the budgets"
        raise UsageError(
            f"expected at least {LEAST} distinct networks to train, but {within} and the known accuracies leave {left} "
            f"distinct network{'' if left == 1 else 's'} of {study.space.name}; raise the budget, or leave out truths"
        )
    rows: Int[Array, " t"] = trainer.first(max(LEAST, count // 3), seed=seed)
    while len(rows) < min(count, len(trainer.candidates)):
        trained = Trained(rows=rows, percent=percent[rows], source=accuracy.source)
        rows = np.concatenate([rows, trainer.next(trained, min(ROUND, count - len(rows)))])
    return trainer, Trained(rows=rows, percent=percent[rows], source=accuracy.source)


def with_learned(study: Study) -> Study:
    """The study with the column of what was learned in front, where its question asks for one."""
    from hwnas.api.trained_networks import read_trained

    question = study.question
    if question.truths is None and question.accuracies is None:
        return study
    if question.accuracies is not None:
        trainer, trained = Trainer(study), read_trained(question.accuracies, study.space, study.dataset)
    else:
        assert question.truths is not None
        trainer, trained = simulate(study, question.truths, seed=question.seed)
    return replace(study, columns=[trainer.column(trained), *study.columns])
