"""Whether something is refused as it should be."""

from __future__ import annotations


def refused(call: object, error: type[Exception]) -> bool:
    """Whether a call raises this error; any other goes through."""
    assert callable(call)
    try:
        call()
    except error:
        return True
    return False
