"""Which operators a runtime executes as one kernel: rules as data, one file per runtime."""

from hwnas.graphs.fusion.registry import RUNTIMES, get_runtime
from hwnas.graphs.fusion.rules import Absorb, Blocked, Pattern, Rules, Step

__all__ = ["RUNTIMES", "Absorb", "Blocked", "Pattern", "Rules", "Step", "get_runtime"]
