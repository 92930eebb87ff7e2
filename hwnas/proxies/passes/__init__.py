"""How evidence is gathered. Each pass leaves parameters, buffers, flags and global state of the module as they were."""

from hwnas.proxies.passes.gathering import gather

__all__ = ["gather"]
