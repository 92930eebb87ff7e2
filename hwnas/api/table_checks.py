"""What a table of scores is asked of, checked before anything is computed, without torch."""

from __future__ import annotations

from collections.abc import Sequence

from hwnas.api.accuracy import require_networks
from hwnas.api.columns import components_of
from hwnas.api.computing import require_executor
from hwnas.api.given import names_of
from hwnas.errors import UsageError
from hwnas.proxies import PROXIES, Proxy, get_proxy, usual_proxies
from hwnas.proxies.combinations import Scorer, get_scorer
from hwnas.proxies.registry import require_graphs
from hwnas.spaces import Space


def table_proxies(
    space: Space, dataset: str, names: Sequence[str] | None, *, limit: int | None, executor: str
) -> list[Proxy]:
    """The proxies of a table of `space`: those named, of a combination its components that are not counts; None for
    `usual_proxies`.

    Raises `UnknownNameError`; `UsageError` for counts, which need no table, and for all networks of a space that can
    list none; `ProxyError` for a proxy that reads graphs where the space has none; `MissingExtraError` without Ray.
    """
    proxies = _components(usual_proxies(space) if names is None else names)
    for proxy in proxies:
        if PROXIES[proxy.name].by_architecture:
            raise UsageError(f"proxy {proxy.name!r} is counted from each architecture and needs no table; leave it out")
    if not proxies and names is not None:
        raise UsageError(
            f"expected a proxy that is computed, got {', '.join(map(str, names))}, counted from each architecture, "
            "which needs no table; add another"
        )
    if names is not None:  # of the usual ones a space of one's own may leave some out
        require_graphs(space, proxies)
    require_networks(space, dataset, limit=limit)
    require_executor(executor)
    return proxies


def scorers_named(names: Sequence[str]) -> list[Scorer]:
    """Proxies and combinations by their names, each once. Raises `UnknownNameError`, and `UsageError` for none."""
    asked = [get_scorer(name) for name in names_of("proxies", names)]
    if not asked:
        raise UsageError("expected at least one proxy, got none; `hwnas proxies` lists them")
    return list({scorer.name: scorer for scorer in asked}.values())


def _components(names: Sequence[str]) -> list[Proxy]:
    parts = [
        get_proxy(name)
        for scorer in scorers_named(names)
        for name in components_of(scorer)
        if isinstance(scorer, Proxy) or not get_proxy(name).by_architecture
    ]
    return list({proxy.name: proxy for proxy in parts}.values())
