"""Hardware-aware neural architecture search: the networks with the most accuracy within a budget on a real device.

    import hwnas
    result = hwnas.pareto("jetson-tx2", budget_mj=20, proxies=["zen", "synflow"])

`import hwnas` loads the standard library alone: a public name is imported when it is first asked for (PEP 562).
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from hwnas.version import __version__

if TYPE_CHECKING:
    from inspect import Signature

    from hwnas.api.adapt import AdaptSettings, adapt
    from hwnas.api.evaluate import evaluate as evaluate_proxies
    from hwnas.api.export import ExportSettings, export
    from hwnas.api.measure import MeasureSettings, measure
    from hwnas.api.network_forms import NetworkSettings
    from hwnas.api.operation_forms import OperationSettings
    from hwnas.api.pareto import pareto
    from hwnas.api.plan import PlanSettings, plan
    from hwnas.api.plan_training import plan_training
    from hwnas.api.predict import predict
    from hwnas.api.predict_model import predict_model
    from hwnas.api.question import Question
    from hwnas.api.score_forms import ScoreSettings
    from hwnas.api.score_operations import score_operations
    from hwnas.api.scoring import score
    from hwnas.api.sensitivity import SensitivitySettings
    from hwnas.api.sensitivity import sensitivity as proxy_sensitivity
    from hwnas.api.verify import VerifySettings, verify
    from hwnas.client import Client
    from hwnas.results import ParetoResult, json_schema

__all__ = [
    "AdaptSettings",
    "Client",
    "ExportSettings",
    "MeasureSettings",
    "NetworkSettings",
    "OperationSettings",
    "ParetoResult",
    "PlanSettings",
    "Question",
    "ScoreSettings",
    "SensitivitySettings",
    "VerifySettings",
    "__version__",
    "adapt",
    "evaluate_proxies",
    "export",
    "json_schema",
    "measure",
    "pareto",
    "plan",
    "plan_training",
    "predict",
    "predict_model",
    "proxy_sensitivity",
    "score",
    "score_operations",
    "verify",
]

_HOMES: Final = {  # module, and the name there where it is another one
    "AdaptSettings": "hwnas.api.adapt",
    "Client": "hwnas.client",
    "ExportSettings": "hwnas.api.export",
    "MeasureSettings": "hwnas.api.measure",
    "NetworkSettings": "hwnas.api.network_forms",
    "OperationSettings": "hwnas.api.operation_forms",
    "ParetoResult": "hwnas.results",
    "PlanSettings": "hwnas.api.plan",
    "Question": "hwnas.api.question",
    "ScoreSettings": "hwnas.api.score_forms",
    "SensitivitySettings": "hwnas.api.sensitivity",
    "VerifySettings": "hwnas.api.verify",
    "adapt": "hwnas.api.adapt",
    "evaluate_proxies": "hwnas.api.evaluate:evaluate",
    "export": "hwnas.api.export",
    "json_schema": "hwnas.results",
    "measure": "hwnas.api.measure",
    "plan": "hwnas.api.plan",
    "plan_training": "hwnas.api.plan_training",
    "predict": "hwnas.api.predict",
    "predict_model": "hwnas.api.predict_model",
    "proxy_sensitivity": "hwnas.api.sensitivity:sensitivity",
    "score": "hwnas.api.scoring",
    "score_operations": "hwnas.api.score_operations",
    "verify": "hwnas.api.verify",
}

# In a checkout `hwnas/` is one folder of several that become one package when they are installed.
if not (Path(__file__).parent / "pareto").is_dir() and find_spec("hwnas.pareto") is None:
    raise ImportError(
        f"hwnas is not installed, only its folder {Path(__file__).parent} was found: "
        "run `python -m pip install -e .` in the checkout"
    )


def __getattr__(name: str) -> Any:
    if name == "pareto":
        return import_module("hwnas.pareto")
    if name not in _HOMES:
        raise AttributeError(f"module 'hwnas' has no attribute {name!r}")
    module, _, there = _HOMES[name].partition(":")
    value = getattr(import_module(module), there or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# `hwnas.pareto` is two things: the subpackage of Pareto mathematics and the main job of the library. Python binds a
# subpackage to its name in the parent whatever the parent says, so a function cannot keep that name; but a module can
# be called if its class can. The class is given where the parent binds the subpackage, so that
# `hwnas.pareto` knows nothing of devices and networks, and every way to import it gives the same object.


class _ParetoModule(ModuleType):
    # The subpackage `hwnas.pareto`; calling it calls `hwnas.api.pareto.pareto`, of which `help` tells first.

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        from inspect import getdoc

        from hwnas.api.pareto import pareto as main_job
        from hwnas.api.question import Question

        options = f"Options, the fields of `hwnas.Question`:\n\n{getdoc(Question)}"
        return f"{getdoc(main_job)}\n\n{options}\n\nThe package: {vars(self)['__doc__']}"

    @property
    def __signature__(self) -> Signature:
        from inspect import Signature, signature

        from hwnas.api.pareto import pareto as main_job
        from hwnas.api.question import Question

        own = [p for p in signature(main_job).parameters.values() if p.kind is not p.VAR_KEYWORD]
        return Signature([*own, *signature(Question).parameters.values()], return_annotation="ParetoResult")

    def __call__(self, device: str, question: Question | None = None, **options: Any) -> ParetoResult:
        from hwnas.api.pareto import pareto as main_job

        return main_job(device, question, **options)


class _Package(ModuleType):
    """The package `hwnas`; makes its subpackage `pareto` callable when the import system binds it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "pareto" and isinstance(value, ModuleType):
            value.__class__ = _ParetoModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
