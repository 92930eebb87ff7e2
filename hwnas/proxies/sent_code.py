"""Proxies and spaces of one's own on their way to worker processes, which never run the script that registered them.

Pickled, their functions and classes travel by the names of their modules. What cannot be pickled so, such as a lambda,
travels as the `module:NAME` under which a module has the whole. What the script or notebook itself defines stays: to
have it a worker would run the script once more, and ask for scores in its turn.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Sequence
from types import FunctionType
from typing import Any, Final

from hwnas.proxies.proxy import Proxy
from hwnas.proxies.registry import PROXIES, get_proxy, known_elsewhere, of_hwnas
from hwnas.spaces import SPACES, Space, get_space
from hwnas.spaces.registry import VARIABLE
from hwnas.user_code import object_of

Sent = Proxy | Space | str
_SCRIPTS: Final = ("__main__", "__mp_main__")


def own_of(space: str, proxies: Sequence[str]) -> list[Proxy | Space]:
    """Those that are not of hwnas: another machine has none of them."""
    found = get_space(space)
    named = [get_proxy(name) for name in proxies]
    spaces = [] if type(found).__module__.startswith("hwnas.") else [found]
    return [*spaces, *(proxy for proxy in named if not of_hwnas(proxy))]


def sendable(own: Proxy | Space) -> Sent | None:
    """What a process of this machine makes it known by, to be given to `take`; None where it has no way to it.

    The name where the environment tells it to every process already.
    """
    if isinstance(own, Proxy):
        named = known_elsewhere(own)
    else:
        by_class = f"{type(own).__module__}:{type(own).__qualname__}"
        named = by_class in os.environ.get(VARIABLE, "").split(",")
    if named:
        return own.name
    return own if _travels(own) else _place(own)


def take(sent: Sent) -> None:
    """Make what was sent known here. Raises `UsageError` where its module cannot be imported."""
    if isinstance(sent, str) and ":" not in sent:
        return
    own: Any = object_of(sent, object, example="my_proxy:PROXY") if isinstance(sent, str) else sent
    if isinstance(own, Proxy):
        PROXIES[own.name] = own
    else:
        SPACES[own.name] = own


class _Modules(pickle.Pickler):
    """Pickles into nothing, and keeps the names of the modules that reading it would import."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.names: set[str] = set()

    def reducer_override(self, thing: Any) -> Any:
        """Every function and class passes here."""
        if isinstance(thing, (type, FunctionType)):
            self.names.add(thing.__module__)
        return NotImplemented


def _travels(own: Proxy | Space) -> bool:
    """Whether it can be pickled, by modules that another process finds."""
    modules = _Modules()
    try:
        modules.dump(own)
    except Exception:  # whatever a class of the user's raises, and pickle itself for lambdas
        return False
    return all(map(_is_found, modules.names))


def _place(own: Proxy | Space) -> str | None:
    """`module:NAME` of it in a module that another process finds."""
    for name, module in reversed(list(sys.modules.items())):  # the user's come last
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if value is own and _is_found(name):
                return f"{name}:{key}"
    return None


def _is_found(module: str) -> bool:
    """Whether a module can be imported by its name. It is not, though it may be here already."""
    if module in _SCRIPTS:
        return False
    top = module.partition(".")[0]
    finders = [getattr(finder, "find_spec", None) for finder in sys.meta_path]
    return any(find(top, None) is not None for find in finders if find is not None)
