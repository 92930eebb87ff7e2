"""What callers send, as plain classes: FastAPI checks bodies against them and describes them in OpenAPI."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal, final

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import Strict

from hwnas.api.question import Question

_STRICT: Final = {"extra": "forbid", "use_attribute_docstrings": True, "allow_inf_nan": False}
_EXAMPLE: Final = {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"]}

_PREDICT: Final = {"architectures": ["1462", "(4, 3, 3, 0, 0, 0)"], "device": "jetson-tx2"}
_SCORE: Final = {"architectures": ["1462"], "proxies": ["zen", "synflow"]}
_TABLE: Final = {"space": "nasbench201", "proxies": ["synflow"], "limit": 100}
# Strict: the text "20" is no number, and 1 is not true.
Name = Annotated[str, Strict(), Len(1, 100)]
Names = Annotated[list[Name], Len(1, 20)]
Architectures = Annotated[list[Annotated[str, Strict(), Len(1, 400)]], Len(1, 1000)]
Seed = Annotated[int, Strict(), Ge(0), Le(2**53)]
Budget = Annotated[float, Strict(), Gt(0)]
Yes = Annotated[bool, Strict()]


@final
@dataclass(frozen=True, kw_only=True)
class ParetoBody:
    """The main job: the networks with the most accuracy within a budget on a device."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {**_STRICT, "json_schema_extra": {"examples": [_EXAMPLE]}}
    device: Name
    """Name, alias or `name@variant`; `GET /v1/devices` lists them."""
    space: Name = "nasbench201"
    """Search space; `GET /v1/spaces` lists them."""
    dataset: Name | None = None
    """Data set; null for the first of the space."""
    budget_mj: Budget | None = None
    """Largest energy of one inference in mJ."""
    budget_ms: Budget | None = None
    """Largest latency of one inference in ms."""
    proxies: Names | None = None
    """Proxies or combinations; each gives a front of its own. `GET /v1/proxies` lists them. Null for `auto` where its
    parts are scored, else for what stands in for it."""
    objectives: Annotated[list[Name], Len(0, 8)] = field(default_factory=list)
    """Further costs: energy_mj, latency_ms, params, macs, flops or peak_memory_bytes, with [.DEVICE][=BOUND]."""
    nets: Annotated[int, Strict(), Ge(1), Le(1000)] = 20
    """Length of each list."""
    confidence: Annotated[float, Strict(), Ge(0.5), Lt(1)] | None = None
    """Budgets hold on this one-sided quantile of predicted costs; null: on the best estimate."""
    source: Literal["auto", "measured", "predicted"] = "auto"
    """Which costs: measured where the table is present, or one kind."""
    raw: Yes = False
    """Architecture by architecture, as papers compare; else each network once."""
    seed: Seed = 0
    """Settles ties, and the first draws of a search."""
    method: Literal["auto", "exhaustive", "nsga2", "evolution", "random"] = "auto"
    """How: all networks looked up ("exhaustive", at once), or a search (a job); "auto" searches what has no list."""
    evaluations: Annotated[int, Strict(), Ge(1), Le(20_000)] = 1000
    """Networks that a search looks at for each proxy, at most."""

    def question(self) -> Question:
        """What the Python API is asked."""
        asked = {name: value for name, value in asdict(self).items() if name != "device"}
        return Question().with_options(**asked)


@final
@dataclass(frozen=True, kw_only=True)
class PredictBody:
    """Costs of named architectures on a device."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {**_STRICT, "json_schema_extra": {"examples": [_PREDICT]}}
    architectures: Architectures
    """Strings of the benchmark, tuples or indices, as text."""
    device: Name
    """Name, alias or `name@variant`."""
    space: Name = "nasbench201"
    """Search space."""
    dataset: Name | None = None
    """Data set; null for the first of the space."""
    target: Literal["latency", "energy"] | None = None
    """One of them; null for what the device has."""
    source: Literal["auto", "measured", "predicted"] = "auto"
    """Which costs."""
    confidence: Annotated[float, Strict(), Gt(0), Lt(1)] = 0.9
    """Probability mass of the intervals."""


@final
@dataclass(frozen=True, kw_only=True)
class ScoreBody:
    """Proxy scores of named architectures."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {**_STRICT, "json_schema_extra": {"examples": [_SCORE]}}
    architectures: Architectures
    """Strings of the benchmark, tuples or indices, as text."""
    space: Name = "nasbench201"
    """Search space."""
    dataset: Name | None = None
    """Data set; null for the first of the space."""
    proxies: Names | None = None
    """Proxies or combinations; null for the usual ones."""
    seed: Seed = 0
    """Of initial weights and random inputs."""
    batch_size: Annotated[int, Strict(), Ge(1), Le(1024)] = 64
    """The first so many images."""
    fresh: Yes = False
    """Compute also what a table has."""


@final
@dataclass(frozen=True, kw_only=True)
class TableBody:
    """Proxy scores of a whole space, or of a sample of its networks."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {**_STRICT, "json_schema_extra": {"examples": [_TABLE]}}
    space: Name = "nasbench201"
    """Search space."""
    dataset: Name | None = None
    """Data set; null for the first of the space."""
    proxies: Names | None = None
    """Proxies or combinations; null for the usual ones."""
    seed: Seed = 0
    """Of initial weights, random inputs and the sample."""
    limit: Annotated[int, Strict(), Ge(1), Le(1_000_000)] | None = None
    """A random sample of so many distinct networks; null for all."""
    executor: Literal["process", "ray"] = "process"
    """What spreads the work: processes of the worker's machine, or a Ray cluster."""
    workers: Annotated[int, Strict(), Ge(1), Le(1024)] | None = None
    """How many share it; null for as many as there are cores."""
