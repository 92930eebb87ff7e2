"""Which parts of a module are its successive blocks."""

from __future__ import annotations

from torch import nn

from hwnas.errors import ProxyError


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """`module.blocks` where there is such a list, else the items with weights of the longest list of layers inside.

    Raises `ProxyError` for a module without either.
    """
    named = getattr(module, "blocks", None)
    if isinstance(named, (list, tuple, nn.Sequential, nn.ModuleList)) and len(named):
        return list(named)
    lists = [_with_weights(layer) for layer in module.modules() if isinstance(layer, (nn.Sequential, nn.ModuleList))]
    longest = max(lists, key=len, default=[])
    if not longest:
        raise ProxyError(
            f"AZ-NAS scores expected {type(module).__name__} to have blocks, got neither a property `blocks` "
            "nor an nn.Sequential or nn.ModuleList of layers with weights; add the property or use another proxy"
        )
    return longest


def _with_weights(layers: nn.Sequential | nn.ModuleList) -> list[nn.Module]:
    return [layer for layer in layers if any(True for _ in layer.parameters())]
