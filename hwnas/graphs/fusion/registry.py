"""Names of runtimes whose fusion is known, as they arrive from the command line."""

from __future__ import annotations

from typing import Final

from hwnas.errors import UnknownNameError
from hwnas.graphs.fusion import onnxruntime, tensorrt, tflite
from hwnas.graphs.fusion.rules import Rules

NONE: Final = Rules(runtime="none", source="nothing is fused: every operator is a kernel")
RUNTIMES: Final[dict[str, Rules]] = {
    rules.runtime: rules for rules in (onnxruntime.RULES, tensorrt.RULES, tflite.RULES, NONE)
}


def get_runtime(name: str) -> Rules:
    """The rules of the runtime called `name`, in any case. Raises `UnknownNameError`."""
    if name.lower() not in RUNTIMES:
        raise UnknownNameError("runtime", name, RUNTIMES)
    return RUNTIMES[name.lower()]
