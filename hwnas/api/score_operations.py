"""Architectures by operation scoring (Xiang et al. 2023), of a space with a supernet, within budgets if asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

import numpy as np

from hwnas.api.accuracy import true_accuracy
from hwnas.api.computing import require_torch
from hwnas.api.found_devices import find_device
from hwnas.api.objectives import parse_word
from hwnas.api.operation_forms import OperationNet, OperationResult, OperationSettings
from hwnas.api.question import Question
from hwnas.api.study import Study, make_study
from hwnas.arrays import Array, Float, Integer
from hwnas.errors import UsageError
from hwnas.proxies import Proxy, get_proxy
from hwnas.search.operations import Completions, Proposal, propose, validate
from hwnas.spaces import Space, get_space

if TYPE_CHECKING:
    from hwnas.proxies.batches import Batch
    from hwnas.search.operations.supernets import Supernet

Progress = Callable[[str, int, int], None]


def score_operations(
    space: str = "nasbench201",
    *,
    dataset: str | None = None,
    proxy: str = "naswot_eval",
    settings: OperationSettings | None = None,
    within: tuple[str, Question] | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> OperationResult:
    """Propose architectures by discretising a supernet, and choose among them by their own scores.

    proxy: any proxy that reads a module, by name. within: a device and a question: only architectures within the
    budgets of the question are proposed: at each step operations after which the cheapest completion still meets them.
    Its space, and its data set where it names one, are those of `space` and `dataset`; its proxies have no part.
    Raises `UnknownNameError` for names, `UsageError` for a space without supernet, a proxy that does not read a module
    and a question without a budget or of another space or data set, `InfeasibleError` where no architecture meets the
    budgets, `MissingExtraError` without torch.
    """
    require_torch("scoring operations")
    settings = settings or OperationSettings()
    found, scorer = get_space(space), _module_proxy(proxy)
    name = found.dataset(dataset)
    if within is not None and not found.enumerable:
        raise UsageError(
            f"expected a space whose networks can all be looked at for a budget, got {found.name} with "
            f"{found.size:.1e}; leave the budget out, or search by `hwnas pareto`"
        )
    study = None if within is None else _study(within[1], found, name, within[0])
    scores = _Scores(found, name, scorer, settings)
    allowed = None if study is None else Completions(study.vectors, study.costs, study.bounds).allowed
    proposals = propose(
        scores.of_supernet,
        choices=scores.supernet.choices,
        joins=scores.supernet.joins,
        n=settings.proposals,
        plan=settings.plan,
        seed=settings.seed,
        allowed=allowed,
        progress=lambda done, total: progress("proposals", done, total),
    )
    validated = validate(proposals, scores.of_networks(proposals, progress))
    return OperationResult(
        space=found.name,
        dataset=name,
        proxy=scorer.name,
        images=scores.images.source,
        settings=settings,
        device=None if study is None else study.device.reference,
        budgets={} if study is None else {a.objective.id: a.objective.bound for a in study.axes},
        accuracy_source=true_accuracy(found, name).source,
        nets=tuple(_net(scores, study, proposal) for proposal in validated),
        supernet_scores=scores.asked,
    )


def _module_proxy(name: str) -> Proxy:
    proxy = get_proxy(name)
    if proxy.by_architecture or "graph" in proxy.needs:
        raise UsageError(f"expected a proxy that reads a module, got {proxy.name!r}; use one such as 'naswot_eval'")
    return proxy


def _study(question: Question, space: Space, dataset: str, device: str) -> Study:
    if get_space(question.space).name != space.name:
        raise UsageError(
            f"expected a question of {space.name}, whose operations are scored, got one of {question.space}; "
            "give both the same space"
        )
    if question.dataset is not None and space.dataset(question.dataset) != dataset:
        raise UsageError(
            f"expected a question of data set {dataset}, as the scores, got one of {question.dataset}; "
            "give both the same dataset"
        )
    budgets = (question.budget_mj, question.budget_ms, *(parse_word(text).bound for text in question.objectives))
    if all(budget is None for budget in budgets):
        raise UsageError(
            f"expected a budget to propose architectures within on {device}, got none; give budget_mj, budget_ms or an "
            "objective with '=', or leave the device out"
        )
    asked = question.with_options(space=space.name, dataset=dataset, proxies=("flops",))
    return make_study(asked, space, find_device(device))


def _net(scores: _Scores, study: Study | None, proposal: Proposal) -> OperationNet:
    space, vector = scores.space, scores.vector(proposal)[None]
    percent = true_accuracy(space, scores.dataset).of_all(space) if space.enumerable else None
    index = int(space.index(vector)[0]) if space.enumerable else None
    return OperationNet(
        arch=space.strings(vector)[0],
        index=index,
        count=proposal.count,
        score=proposal.score if proposal.score is not None and np.isfinite(proposal.score) else None,
        costs={} if study is None else {axis.objective.id: float(axis.selection[index]) for axis in study.axes},
        accuracy_percent=None if percent is None or np.isnan(percent[index]) else float(percent[index]),
    )


@final
class _Scores:
    """Scores of the supernet and of single networks, on images drawn anew for each step and each validation."""

    def __init__(self, space: Space, dataset: str, proxy: Proxy, settings: OperationSettings) -> None:
        from hwnas.proxies.batches import load_batch
        from hwnas.proxies.recipes import task_of
        from hwnas.search.operations.supernets import make_supernet

        self.space, self.dataset, self.proxy, self.settings = space, dataset, proxy, settings
        self.images: Batch = load_batch(task_of(space, dataset), size=None)
        self.supernet: Supernet = make_supernet(space, dataset=dataset, seed=settings.seed)
        self.asked = 0

    def vector(self, proposal: Proposal) -> Integer[Array, " v"]:
        """The architecture of a proposal."""
        return self.supernet.vector(np.array(proposal.vector, dtype=np.int64))

    def of_supernet(self, number: int) -> Callable[[Float[Array, "e o"], int], float]:
        """The score function of a proposal."""

        def score(weights: Float[Array, "e o"], step: int) -> float:
            self.asked += 1
            return self._score(self.supernet.mixed(weights), self._drawn(0, number, step))

        return score

    def of_networks(self, proposals: list[Proposal], progress: Progress) -> Float[Array, "p v"]:
        """Scores of each proposal in each validation; all see the same images. One proposal alone needs none."""
        import torch

        from hwnas.proxies.initial_modules import initial_module

        rounds = self.settings.validations if len(proposals) > 1 else 1
        scores = np.zeros((len(proposals), rounds))
        for row, proposal in enumerate(proposals):
            vector = self.vector(proposal)
            module = initial_module(self.space, vector, dataset=self.dataset, seed=self.settings.seed)
            module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for column in range(rounds):
                scores[row, column] = self._score(module, self._drawn(1, column, 0))
            progress("validated", row + 1, len(proposals))
        return scores

    def _score(self, module: object, batch: Batch) -> float:
        from hwnas.proxies.engine import score_module

        return score_module(module, batch, [self.proxy], seed=self.settings.seed)[self.proxy.name]  # type: ignore[arg-type]

    def _drawn(self, *key: int) -> Batch:
        """Some of the images, as a function of the seed and the key."""
        import torch

        from hwnas.proxies.batches import Batch

        rng = np.random.default_rng([self.settings.seed, *key])
        rows = torch.from_numpy(rng.permutation(len(self.images.images))[: self.settings.batch_size])
        return Batch(
            images=self.images.images[rows].contiguous(memory_format=torch.channels_last),
            labels=self.images.labels[rows],
            source=self.images.source,
        )
