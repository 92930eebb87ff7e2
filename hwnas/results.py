"""The one form of a Pareto answer: the same in Python, as `--json` and over HTTP. `json_schema()` describes it.

What is said of a field stands below it, from where it also goes into the schema.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Final, Literal, TypeVar, final

from hwnas.arrays import Array, Bool, Float
from hwnas.errors import UnknownNameError, UsageError
from hwnas.version import __version__

SCHEMA_VERSION: Final = 1
_Form = TypeVar("_Form")
Role = Literal["proxy", "baseline", "truth", "reference"]
_FROM_DOCSTRINGS: Final = {"use_attribute_docstrings": True, "arbitrary_types_allowed": True}


@final
@dataclass(frozen=True, kw_only=True)
class ObjectiveResult:
    """A cost of a network: one that the front trades against accuracy, or one that is listed beside."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    id: str
    """Name of the cost, such as `energy_mj`; with several devices `energy_mj.jetson-tx2`."""
    device: str | None
    """Reference of the device; null for counts such as `params`, which have none."""
    unit: str
    """Unit of all its values: "mJ", "ms", "parameters", ..."""
    direction: Literal["min", "max"]
    """Whether less ("min") or more ("max") is better."""
    bound: float | None
    """The budget in `unit`; null where there is none."""
    source: str
    """Where the numbers come from: the measured table, or the predictor with its error."""
    measured: bool
    """Whether the values are measured or counted, as against predicted."""
    covered: bool = True
    """Whether all of each network is in the cost; where parts have no model, `notes` say which, and their share."""
    lower_bound: bool = False
    """Whether more than a little of some network may be missing, so that each cost is at least what is given."""


@final
@dataclass(frozen=True, kw_only=True)
class CostResult:
    """A cost with its central interval."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    mean: float | None
    """Best estimate in the unit of the cost; null where the device has no value for this network."""
    lower: float | None
    """Lower end of the interval; null for a single measurement and for counts, which have no interval."""
    upper: float | None
    """Upper end of the interval; null where `lower` is."""


@final
@dataclass(frozen=True, kw_only=True)
class NetResult:
    """One network of a front."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    arch: str
    """The architecture as the space writes it."""
    index: int | None
    """Number of the architecture in the space; null in a space that is too large to number."""
    benchmark_index: int | None
    """The benchmark's own number; null where its table is not in the cache."""
    network_id: int
    """Equal for architectures that are the same network once what cannot reach the output is removed."""
    rank: int
    """Non-dominated rank of (costs, score) among the feasible networks, from 1; in the true front always 1."""
    score: float | None
    """Score by the proxy of the front; null where it has none (truth, `random`) and where it is infinite."""
    costs: Mapping[str, CostResult]
    """Costs by the ids of `objectives` and `other_costs`."""
    accuracy_percent: float | None
    """True accuracy: the mean over identical networks, with `raw` the architecture's own; null where not known."""


@final
@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """How much of the true front a list of at most k networks finds: means over five draws of ties."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    k: int
    """Number of networks that could be listed."""
    relative_hypervolume: float | None
    """Hypervolume of the listed networks over that of the true front, axes scaled to the reference point; 1 is best."""
    igd_plus: float | None
    """IGD+ of the listed networks to the true front in the same scale; 0 is best."""
    accuracy_lost_points: float | None
    """Best true accuracy within the budget minus the best that is listed, in percentage points; 0 is best."""
    infeasible: float | None
    """Listed networks that break a budget by the costs that judge; they count as not found."""
    reason_if_null: str | None
    """Why a figure is null; null where none is."""


@final
@dataclass(frozen=True, kw_only=True)
class FrontResult:
    """The networks that one proxy, one baseline or the truth gives, by ascending cost."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    name: str
    """Name of the proxy or baseline; "truth" for the front of true accuracies."""
    role: Role
    """"reference" is a front of true accuracies over predicted costs: it is not called true."""
    method: str
    """How it was found: "exhaustive", or the name of a search."""
    evaluations: int
    """Networks whose costs and score were looked up, or by a search computed."""
    nets: tuple[NetResult, ...]
    """The networks, at most k for a proxy or baseline, all optimal ones for the truth."""
    comparison: ComparisonResult
    """What they find of the true front."""
    source: str
    """Where scores or accuracies come from."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Columns over all architectures of the space, or those that searches looked at, for pictures; no part of the JSON.

    costs: best estimates by id. scores: by proxy. accuracy_percent: as compared; None where no truth is known.
    feasible: whether the budgets hold.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    costs: Mapping[str, Float[Array, " n"]]
    scores: Mapping[str, Float[Array, " n"]]
    accuracy_percent: Float[Array, " n"] | None
    feasible: Bool[Array, " n"]

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any]) -> Candidates:
        """What `columns` over all rows gave, to as many digits; NaN where there was no number."""
        import numpy as np

        def numbers(values: Sequence[float | None]) -> Float[Array, " n"]:
            return np.array([math.nan if value is None else value for value in values], dtype=np.float64)

        accuracies = columns["accuracy_percent"]
        return cls(
            costs={name: numbers(values) for name, values in columns["costs"].items()},
            scores={name: numbers(values) for name, values in columns["scores"].items()},
            accuracy_percent=None if accuracies is None else numbers(accuracies),
            feasible=np.array(columns["feasible"], dtype=np.bool_),
        )

    def columns(self, *, most: int, digits: int = 6) -> dict[str, Any]:
        """Plain lists over at most `most` rows, evenly by their index, for JSON; null where there is no number."""
        rows = _evenly(len(self.feasible), most)

        def rounded(values: Float[Array, " n"]) -> list[float | None]:
            chosen = (float(values[row]) for row in rows)
            return [float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in chosen]

        return {
            "index": rows,
            "feasible": [bool(self.feasible[row]) for row in rows],
            "costs": {name: rounded(values) for name, values in self.costs.items()},
            "scores": {name: rounded(values) for name, values in self.scores.items()},
            "accuracy_percent": None if self.accuracy_percent is None else rounded(self.accuracy_percent),
        }


def thinned(columns: dict[str, Any], *, most: int) -> dict[str, Any]:
    """Columns that `Candidates.columns` gave, over at most `most` of their rows."""
    rows = _evenly(len(columns["index"]), most)

    def chosen(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: chosen(column) for name, column in value.items()}
        return [value[row] for row in rows] if isinstance(value, list) else value

    found: dict[str, Any] = chosen(columns)
    return found


def _evenly(n: int, most: int) -> list[int]:
    return [row * (n - 1) // max(1, most - 1) for row in range(most)] if most < n else list(range(n))


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ParetoResult:
    """A constrained Pareto front on a device, with its sources and its comparison with the truth."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FROM_DOCSTRINGS
    space: str
    """Name of the search space."""
    dataset: str
    """Data set that costs, scores and accuracies are for."""
    device: str
    """Reference of the device that was asked for."""
    seed: int
    """Settles ties between networks with equal costs and score, and begins draws: of searches, of truths."""
    raw: bool
    """Whether architectures are listed one by one; else each network once, in its cheapest form."""
    confidence: float | None
    """One-sided probability with which each listed network keeps the budgets; null where they hold on the mean."""
    interval_level: float
    """Probability mass of every interval [lower, upper]."""
    accuracy_source: str
    """Where true accuracies come from; "not known", and how to get them, where there are none."""
    reference_point: Mapping[str, float]
    """The worst point that counts, by objective id and `accuracy_percent`; empty where no accuracy is known."""
    objectives: tuple[ObjectiveResult, ...]
    """The costs that are traded against accuracy."""
    other_costs: tuple[ObjectiveResult, ...]
    """Costs of the device that are listed beside and take no part in the choice."""
    fronts: tuple[FrontResult, ...]
    """One per proxy asked for, then the baselines, then the truth where accuracies are known."""
    notes: tuple[str, ...]
    """What a careful reader should know."""
    schema_version: int = SCHEMA_VERSION
    """Version of this form; it changes when a field is removed or means something else."""
    hwnas_version: str = __version__
    """Version of the software."""
    candidates: Candidates | None = field(default=None, metadata={"exclude": True})
    """All architectures, or those that searches looked at, for pictures."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; without the candidates."""
        plain = asdict(replace(self, candidates=None))
        del plain["candidates"]
        return plain

    def to_json(self) -> str:
        """The answer as JSON text; a missing value is null, never NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def front(self, name: str) -> FrontResult:
        """The front called `name`, for example "zen" or "truth". Raises `UnknownNameError`."""
        by_name = {front.name: front for front in self.fronts}
        if name not in by_name:
            raise UnknownNameError("front", name, by_name)
        return by_name[name]

    def _repr_html_(self) -> str:
        """The fronts of the proxies and the comparison as tables, for notebooks."""
        from hwnas.render import result_html

        return result_html(self)

    def __str__(self) -> str:
        from hwnas.render import result_text

        return result_text(self)

    def __repr__(self) -> str:
        return str(self)


def read_form(form: type[_Form], value: Any) -> _Form:
    """The value as a `form`, a dataclass such as those above. Raises `UsageError` with the first wrong place."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(form).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise UsageError(f"expected the form {form.__name__}, got {place}: {first['msg']}") from None


def form_schemas(*forms: type) -> dict[str, Any]:
    """JSON schemas of dataclasses and of those in them, by name, as OpenAPI's `components.schemas` wants them."""
    from pydantic import TypeAdapter

    adapters: list[Any] = [(form.__name__, "serialization", TypeAdapter(form)) for form in forms]
    _, schema = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = schema["$defs"]
    return found


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of `ParetoResult.to_dict()`: every field is there, described, and none else."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(ParetoResult).json_schema(mode="serialization")
    for form in (schema, *schema["$defs"].values()):
        form["required"] = list(form["properties"])  # also those with a default: an answer always has them
        form["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
