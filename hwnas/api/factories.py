"""A module made by the user's own function, named on the command line. It is imported and run; nothing is unpickled."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwnas.errors import UsageError
from hwnas.proxies.user_code import told

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


def factory_of(name: str) -> Callable[[], Any]:
    """The function or class called `package.module:name`, which takes no arguments. Raises `UsageError`."""
    path, _, attribute = name.partition(":")
    if not path or not attribute or path.endswith(".py"):
        raise UsageError(f"expected a factory as package.module:function, got {name!r}; e.g. my_networks:tiny_vit")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(path)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{path}.".startswith(f"{error.name}."):
            raise UsageError(
                f"expected a Python module {path}, got none in {folder} or among the installed packages; "
                "start the command in the folder that has it"
            ) from error
        raise UsageError(f"expected to import {path}, got {told(error)}; mend it there") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        names = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise UsageError(f"expected a function {attribute} in {path}, got none; it has {', '.join(names) or 'none'}")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise UsageError(
            f"expected {name} to take no arguments, got: {error}; write a function that gives them"
        ) from error
    except ValueError:  # a callable without a signature: calling it tells
        pass
    return factory  # type: ignore[no-any-return]
