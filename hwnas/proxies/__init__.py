"""Zero-cost proxies. A new one is one file; see README.md."""

from hwnas.proxies.engine import score_module
from hwnas.proxies.proxy import Proxy
from hwnas.proxies.registry import (
    BASELINES,
    COUNTS,
    PROXIES,
    USUAL,
    get_proxy,
    known_proxies,
    register,
    usual_proxies,
)

__all__ = [
    "BASELINES",
    "COUNTS",
    "PROXIES",
    "USUAL",
    "Proxy",
    "get_proxy",
    "known_proxies",
    "register",
    "score_module",
    "usual_proxies",
]
