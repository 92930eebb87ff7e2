"""Which networks to train next, for an engineer who can train a few dozen: a file that grows round by round."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from hwnas.api.found_devices import find_device
from hwnas.api.question import Question, asked
from hwnas.api.searching import Progress
from hwnas.api.study import make_study
from hwnas.api.trained_networks import append_untrained, listed, read_trained, trained_in
from hwnas.api.truths import Trainer
from hwnas.arrays import Array, Int
from hwnas.errors import UsageError
from hwnas.predictors.accuracy_model import LEAST, percent_of
from hwnas.results import SCHEMA_VERSION
from hwnas.spaces import get_space
from hwnas.version import __version__


@final
@dataclass(frozen=True, kw_only=True)
class NetToTrain:
    """A network to train. predicted_percent: its accuracy as expected now; null where nothing was learned yet."""

    arch: str
    index: int
    costs: dict[str, float]
    predicted_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """What was added to the file. trained: rows with an accuracy in it. waiting: those without, before these."""

    file: str
    space: str
    dataset: str
    device: str
    trained: int
    waiting: int
    nets: tuple[NetToTrain, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, "hwnas_version": __version__, **asdict(self)}


def plan_training(
    file: Path | str,
    device: str,
    question: Question | None = None,
    *,
    nets: int = 5,
    progress: Progress = lambda _name, _generation: None,
) -> TrainingPlan:
    """Choose `nets` networks to train for the front that the question asks for, and add them to the file.

    file: CSV of `architecture,accuracy`, made where there is none; who trains fills in the accuracies in percent. With
    less than three of them networks are drawn by chance, then chosen by what the trained ones teach. Those in the file
    are not asked for again. progress: as of `pareto`, for costs that are computed network by network.

    Raises as `pareto` does, `UsageError` for a space that cannot be enumerated, `UsageError` and `DataError` for the
    file.
    """
    if nets < 1:
        raise UsageError(f"expected at least 1 network to train, got {nets}")
    file, question = Path(file), asked(question)
    space = get_space(question.space)
    if not space.enumerable:
        raise UsageError(
            f"expected a space that can be enumerated to choose trainings in, got {space.name} with {space.size:.1e} "
            f"architectures; search it instead, `hwnas pareto --space {space.name} --proxy PROXY`, and train what the "
            "front lists"
        )
    everything = listed(file, space)
    trained = None
    if everything and trained_in(file):
        trained = read_trained(file, space, space.dataset(question.dataset))  # refuses before anything is added
    study = make_study(question, space, find_device(device), progress=progress)
    trainer, known = Trainer(study), 0 if trained is None else len(trained.rows)
    if trained is not None and known >= LEAST:
        rows = trainer.next(trained, nets, beside=np.array(everything))
        mean, _ = trainer.model(trained).predict(trainer.networks.features[trainer.networks.of[rows]])
        predicted: list[float | None] = percent_of(mean).tolist()
    else:
        rows = _drawn(trainer, everything, nets, seed=question.seed)
        predicted = [None] * len(rows)
    strings = study.space.strings(study.vectors[rows])
    append_untrained(file, strings)
    ids = [axis.objective.id for axis in study.axes]
    return TrainingPlan(
        file=str(file),
        space=study.space.name,
        dataset=study.dataset,
        device=study.device.reference,
        trained=known,
        waiting=len(everything) - known,
        nets=tuple(
            NetToTrain(
                arch=arch,
                index=int(row),
                costs=dict(zip(ids, map(float, study.costs[row]), strict=True)),
                predicted_percent=percent,
            )
            for arch, row, percent in zip(strings, rows, predicted, strict=True)
        ),
    )


def _drawn(trainer: Trainer, everything: list[int], nets: int, *, seed: int) -> Int[Array, " n"]:
    """Networks by chance that are not in the file."""
    order = trainer.first(len(trainer.candidates), seed=seed)
    listed_already = trainer.networks.of[np.array(everything, dtype=np.int64)]
    return order[~np.isin(trainer.networks.of[order], listed_already)][:nets]
