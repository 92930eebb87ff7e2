"""Contracts as test classes: a space, proxy, cost model or search of your own passes the same tests as those in hwnas.

    from hwnas.testing import ProxyContract

    class TestMyProxy(ProxyContract):
        proxy = MY_PROXY

pytest runs every `test_*` method; the methods are plain asserts and need no other library.
"""

from hwnas.testing.cost_models import CostModelContract
from hwnas.testing.proxies import ProxyContract
from hwnas.testing.searches import SearchContract
from hwnas.testing.spaces import SpaceContract

__all__ = ["CostModelContract", "ProxyContract", "SearchContract", "SpaceContract"]
