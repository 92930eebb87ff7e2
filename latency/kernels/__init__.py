"""Costs of any network on a device, kernel by kernel."""

from hwnas.latency.kernels.files import load_kernel_model, save_kernel_model
from hwnas.latency.kernels.model import KernelModel, NetworkCost
from hwnas.latency.kernels.regressor import KernelRegressor, fit_regressor
from hwnas.latency.kernels.rows import KernelRows, rows_by_kind

__all__ = [
    "KernelModel",
    "KernelRegressor",
    "KernelRows",
    "NetworkCost",
    "fit_regressor",
    "load_kernel_model",
    "rows_by_kind",
    "save_kernel_model",
]
