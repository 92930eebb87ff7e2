"""Which parts of a module are its successive blocks."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from hwnas.errors import ProxyError
from hwnas.proxies.module_state import NORMS

_LISTS = (nn.Sequential, nn.ModuleList)


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """`module.blocks` where there is such a list, else what the lists of layers inside repeat.

    The longest list of blocks, or of single layers where there is none, says of which classes blocks are; every list
    with such items adds all of its own, so that all stages of a network count. A list within a list is one with it,
    but for a single layer with its norm, which is a block. Norms that stand alone and the linear layers at the end, the
    classifier, are none.
    Raises `ProxyError` for a module without either.
    """
    named = getattr(module, "blocks", None)
    if isinstance(named, (list, tuple, *_LISTS)) and len(named):
        return list(named)
    lists = [(layers, _items(layers)) for layers in module.modules() if isinstance(layers, _LISTS)]
    longest = max((items for _, items in lists), key=lambda items: (any(map(_is_block, items)), len(items)), default=[])
    if not longest:
        raise ProxyError(
            f"AZ-NAS scores expected {type(module).__name__} to have blocks, got neither a property `blocks` "
            "nor an nn.Sequential or nn.ModuleList of layers with weights; add the property or use another proxy"
        )
    kinds = {type(item) for item in longest}
    found: list[nn.Module] = []
    inside: set[nn.Module] = set()
    for layers, items in lists:  # outer ones come first
        if layers not in inside and kinds & {type(item) for item in items}:
            found += [item for item in items if item not in inside]
            inside.update(inner for item in items for inner in item.modules())
    return _without_ends(found)


def _items(layers: Iterable[nn.Module]) -> list[nn.Module]:
    """Items with weights; those of a list among them in its place, if it holds blocks or several layers."""
    found: list[nn.Module] = []
    for item in layers:
        inner = _items(item) if isinstance(item, _LISTS) else []
        several = len([layer for layer in inner if not isinstance(layer, NORMS)]) > 1
        if inner and (several or all(map(_is_block, inner))):
            found += inner
        elif any(True for _ in item.parameters()):
            found.append(item)
    return found


def _is_block(layer: nn.Module) -> bool:
    return any(True for _ in layer.children())


def _without_ends(blocks: list[nn.Module]) -> list[nn.Module]:
    """Without norms that stand alone, and without linear layers at the end; all of them where nothing else is left."""
    kept = [block for block in blocks if not isinstance(block, NORMS)]
    if all(isinstance(block, nn.Linear) for block in kept):
        return kept[:-1] or blocks
    while isinstance(kept[-1], nn.Linear):
        kept.pop()
    return kept
