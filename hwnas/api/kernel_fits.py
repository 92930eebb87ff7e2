"""Kernel models of published measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas.api.kernel_totals import totals_models
from hwnas.api.kernels import KernelModelResult, described
from hwnas.arrays import Array
from hwnas.errors import UnknownNameError
from hwnas.estimates import Target
from hwnas.latency.kernels import KernelModel, KernelRows, save_kernel_model
from hwnas.latency.kernels.regressor import calibrated, fit_regressor, held_out_logs
from hwnas.latency.kernels.store import file_name, own_models
from hwnas.latency.kernels.whole_networks import total_figures
from hwnas.predictors.boosting import BoostingSettings

# Of a space: more teach an additive model nothing.
_SPACE_NETWORKS: Final = 1200
_SETTINGS: Final = BoostingSettings(trees=120, leaves=15, min_rows=5, rate=0.12)


def fit(
    source: str, *, out: Path | None = None, progress: Callable[[str], None] = lambda _what: None
) -> list[KernelModelResult]:
    """Fit the kernel models of a source and write them into the user's folder, or into `out`.

    Raises `UnknownNameError`, `DataError` where the source was not pulled, `MissingExtraError` without scikit-learn.
    """
    if source not in SOURCES:
        raise UnknownNameError("source of kernel models", source, SOURCES)
    folder, results = out or own_models(), []
    for model in SOURCES[source](progress):
        path = folder / file_name(model.device, model.target)
        save_kernel_model(path, model)
        results.append(described(model, path))
    return results


def _gpu(progress: Callable[[str], None]) -> Iterator[KernelModel]:
    from hwnas.latency.kernels.sources.gpu_kernels import FILES, RUNTIME, gpu_rows

    for device in FILES:
        progress(device)
        yield kernel_rows_model(
            gpu_rows(device),
            device=device,
            runtime=RUNTIME,
            target="latency",
            source="layer timings of CDECatapult/ml-performance-prediction (Apache-2.0), TensorFlow, float32",
        )


def _phone(progress: Callable[[str], None]) -> Iterator[KernelModel]:
    from hwnas.latency.kernels.sources.phone_kernels import RUNTIME, TABLES, phone_rows

    for device in TABLES:
        progress(device)
        yield kernel_rows_model(
            phone_rows(device),
            device=device,
            runtime=RUNTIME,
            target="energy",
            source="conv-bn-relu kernel energies of amai-gsu/PlatformX (no licence stated)",
        )


def _jetson_nano(progress: Callable[[str], None]) -> Iterator[KernelModel]:
    from hwnas.latency.kernels.networks import count_kernels
    from hwnas.latency.kernels.sources.jetson_nano import RUNTIME, kernels_of_row, measured_rows

    table, rows = measured_rows()
    progress("jetson-nano")
    networks = count_kernels(kernels_of_row(table, row) for row in rows.tolist())
    costs: dict[Target, Array] = {"latency": table["latency_ms"][rows], "energy": table["energy_mj"][rows]}
    source = "iCAS-Lab/NAS-Performance-Modeling (no licence stated)"
    yield from totals_models(networks, costs, device="jetson-nano", runtime=RUNTIME, source=source)


def _hw_nas_bench(progress: Callable[[str], None]) -> Iterator[KernelModel]:
    return _space("nasbench201", "hw-nas-bench-cifar10", "NAS-Bench-201 measured by HW-NAS-Bench (MIT)", progress)


def _help_fbnet(progress: Callable[[str], None]) -> Iterator[KernelModel]:
    return _space("fbnet", "help-fbnet", "FBNet measured by HELP (MIT)", progress)


def _space(space: str, table: str, source: str, progress: Callable[[str], None]) -> Iterator[KernelModel]:
    from hwnas.latency.kernels.sources.spaces import RUNTIME, measured_space

    measured = measured_space(space, table, count=_SPACE_NETWORKS)
    for device in dict.fromkeys(device for device, _ in measured.costs):
        progress(device)
        costs = {target: values for (name, target), values in measured.costs.items() if name == device}
        yield from totals_models(measured.networks, costs, device=device, runtime=RUNTIME, source=source)


def kernel_rows_model(
    rows: Mapping[str, KernelRows], *, device: str, runtime: str, target: Target, source: str
) -> KernelModel:
    """A model of kernels that were measured one by one; figures of kernels that were held out in turn."""
    regressors, figures = {}, {}
    for kind, measured in rows.items():
        logs = held_out_logs(measured, settings=_SETTINGS)
        regressor = fit_regressor(measured, settings=_SETTINGS, held_out=False)
        regressors[kind] = calibrated(regressor, measured.costs, logs)
        figures[kind] = total_figures(measured.costs, np.exp(logs))
    count = sum(map(len, rows.values()))
    parts = ", ".join(f"{kind} {figures[kind]['median_ape']:.1f} %" for kind in figures)
    summary = f"kernel model fitted to {count} {source}; median held-out error of a kernel: {parts}"
    facts: dict[str, Any] = {"summary": summary, "source": source, "held_out_kernels": figures}
    return KernelModel(device=device, runtime=runtime, target=target, regressors=regressors, facts=facts)


SOURCES: Final[Mapping[str, Callable[[Callable[[str], None]], Iterator[KernelModel]]]] = {
    "gpu-kernels": _gpu,
    "phone-kernels": _phone,
    "jetson-nano-cnn": _jetson_nano,
    "hw-nas-bench": _hw_nas_bench,
    "help-fbnet": _help_fbnet,
}
