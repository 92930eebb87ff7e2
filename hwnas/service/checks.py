"""What can be refused before a job is made of it."""

from __future__ import annotations

from hwnas.api.columns import has_tables
from hwnas.api.computing import require_torch
from hwnas.api.found_devices import find_device
from hwnas.api.scores_on_demand import is_computed, scorers_of
from hwnas.api.table_checks import table_proxies
from hwnas.proxies.combinations import get_scorer
from hwnas.service.forms import ParetoBody, TableBody
from hwnas.spaces import get_space


def check_scoring(body: TableBody) -> None:
    """Names that are known, networks that there are, proxies that are computed, and what computes them. Raises what
    `table_proxies` does, and `MissingExtraError` without torch."""
    space = get_space(body.space)
    table_proxies(space, space.dataset(body.dataset), body.proxies, limit=body.limit, executor=body.executor)
    require_torch()


def check_search(body: ParetoBody) -> None:
    """Names that are known, costs that can be asked for together, scores that can be had, and torch where they are
    computed. Raises `UnknownNameError`, `UsageError`, `MissingExtraError`."""
    space = get_space(body.space)
    dataset = space.dataset(body.dataset)
    body.question().words(find_device(body.device), space, dataset)
    if space.enumerable:  # scores are looked up where there are tables
        asked = [get_scorer(name) for name in body.proxies or ()]
        computed = any(not has_tables(space, dataset, scorer) for scorer in asked)
    else:
        computed = any(is_computed(scorer) for scorer, _ in scorers_of(space, dataset, body.proxies)[0])
    if computed:
        require_torch(f"scoring networks of {space.name}")
