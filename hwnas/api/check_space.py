"""Does a space of your own keep the contract? The tests that ship with hwnas, run without pytest."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, final

from hwnas.errors import HwnasError
from hwnas.spaces.registry import make_space
from hwnas.testing import SpaceContract
from hwnas.user_code import told


@final
@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule of the contract: its name, what it says, and what went wrong; None where it is kept."""

    name: str
    rule: str
    problem: str | None


@final
@dataclass(frozen=True, kw_only=True)
class SpaceChecks:
    """A space and every rule of the contract."""

    space: str
    checks: tuple[Check, ...]

    @property
    def kept(self) -> bool:
        """Whether all rules are kept."""
        return all(check.problem is None for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [{"name": check.name, "rule": check.rule, "problem": check.problem} for check in self.checks]
        return {"space": self.space, "kept": self.kept, "checks": rows}


def check_space(name: str) -> SpaceChecks:
    """Run `hwnas.testing.SpaceContract` on the space that `package.module:Class` makes, called without arguments.

    The user's own code is imported and run. Raises `UsageError` where it gives no space.
    """
    space = make_space(name)
    contract = type("Contract", (SpaceContract,), {"space": space})
    rules = [rule for rule in vars(SpaceContract) if rule.startswith("test_")]
    return SpaceChecks(space=space.name, checks=tuple(_checked(contract(), rule) for rule in rules))


def _checked(contract: SpaceContract, name: str) -> Check:
    test = getattr(contract, name)
    rule = " ".join((test.__doc__ or "").split())
    try:
        test()
    except Exception as error:  # whatever the user's code raises is what went wrong
        return Check(name=name.removeprefix("test_"), rule=rule, problem=_where(error))
    return Check(name=name.removeprefix("test_"), rule=rule, problem=None)


def _where(error: Exception) -> str:
    """The line that failed, and the error unless it is an assertion without words; an error of ours says all itself."""
    if isinstance(error, HwnasError):
        return str(error)
    if isinstance(error, AssertionError) and str(error):
        return str(error).splitlines()[0]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    words = "" if isinstance(error, AssertionError) else f" ({told(error)})"
    return f"{frame.line or frame.name}{words}"
