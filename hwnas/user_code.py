"""Code that is not ours: found by its name, and its errors told with the line of it."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

from hwnas.errors import HwnasError, UsageError

Kind = TypeVar("Kind")
_OUR_FOLDER: Final = Path(__file__).parent


def told(error: BaseException) -> str:
    """One line: an error of this package says all itself; any other its type, message and the user's line."""
    if isinstance(error, HwnasError):
        return str(error)
    message = " ".join(str(error).split())
    where = _users_line(error)
    return f"{type(error).__name__}{f': {message}' if message else ''}{f' ({where})' if where else ''}"


def _users_line(error: BaseException) -> str:
    """File, number and text of the innermost line that belongs to no library."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        library = "site-packages" in path.parts or "dist-packages" in path.parts or frame.filename.startswith("<")
        if not library and not path.is_relative_to(_OUR_FOLDER) and "importlib" not in path.parts:
            return f"{frame.filename}:{frame.lineno}: {frame.line}"
    return ""


def factory_of(name: str) -> Callable[[], Any]:
    """The function or class called `package.module:name`, which takes no arguments. Raises `UsageError`."""
    path, _, attribute = name.partition(":")
    if not path or not attribute or path.endswith(".py"):
        raise UsageError(f"expected a factory as package.module:function, got {name!r}; e.g. my_networks:tiny_vit")
    module = _module(path)
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


def object_of(name: str, kind: type[Kind], *, example: str) -> Kind:
    """The object of a class called `package.module:NAME`, of which `example` is one. Raises `UsageError`."""
    path, _, attribute = name.partition(":")
    what = kind.__name__
    if not path or not attribute or path.endswith(".py"):
        raise UsageError(f"expected a {what} as package.module:NAME, got {name!r}; e.g. {example}")
    module = _module(path)
    found = getattr(module, attribute, None)
    if not isinstance(found, kind):
        got = f"a {type(found).__name__}" if hasattr(module, attribute) else "nothing of that name"
        names = sorted(key for key, value in vars(module).items() if isinstance(value, kind))
        raise UsageError(
            f"expected {attribute} in {path} to be a {what}, got {got}; it has {', '.join(names) or 'none'}"
        )
    return found


def _module(path: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{path}.".startswith(f"{error.name}."):
            raise UsageError(
                f"expected a Python module {path}, got none in {folder} or among the installed packages; "
                "start the command in the folder that has it"
            ) from error
        raise UsageError(f"expected to import {path}, got {told(error)}; mend it there") from error
