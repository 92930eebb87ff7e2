"""A module made by the user's own function, named on the command line. It is imported and run; nothing is unpickled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.errors import UsageError
from hwnas.user_code import factory_of, told

if TYPE_CHECKING:
    from torch import nn


def module_of(name: str, *, seed: int = 0) -> nn.Module:
    """What the factory `package.module:factory` returns, called without arguments and with torch's seed set.

    Packages are looked for in the current directory too, which stays on the path, as with `python -m`. Raises
    `UsageError` that names the line where the user's code fails.
    """
    import torch

    factory = factory_of(name)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            made = factory()
        except (Exception, SystemExit) as error:
            raise UsageError(f"expected {name} to return a module, got {told(error)}; mend it there") from error
    if not isinstance(made, torch.nn.Module):
        raise UsageError(
            f"expected {name} to return a torch.nn.Module, got a {type(made).__name__}; return the network"
        )
    return made
