"""Bodies and parameters that are not as described: where, what was expected there, and what was got, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_LONGEST: Final = 60  # characters of a value that are shown
# By pydantic's name of what is wrong; where one is not here, pydantic's own words stand beside the value.
_EXPECTED: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:,.10g}",
    "greater_than_equal": "at least {ge:,.10g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "less_than": "less than {lt:,.10g}",
    "less_than_equal": "at most {le:,.10g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "missing": "a value",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_long": "at most {max_length:,} characters",
    "string_too_short": "{min_length:,} or more characters",
    "string_type": "a text",
    "string_unicode": "a text without halves of characters",
    "too_long": "at most {max_length:,} entries",
    "too_short": "{min_length:,} or more entries",
    "unexpected_keyword_argument": "a field of this route",
}


def wrong_value(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with one value, of an entry of pydantic's: `at`, `message`, `kind` (pydantic's name)."""
    return {"at": ".".join(map(str, entry["loc"])), "message": _message(entry), "kind": str(entry["type"])}


def _message(entry: Mapping[str, Any]) -> str:
    expected = _EXPECTED.get(entry["type"])
    if expected is None:
        return f"expected a value as /openapi.json describes it, got {_got(entry)} ({entry['msg']})"
    return f"expected {expected.format(**entry.get('ctx', {}))}, got {_got(entry)}"


def _got(entry: Mapping[str, Any]) -> str:
    """The value where it is short, else what it is: it may be as long as a body may be."""
    value, kind = entry.get("input"), entry["type"]
    if kind == "missing":
        return "none"
    if kind == "unexpected_keyword_argument":
        return _short(entry["loc"][-1])
    if kind in ("too_long", "too_short"):
        return f"{entry['ctx']['actual_length']:,}"
    if kind in ("string_too_long", "string_too_short"):
        return f"{len(str(value)):,}"
    if value is None or isinstance(value, bool):
        return str({None: "null", True: "true", False: "false"}[value])
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return _short(value) if isinstance(value, str | int | float) else "a file"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
