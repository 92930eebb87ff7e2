"""What can be refused before a job is made of it."""

from __future__ import annotations

from hwnas.api.computing import require_torch
from hwnas.proxies.combinations import get_scorer
from hwnas.service.forms import TableBody
from hwnas.spaces import get_space


def check_scoring(body: TableBody) -> None:
    """Names that are known, and torch. Raises `UnknownNameError`, `MissingExtraError`."""
    get_space(body.space).dataset(body.dataset)
    for name in body.proxies or ():
        get_scorer(name)
    require_torch()
