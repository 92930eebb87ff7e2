"""Published measurements become the kernels that were measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas.errors import DataError
from hwnas.graphs import feature_names
from hwnas.latency.kernels.sources import gpu_kernels
from hwnas.latency.kernels.sources.gpu_kernels import gpu_rows
from hwnas.latency.kernels.sources.jetson_nano import measured_rows
from hwnas.latency.kernels.sources.phone_kernels import phone_rows
from hwnas.latency.kernels.sources.spaces import measured_space

CONV = {
    "batchsize": [2, 1, 4], "channels_in": [3, 8, 8], "channels_out": [5, 4, 4], "kernelsize": [3, 2, 3],
    "matsize": [10, 9, 9], "padding": [1, 0, 1], "strides": [2, 2, 1], "use_bias": [1, 0, 0],
    "timeUsed_median": [1.5, 2.5, 9.0], "opt_None": [1, 1, 0],
    "act_None": [0, 1, 1], "act_relu": [1, 0, 0], "act_sigmoid": [0, 0, 0], "act_tanh": [0, 0, 0],
}  # fmt: skip


def _write(folder: Path, name: str, columns: dict[str, list[float]]) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    path = folder / "files" / "kernels" / "gpu-timing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.table(columns), path)


def test_gpu_layers_are_read_forward_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    _write(tmp_path, "conv_M60.parquet", CONV)  # type: ignore[arg-type]
    rows = gpu_rows("tesla-m60")["conv"]
    assert rows.costs.tolist() == [1.5, 2.5]  # the third trained as well
    features = dict(zip(feature_names("conv"), rows.features.T.tolist(), strict=True))
    assert features["batch"] == [2, 1] and features["out_height"] == [5, 4]  # padded: ceil(10/2); not: (9-2)//2+1
    assert features["macs"] == [2 * 5 * 25 * 27, 4 * 16 * 32]
    assert features["fused"] == [1, 0]  # the ReLU


def test_dense_layers_are_rows_times_a_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    activations = {f"act_{name}": [int(name == "tanh")] for name in ("None", "relu", "sigmoid", "tanh")}
    columns = {"batchsize": [7], "dim_input": [30], "dim_output": [11], "timeUsed_median": [0.5], "opt_None": [1]}
    _write(tmp_path, "dense_V100.parquet", columns | activations)  # type: ignore[arg-type]
    rows = gpu_rows("tesla-v100")["linear"]
    features = dict(zip(feature_names("linear"), rows.features[0].tolist(), strict=True))
    assert [features[name] for name in ("rows", "inner", "columns", "macs", "fused")] == [7, 30, 11, 2310, 1]


def test_what_was_not_pulled_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    for read, command in (
        (lambda: gpu_rows("tesla-m60"), "gpu-kernels"),
        (lambda: phone_rows("phone-gpu"), "phone-kernels"),
        (measured_rows, "jetson-nano-cnn"),
        (lambda: measured_space("nasbench201", "hw-nas-bench-cifar10", count=3), "hw-nas-bench"),
    ):
        with pytest.raises(DataError, match=f"hwnas data pull {command}"):
            read()


def test_a_damaged_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    _write(tmp_path, "conv_M60.parquet", {name: v for name, v in CONV.items() if name != "strides"})  # type: ignore[misc]
    with pytest.raises(DataError, match="expected layer timings"):
        gpu_rows("tesla-m60")
    assert set(gpu_kernels.FILES) >= {"gtx-1080-ti", "tesla-p100"}


@pytest.mark.data
def test_networks_of_a_space_are_their_kernels(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(pulled))
    measured = measured_space("nasbench201", "hw-nas-bench-cifar10", count=4)
    assert len(measured.networks) == 4
    assert ("jetson-tx2", "energy") in measured.costs and ("jetson-tx2", "latency") in measured.costs
    assert np.isfinite(measured.costs["jetson-tx2", "latency"]).all()
