"""Names of spaces, as they arrive from the command line, from HTTP or from files; spaces of one's own by theirs."""

from __future__ import annotations

import os
import re
from typing import Final

from hwnas.errors import UnknownNameError, UsageError
from hwnas.spaces.accel_nasbench import AccelNASBench
from hwnas.spaces.autoformer import AutoFormer
from hwnas.spaces.darts import DARTS
from hwnas.spaces.fbnet import FBNet
from hwnas.spaces.fingerprint import code_of
from hwnas.spaces.imagenet_models import ImageNetModels
from hwnas.spaces.nasbench201 import NASBench201
from hwnas.spaces.nasbench_macro import NASBenchMacro
from hwnas.spaces.nats_size import NATSSize
from hwnas.spaces.ofa import OnceForAll
from hwnas.spaces.own_methods import is_own
from hwnas.spaces.pit import PiT
from hwnas.spaces.space import Space
from hwnas.spaces.transnas_micro import TransNASMicro
from hwnas.user_code import factory_of, told

SPACES: Final[dict[str, Space]] = {
    space.name: space
    for space in (
        NASBench201(),
        FBNet(),
        OnceForAll(),
        DARTS(),
        NASBenchMacro(),
        TransNASMicro(),
        NATSSize(),
        AccelNASBench(),
        AutoFormer(),
        PiT(),
        ImageNetModels(),
    )
}


VARIABLE: Final = "HWNAS_SPACES"  # spaces of one's own, as package.module:Class, with commas between them
TO_KNOW: Final = (
    f"one of your own is known by its name with {VARIABLE}=package.module:Class in the environment, "
    "in Python after hwnas.spaces.register(it)"
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of files in the cache
_named: Final[dict[str, Space]] = {}  # by what stands in the variable


def get_space(name: str) -> Space:
    """The space called `name` or one of its aliases, in any case. Raises `UnknownNameError`, `UsageError`."""
    if not isinstance(name, str):
        raise UsageError(
            f"expected the name of a space, got a {type(name).__name__}; hwnas.spaces.register(it) makes it known by "
            "its name"
        )
    known, wanted = known_spaces(), name.lower()
    for space in known.values():
        if wanted in (space.name, *space.aliases):
            return space
    raise UnknownNameError("space", name, known, advice=TO_KNOW)


def known_spaces() -> dict[str, Space]:
    """Every space by its name: those of hwnas, those that were registered, and those that `HWNAS_SPACES` names.

    Raises `UsageError` for one that the variable names and that cannot be had.
    """
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        if name not in _named:
            _named[name] = register(make_space(name))
    return SPACES


def register(space: Space) -> Space:
    """Make a space known by its name in this process. Raises `UsageError` as `check_names` does."""
    check_names(space)
    if is_own(type(space)):
        code_of(type(space))  # now, as the file may be edited while the process has the code that it read
    return SPACES.setdefault(space.name, space)


def check_names(space: Space) -> None:
    """Raise `UsageError` where a name of the space is another one's, or it or a data set's cannot be that of a file."""
    for what, names in (("space", (space.name, *space.aliases)), ("data set", space.datasets)):
        for name in names:
            if not _NAME.fullmatch(name) or (what == "space" and name != name.lower()):
                raise UsageError(
                    f"expected a name of letters{' in lower case' if what == 'space' else ''}, digits, '-', '_' and "
                    f"'.' for the {what}, beginning with a letter or digit, got {name!r}; give {space.title} such a one"
                )
    for other in SPACES.values():
        shared = {space.name, *space.aliases} & {other.name, *other.aliases}
        if shared and type(other) is not type(space):
            raise UsageError(
                f"expected a name that no other space has, got {min(shared)!r}; give {space.title} another"
            )


def register_by_name(name: str) -> Space:
    """The space that `package.module:Class` makes, from now on known here and in processes that are started here.

    The user's own code is imported and run. Raises `UsageError` where it gives no space.
    """
    named = [*filter(None, os.environ.get(VARIABLE, "").split(",")), name]
    space = _named[name] if name in _named else register(make_space(name))
    _named[name] = space
    os.environ[VARIABLE] = ",".join(dict.fromkeys(named))
    return space


def typed_name(space: Space) -> str:
    """What a command takes for `--space`: a name of hwnas, or what made one's own known here, where that is known."""
    return next((name for name, named in _named.items() if named is space), space.name)


def make_space(name: str) -> Space:
    """What `package.module:Class` gives, called without arguments. Raises `UsageError` where it is no space."""
    make = factory_of(name)
    try:
        space = make()
    except (Exception, SystemExit) as error:
        raise UsageError(f"expected {name} to give a space, got {told(error)}; mend it there") from error
    if not isinstance(space, Space):
        raise UsageError(f"expected {name} to give a hwnas.spaces.Space, got a {type(space).__name__}")
    return space
