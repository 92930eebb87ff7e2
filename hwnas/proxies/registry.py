"""Names of proxies, as they arrive from the command line, from HTTP or from files; proxies of one's own by theirs.

A new proxy of hwnas is one line here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hwnas.errors import ProxyError, UnknownNameError, UsageError
from hwnas.proxies import (
    az_expressivity,
    az_progressivity,
    az_trainability,
    epe_nas,
    fisher,
    flops,
    grad_norm,
    grad_sign,
    grasp,
    jacob_cov,
    l2_norm,
    linear_regions,
    macs,
    meco,
    naswot,
    naswot_eval,
    near,
    nn_degree,
    nn_mass,
    nngp,
    ntk_cond,
    params,
    plain,
    snip,
    swap,
    synflow,
    zen,
    zico,
)
from hwnas.proxies.proxy import Need, Proxy
from hwnas.user_code import object_of

if TYPE_CHECKING:
    from hwnas.spaces import Space

PROXIES: Final[dict[str, Proxy]] = {
    module.PROXY.name: module.PROXY
    for module in (
        *(params, macs, flops),
        *(zen, naswot, naswot_eval, synflow, grad_norm, snip, fisher, plain, l2_norm, jacob_cov, epe_nas),
        *(az_expressivity, az_progressivity, az_trainability, swap, near, meco),
        *(grasp, zico, grad_sign, ntk_cond, linear_regions, nngp, nn_mass, nn_degree),
    )
}
VARIABLE: Final = "HWNAS_PROXIES"  # proxies of one's own, as package.module:NAME, with commas between them
_EXAMPLE: Final = "my_proxy:PROXY"
_named: Final[dict[str, Proxy]] = {}  # by what stands in the variable
_OF_HWNAS: Final = frozenset(PROXIES)
_LISTS: Final = frozenset({"all", "learned", "random", "truth"})  # lists of networks beside those by proxies
_COLUMNS: Final = frozenset(  # of tables and files beside the scores, and costs that are asked for by their names
    {"accuracy", "accuracy_percent", "arch", "architecture", "benchmark_index", "cell", "dataset", "device", "front"}
    | {"index", "name", "network", "network_id", "net", "rank", "role", "score", "source", "space"}
    | {"energy_mj", "latency_ms", "peak_memory_bytes"}
)
BASELINES: Final = ("params", "flops")
COUNTS: Final = tuple(name for name, proxy in PROXIES.items() if proxy.by_architecture)
_COSTLY: Final[frozenset[Need]] = frozenset(
    {"hessian_gradient", "half_gradients", "sign_sums", "tangent_kernel", "region_counts", "random_features"}
)
# Those that share a gradient or take less work, which are scored unless others are named.
USUAL: Final = tuple(name for name, proxy in PROXIES.items() if not proxy.needs & _COSTLY and not proxy.by_architecture)


def usual_proxies(space: Space) -> tuple[str, ...]:
    """`USUAL` without those that read what the networks of the space lack, such as ReLUs."""
    return tuple(name for name in USUAL if not PROXIES[name].needs.intersection(space.lacks))


def require_graphs(space: Space, proxies: Sequence[Proxy]) -> None:
    """Raise `ProxyError` for the first proxy that reads the operator graph of a space that has none."""
    reading = [proxy.name for proxy in proxies if "graph" in proxy.needs]
    if reading and not space.has_graphs:
        raise ProxyError(
            f"{reading[0]} reads the operator graph, which {space.name} does not have; leave the proxy out"
        )


def get_proxy(name: str) -> Proxy:
    """The proxy called `name`, in any case, `-` or `_`. Raises `UnknownNameError`, `UsageError`."""
    wanted = plain_name(name)
    # The variable is read for other names alone: what it names may ask for one of these while it is imported.
    if wanted not in PROXIES and wanted not in known_proxies():
        raise UnknownNameError("proxy", name, PROXIES)
    return PROXIES[wanted]


def plain_name(name: str) -> str:
    """A name as it stands in registries: in lower case and with `_`. Raises `UsageError` for what is none."""
    if not isinstance(name, str):
        raise UsageError(
            f"expected the name of a proxy, got a {type(name).__name__}; hwnas.proxies.register(it) makes it known by "
            "its name"
        )
    if ":" in name:
        raise UsageError(
            f"expected the name of a proxy, got {name!r}, which options of commands take alone; "
            "hwnas.proxies.register(it) makes it known by its own name in Python, HWNAS_PROXIES everywhere"
        )
    return name.lower().replace("-", "_")


def known_proxies() -> dict[str, Proxy]:
    """Every proxy by its name: those of hwnas, those that were registered, and those that `HWNAS_PROXIES` names.

    Raises `UsageError` for one that the variable names and that cannot be had.
    """
    for name in _in_environment():
        if name not in _named:
            _named[name] = register(object_of(name, Proxy, example=_EXAMPLE))
    return PROXIES


def register(proxy: Proxy) -> Proxy:
    """Make a proxy known by its name in this process, and in the worker processes that it starts.

    Workers have it where its functions can be imported, or a module has it by a name; the work of one that the script
    or notebook itself defines stays in this process. Raises `UsageError` for a name that another one or a column of
    results has or that cannot be typed, and for a count of architectures.
    """
    from hwnas.proxies.combinations.registry import COMBINATIONS

    name = proxy.name
    if not name.isidentifier() or name != name.lower():
        raise UsageError(f"expected a name of a-z, 0-9 and _, got {name!r}; give the proxy such a name")
    if name in COMBINATIONS or name in _LISTS or PROXIES.get(name, proxy) != proxy:
        raise UsageError(f"expected a name that no other proxy has, got {name!r}; give {proxy.title!r} another")
    if name in _COLUMNS:
        raise UsageError(
            f"expected a name that no column of results has, got {name!r}; give {proxy.title!r} another, "
            f"such as {name}_proxy"
        )
    if proxy.by_architecture and name not in COUNTS:
        raise UsageError(
            f"expected a proxy that is computed from a network, got {name!r} with by_architecture; such counts are "
            "those of the spaces, leave it out"
        )
    return PROXIES.setdefault(name, proxy)


def register_by_name(name: str) -> Proxy:
    """The proxy `package.module:NAME`, from now on known here and in processes that are started here.

    The user's own code is imported and run. Raises `UsageError` where it is no proxy.
    """
    named = [*_in_environment(), name]
    proxy = _named[name] if name in _named else register(object_of(name, Proxy, example=_EXAMPLE))
    _named[name] = proxy
    os.environ[VARIABLE] = ",".join(dict.fromkeys(named))
    return proxy


def of_hwnas(proxy: Proxy) -> bool:
    """Whether a proxy is one of hwnas, as against one of the user's."""
    return proxy.name in _OF_HWNAS and PROXIES[proxy.name] is proxy


def known_elsewhere(proxy: Proxy) -> bool:
    """Whether processes that are started here know a proxy: one of hwnas, or one that the variable names."""
    return proxy.name in _OF_HWNAS or proxy in (_named[name] for name in _in_environment() if name in _named)


def as_typed(name: str) -> str:
    """What stands for a proxy or a sum of proxies in a command: of one's own ones `package.module:NAME`."""
    typed = {proxy.name: word for word, proxy in _named.items()}
    return "+".join(typed.get(part, part) for part in name.split("+"))


def _in_environment() -> list[str]:
    return [*filter(None, os.environ.get(VARIABLE, "").split(","))]
