"""Names of proxies, as they arrive from the command line, from HTTP or from files. A new proxy is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwnas.errors import UnknownNameError
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
    naswot,
    naswot_eval,
    nn_degree,
    nn_mass,
    nngp,
    ntk_cond,
    params,
    plain,
    snip,
    synflow,
    zen,
    zico,
)
from hwnas.proxies.proxy import Need, Proxy

if TYPE_CHECKING:
    from hwnas.spaces import Space

PROXIES: Final[dict[str, Proxy]] = {
    module.PROXY.name: module.PROXY
    for module in (
        *(params, macs, flops),
        *(zen, naswot, naswot_eval, synflow, grad_norm, snip, fisher, plain, l2_norm, jacob_cov, epe_nas),
        *(az_expressivity, az_progressivity, az_trainability),
        *(grasp, zico, grad_sign, ntk_cond, linear_regions, nngp, nn_mass, nn_degree),
    )
}
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


def get_proxy(name: str) -> Proxy:
    """The proxy called `name`, in any case, `-` or `_`. Raises `UnknownNameError`."""
    wanted = name.lower().replace("-", "_")
    if wanted not in PROXIES:
        raise UnknownNameError("proxy", name, PROXIES)
    return PROXIES[wanted]
