"""Words for the kinds of operators, of spaces, of ONNX files and of torch modules alike."""

from __future__ import annotations

from typing import Final

from hwnas.graphs.module_kinds import MODULE_KINDS
from hwnas.graphs.onnx_kinds import ONNX_KINDS

# What operators of spaces may be beside these: "crop" takes pixels off two sides, "select" one vector of a sequence,
# "zero" gives zeros; the two others are trained arrays that are joined or added to a sequence.
_OF_SPACES: Final = frozenset({"input", "zero", "crop", "select", "class_token", "position_embedding"})
# "attention" is counted as the products that it is made of where its operator is read.
KINDS: Final = _OF_SPACES | MODULE_KINDS | ONNX_KINDS
_UNKNOWN: Final = "unknown:"


def is_kind(word: str) -> bool:
    """Whether a word is one of `KINDS`, or says of an operator that is none of them where it comes from."""
    return word in KINDS or word.startswith(_UNKNOWN)
