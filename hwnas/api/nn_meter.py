"""Kernel models from the predictors of nn-Meter."""

from __future__ import annotations

from pathlib import Path

from hwnas.api.kernels import KernelModelResult, described
from hwnas.errors import UsageError
from hwnas.latency.kernels import save_kernel_model
from hwnas.latency.kernels.sources.nn_meter import read_predictors
from hwnas.latency.kernels.store import canonical, kernel_model_path


def import_nn_meter(folder: Path, *, device: str | None = None) -> KernelModelResult:
    """Read a folder of nn-Meter predictors (`conv-bn-relu.pkl`, ...) and keep them as a kernel model without pickles.

    device: what to call it; by default the name of the folder. Neither nn-Meter nor scikit-learn is needed, and
    nothing of the files is executed. Raises `UsageError` for no folder, `DataError` for files that are no forests.
    """
    if not folder.is_dir():
        raise UsageError(
            f"expected a folder of nn-Meter predictors, got {str(folder)!r}; unpack the zip that it downloads"
        )
    name = canonical(device or folder.resolve().name)
    model = read_predictors(folder, device=name)
    path = kernel_model_path(name, "latency")
    save_kernel_model(path, model)
    return described(model, path)
