"""Answers to `POST /v1/pareto`, and their ids: an id is the question itself, so that no front is ever lost."""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass, fields
from threading import Lock
from typing import Any, Final, final

from hwnas.api.answers import answer
from hwnas.api.studies import FilesKey, Studies, files_key
from hwnas.errors import UsageError
from hwnas.outputs import csv_text
from hwnas.results import ParetoResult, read_form
from hwnas.service.errors import NotFoundError
from hwnas.service.forms import ParetoBody
from hwnas.service.store.jobs import canonical

LONGEST_ID: Final = 4000
MOST_CANDIDATES: Final = 40_000  # architectures in columns for pictures: no space that is shipped lists more
MOST_BYTES: Final = 32 * 1024**2  # of answers that are kept: about eight hundred


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Front:
    """An answer and its id."""

    id: str
    result: ParetoResult

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain values, with its id."""
        return {"id": self.id, **self.result.to_dict()}

    def json(self) -> bytes:
        """The answer as JSON, with its id."""
        return json.dumps(self.to_dict(), allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()

    def csv(self) -> bytes:
        """The answer as a table."""
        return csv_text(self.result).encode()

    def candidates(self, most: int) -> dict[str, Any]:
        """Columns over at most `most` architectures of the space, for pictures. Raises `NotFoundError`."""
        found = self.result.candidates
        if found is None:
            raise NotFoundError(f"expected a space whose networks are all looked at, got {self.result.space}")
        return {"id": self.id, "architectures": len(found.feasible), **found.columns(most=most)}


def front_id(body: ParetoBody) -> str:
    """The question as text for an address: what differs from the defaults."""
    defaults = {field.name: getattr(ParetoBody(device="-"), field.name) for field in fields(ParetoBody)}
    asked = {name: value for name, value in asdict(body).items() if name == "device" or value != defaults[name]}
    return base64.urlsafe_b64encode(canonical(asked).encode()).decode().rstrip("=")


def body_of(text: str) -> ParetoBody:
    """The question that an id stands for. Raises `NotFoundError`."""
    try:
        asked = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return read_form(ParetoBody, asked)
    except (ValueError, RecursionError, UsageError):
        raise NotFoundError(f"expected the `id` of an answer of POST /v1/pareto, got {text[:60]!r}") from None


@final
class Fronts:
    """Answers of a process: columns are looked up once, and the newest answers are kept as they were sent."""

    def __init__(self) -> None:
        self._studies, self._lock = Studies(), Lock()
        self._kept: OrderedDict[tuple[str, FilesKey], tuple[str, bytes]] = OrderedDict()
        self._bytes = 0

    def known(self, body: ParetoBody) -> tuple[str, bytes] | None:
        """Id and JSON of an answer that is kept, of the same files; None where it is not."""
        return self._kept.get((front_id(body), files_key()))

    def answer(self, body: ParetoBody) -> Front:
        """The front of a question. Raises what `hwnas.pareto` raises."""
        return Front(id=front_id(body), result=answer(self._studies.study(body.device, body.question())))

    def answer_json(self, body: ParetoBody) -> tuple[str, bytes]:
        """Id and JSON of the front of a question, kept for whoever asks next."""
        key = (front_id(body), files_key())
        content = self.answer(body).json()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (key[0], content)
                self._bytes += len(content)
            while self._bytes > MOST_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1][1])
        return key[0], content
