"""By what the batch norms of a supernet and of its networks normalise while they are scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import nn

STATISTICS: Final = ("initial", "batch")
# Xiang et al.'s code scores by naswot in evaluation mode, and by all other proxies in training mode.
_BY_INITIAL: Final = ("naswot",)


def statistics_of(proxy: str, asked: str | None) -> str:
    """What was asked for, or what the paper's code takes for the proxy."""
    return asked or ("initial" if proxy in _BY_INITIAL else "batch")


def at_initial_statistics(module: nn.Module) -> None:
    """Replace every batch norm: with a mean of 0, a variance of 1 and no learned scale it returns its input."""
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm

    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(parent, name, nn.Identity())
