"""The fields of a TOML table, taken one by one and checked: a wrong one names file, field, expected and got."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NoReturn, cast, final

from hwnas.errors import DataError

_NAME: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_NAME_FORM: Final = "lower-case letters and digits in words joined by '-' or '.'"


@final
class Fields:
    """The fields of one TOML table, taken one by one; each getter checks its type."""

    def __init__(self, path: Path, prefix: str, table: dict[str, Any]) -> None:
        self._path, self._prefix, self._left = path, prefix, dict(table)

    def fail(self, field: str, expected: str, got: object) -> NoReturn:
        """Raise the one kind of error that a wrong card gives."""
        raise DataError(
            f"{self._path}: field {self._prefix + field}: expected {expected}, got {got!r}; see devices/README.md"
        )

    def take(self, field: str, expected: str, kind: type) -> Any:
        """The value of a field that must be there and of one type."""
        if field not in self._left:
            raise DataError(f"{self._path}: field {self._prefix + field}: expected {expected}, got nothing")
        value = self._left.pop(field)
        if not isinstance(value, kind) or isinstance(value, bool):
            self.fail(field, expected, value)
        return value

    def text(self, field: str, *, empty: bool = False) -> str:
        """A text, not blank unless `empty`."""
        value = cast("str", self.take(field, "text", str))
        if not value.strip() and not empty:
            self.fail(field, "text that is not empty", value)
        return value

    def name(self, field: str) -> str:
        """A name as references use it."""
        return self._checked_name(field, self.take(field, _NAME_FORM, str))

    def names(self, field: str) -> tuple[str, ...]:
        """A list of such names."""
        values = self.take(field, "a list of names", list)
        return tuple(self._checked_name(f"{field}[{i}]", value) for i, value in enumerate(values))

    def _checked_name(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.fail(field, _NAME_FORM, value)
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(field, "a list of sentences", list)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                self.fail(f"{field}[{i}]", "text", value)
        return tuple(values)

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        """A text that is one of `choices`."""
        value = self.text(field)
        if value not in choices:
            self.fail(field, f"one of {', '.join(choices)}", value)
        return value

    def table(self, field: str) -> Fields:
        """A table, to be taken apart in the same way."""
        return Fields(self._path, f"{self._prefix}{field}.", self.take(field, "a table", dict))

    def tables(self, field: str) -> list[Fields]:
        """A list of tables."""
        values = self.take(field, "a list of tables", list)
        for i, value in enumerate(values):
            if not isinstance(value, dict):
                self.fail(f"{field}[{i}]", "a table", value)
        return [Fields(self._path, f"{self._prefix}{field}[{i}].", value) for i, value in enumerate(values)]

    def present(self, field: str) -> bool:
        """Whether the field is there and not yet taken."""
        return field in self._left

    def done(self) -> None:
        """Raise for a field that nothing asked for: a misspelt name must not pass in silence."""
        if self._left:
            field = next(iter(self._left))
            self.fail(field, "no field of this name", self._left[field])
