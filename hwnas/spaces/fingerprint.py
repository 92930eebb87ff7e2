"""Digits that change when a space of one's own does, so that what was computed of it before is not taken for it.

A space is known by its name, and so is what the cache keeps of it: scores, peaks of memory. Those of hwnas are what
they are in every release; one's own may be edited between two commands. Its fingerprint is made of

- its code: the module of its class and those that it imports, as far as they are the user's, by their syntax trees, so
  that comments, docstrings and the layout of the text do not count. Without a file, as in a notebook, it is the
  compiled code of the class and of what that calls in the same place;
- what it says: choices, data sets, and the strings and counts of a fixed sample of architectures, as these may depend
  on a file of data or on how the space was made.

So an activation function in `module` counts although no count sees it, and torch is not needed. Too much counts
rather than too little: also what has no part in any network, and another version of Python, in which trees differ.
Files that change while a process has their code already are not looked at again. What only a network's weights depend
on (a file that `module` loads, a library of another version) is not noticed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import hwnas.graphs
import hwnas.spaces
from hwnas.spaces.own_methods import is_own
from hwnas.spaces.space import Space

_DIGITS: Final = 12
_SAMPLE: Final = 20  # architectures; counts read from their graphs take some 10 ms
_PLAIN: Final = (bool, int, float, str, bytes, type(None))
_known: Final[dict[int, tuple[Space, str]]] = {}  # with the space, so that its id stays its own


def fingerprint(space: Space) -> str:
    """Twelve hexadecimal digits that tell a space of one's own from what it was before; empty for one of hwnas.

    The same in every process until the space changes. Raises what the counts of the space raise.
    """
    if not is_own(type(space)):
        return ""
    if id(space) not in _known:
        _known[id(space)] = space, _digits([code_of(type(space)), *_facts(space)])
    return _known[id(space)][1]


@cache
def graph_code() -> str:
    """Twelve digits of the code of hwnas that makes graphs of architectures and kernels of graphs: what the cache keeps
    of these is of one release alone."""
    folders = [Path(package.__file__).parent for package in (hwnas.graphs, hwnas.spaces) if package.__file__]
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGITS]


@cache
def code_of(made: type) -> str:
    """Digits of the code of a class of spaces, as it was when this was asked first."""
    bases = [base for base in made.__mro__ if is_own(base) and _top(base.__module__) not in sys.stdlib_module_names]
    trees: dict[Path, str] = {}
    without_file = []
    for base in bases:
        path = _file(base.__module__, _top(base.__module__))
        if path is None:
            without_file.append(base)
        else:
            _read(path, base.__module__, trees)
    return _digits([*sorted(trees.values()), *_compiled(without_file)])


def _facts(space: Space) -> list[Any]:
    vectors = space.sample(min(_SAMPLE, space.size), seed=0)
    counts = [
        {name: [int(value) for value in column] for name, column in space.counts(vectors, dataset=dataset).items()}
        for dataset in space.datasets
    ]
    return [list(space.choices), list(space.datasets), space.strings(vectors), counts]


def _digits(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def _top(module: str) -> str:
    return module.partition(".")[0]


def _read(path: Path, module: str, trees: dict[Path, str]) -> None:
    """The tree of a module of the user's, and those of the user's modules that it imports, each once."""
    if path in trees:
        return
    text = path.read_bytes()
    trees[path] = ""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # edited since it was imported
        trees[path] = hashlib.sha256(text).hexdigest()
        return
    for node in ast.walk(tree):
        _without_docstring(node)
    trees[path] = ast.dump(tree)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for name in _imported(tree, package):
        imported = _file(name, _top(module))
        if imported is not None:
            _read(imported, name, trees)


def _without_docstring(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = body[1:]


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Names of modules that an import may mean; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(part for part in (*above, node.module) if part)
            if base:
                yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _file(module: str, mine: str) -> Path | None:
    """The Python file of a module of the user's: in no library, or in the one that has the space (`mine`).

    Nothing is imported for it.
    """
    top, *rest = module.split(".")
    if top == "hwnas" or (top in sys.stdlib_module_names and module != "__main__"):
        return None
    loaded = sys.modules.get(module)
    if loaded is not None:
        named = getattr(loaded, "__file__", None)
        path = Path(named) if named else None
    else:
        path = _unloaded(top, rest)
    if path is None or path.suffix != ".py" or not path.is_file():
        return None
    library = {"site-packages", "dist-packages"} & {*path.parts}
    return None if library and top != mine else path.resolve()


def _unloaded(top: str, rest: list[str]) -> Path | None:
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        place = Path(folder).joinpath(*rest)
        found = next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)
        if found is not None:
            return found
    return None


def _compiled(made: list[type]) -> list[str]:
    """What the methods of classes without a file run, with what they name in the same place; sorted."""
    seen: dict[int, str] = {}
    todo: list[Any] = list(made)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        if isinstance(thing, type):
            parts = {name: inspect.unwrap(value) for name, value in vars(thing).items() if callable(value)}
            parts |= {name: value.fget for name, value in vars(thing).items() if isinstance(value, property)}
            todo += parts.values()
            seen[id(thing)] = _written({k: v for k, v in vars(thing).items() if not k.startswith("__")})
        elif isinstance(thing, FunctionType):
            names = _names(thing.__code__)
            there = {name: thing.__globals__[name] for name in names if name in thing.__globals__}
            todo += [one for one in there.values() if getattr(one, "__module__", None) == thing.__module__]
            seen[id(thing)] = f"{_instructions(thing.__code__)} {_written(there)}"
    return sorted(seen.values())


def _names(code: CodeType) -> set[str]:
    inner = (_names(const) for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*inner)


def _instructions(code: CodeType) -> str:
    consts = [_instructions(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {consts}"


def _constant(value: Any) -> str:
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _written(values: dict[str, Any]) -> str:
    """Those of the values that are plain, or tuples and lists of plain ones."""

    def plain(value: Any) -> bool:
        if isinstance(value, (tuple, list)):
            return all(map(plain, value))
        if isinstance(value, dict):
            return all(map(plain, value)) and all(map(plain, value.values()))
        return isinstance(value, _PLAIN)

    return str(sorted((name, repr(value)) for name, value in values.items() if plain(value)))
