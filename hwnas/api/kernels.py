"""Kernel models: which there are, build one of this machine, fit one to published measurements."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from hwnas.devices.registry import device_names
from hwnas.errors import DataError, MissingExtraError, UnknownNameError, UsageError, tell_once
from hwnas.folders import config_folder
from hwnas.latency.kernels import KernelModel, save_kernel_model
from hwnas.latency.kernels.store import (
    THIS_HOST,
    canonical,
    found_path,
    kernel_devices,
    kernel_model_path,
    open_kernel_model,
)

if TYPE_CHECKING:
    from hwnas.latency.kernels.builder import BuildSettings, Progress

RUNTIMES: Final = ("onnxruntime",)


@final
@dataclass(frozen=True, kw_only=True)
class KindResult:
    """One kind of kernel. error_percent: median, of kernels that were held out; None where there were too few."""

    kind: str
    rows: int
    error_percent: float | None


@final
@dataclass(frozen=True, kw_only=True)
class KernelModelResult:
    """One kernel model. figures: in percent, of networks that were held out; empty where none were."""

    device: str
    target: str
    runtime: str
    summary: str
    path: str
    figures: dict[str, float]
    kinds: tuple[KindResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def list_kernel_models() -> list[KernelModelResult]:
    """All kernel models, the user's own and those that are shipped; one that is damaged is passed over, and said."""
    found = []
    for device, targets in kernel_devices().items():
        for target in targets:
            try:
                found.append(describe(device, target))
            except DataError as error:
                tell_once(f"note: passed over a kernel model: {error}")
    return found


def kernel_models_of(device: str) -> list[KernelModelResult]:
    """The kernel models of one device; none where there are none."""
    return [describe(device, target) for target in kernel_devices().get(canonical(device), ())]


def describe(device: str, target: Any, *, path: Path | None = None) -> KernelModelResult:
    """One kernel model. Raises as `open_kernel_model`."""
    model = open_kernel_model(device, target)
    if model is None:
        raise UsageError(f"{device} has no kernel model of its {target}")
    return described(model, path or found_path(device, target))


def described(model: KernelModel, path: Path) -> KernelModelResult:
    """A model in plain values."""
    kinds = [
        KindResult(
            kind=kind, rows=r.rows, error_percent=r.error_percent if r.error_percent == r.error_percent else None
        )
        for kind, r in model.regressors.items()
    ]
    return KernelModelResult(
        device=model.device,
        target=model.target,
        runtime=model.runtime,
        summary=model.summary,
        path=str(path),
        figures=dict(model.facts.get("held_out", {})),
        kinds=tuple(kinds),
    )


def build(
    *,
    device: str = THIS_HOST,
    runtime: str = "onnxruntime",
    folder: Path | None = None,
    replace: bool = False,
    settings: BuildSettings | None = None,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> KernelModelResult:
    """Measure kernels on this machine and fit their latency; what was measured before is gone on with.

    folder: for the measurements; one of the user's folder by default. replace: forget earlier ones.
    Raises `UsageError` for a name that a device with a card has, measurements of another setting, or another runtime,
    and `MissingExtraError` before anything is measured.
    """
    from hwnas.latency.kernels.builder import Builder, BuildSettings

    if runtime not in RUNTIMES:
        raise UnknownNameError("runtime to build kernel models with", runtime, RUNTIMES)
    for package, extra in (("sklearn", "kernels"), ("onnxruntime", "onnx"), ("onnx", "onnx")):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError("building kernel models", extra)
    name = canonical(device)
    if name in device_names():
        raise UsageError(f"expected a new name for this machine, got {device!r}, a device that has a card")
    where = folder or config_folder() / "kernels" / f"{name}-measurements"
    if replace:
        shutil.rmtree(where, ignore_errors=True)
    fit = Builder(where, settings or BuildSettings(), device=name).run(progress)
    path = kernel_model_path(name, "latency")
    save_kernel_model(path, fit.model)
    return describe(name, "latency", path=path)
