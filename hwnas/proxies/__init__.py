"""Zero-cost proxies. A new one is one file here and one line in `registry.py`; see README.md."""

from hwnas.proxies.engine import score_module
from hwnas.proxies.proxy import Proxy
from hwnas.proxies.registry import BASELINES, COUNTS, PROXIES, USUAL, get_proxy, usual_proxies

__all__ = ["BASELINES", "COUNTS", "PROXIES", "USUAL", "Proxy", "get_proxy", "score_module", "usual_proxies"]
