"""Kernel and whole-network measurements of others: read, checked, and the networks rebuilt to the last parameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas.data.converters import CONVERTERS
from hwnas.data.table_files import Contents, TableSource
from hwnas.data.tables import Table, table_in_memory
from hwnas.errors import DataError
from hwnas.latency.kernels.sources.jetson_nano import kernels_of_row

HEADING = (
    "Model Name,Layers,Total Parameters,Total MACs,Input Size,Total_POM_5V_IN,num_inferences,average_latency(ms),"
    "GPU_energy_per_inference,CPU_energy_per_inference\n"
)


def nano(rows: str, folder: str = "dws") -> Contents:
    files = {
        f"jetson-nano-cnn/{folder}/a.csv": (HEADING + rows).encode(),
        "jetson-nano-cnn/x/power_latency_output/b.csv": b"",
    }
    ((_, contents),) = CONVERTERS["jetson-nano-cnn"](files, ("jetson-nano-cnn",))
    return contents


def test_names_are_taken_apart() -> None:
    contents = nano(
        "convnet_L5_F128_K1x1_3_K2x2_2_W80,5,10,20,80,1000,50,3.5,1,2\n"
        "convnet_L2_F64_K3x3_W30_DWS,2,10,20,30,900,,3.5,1,2\n"
    )
    columns = contents.columns
    assert len(columns["name"]) == 1  # the row with an empty figure is gone
    assert [int(columns[c][0]) for c in ("layers", "filters", "kernel", "count", "second_kernel", "second_count")] == [
        5, 128, 1, 3, 2, 2,
    ]  # fmt: skip
    assert columns["energy_mj"][0] == 1000 / 50
    assert columns["latency_ms"][0] == 3.5 and contents.units["latency_ms"] == "ms"
    assert columns["family"][0] == "dws" and columns["separable"][0] == 0


def test_other_names_are_refused_but_for_known_networks() -> None:
    with pytest.raises(DataError, match="VGG16"):
        nano("VGG16,13,1,1,224,1,1,1,1,1\n")
    assert nano("VGG16,13,1,1,224,1,1,1,1,1\n", folder="real_data").columns["filters"][0] == 0


def test_phone_kernels_are_read() -> None:
    files = {
        "kernels/b_GPU.csv": b"HW,CIN,COUT,KERNEL_SIZE,STRIDES,energy_mJ\n27,384,48,1,1,0.668\n",
        "kernels/a_CPU.csv": b"HW,CIN,COUT,KERNEL_SIZE,STRIDES,energy_mJ\n14,544,128,3,2,1.5\n",
    }
    found = dict(CONVERTERS["phone-kernels"](files, ("cpu", "gpu")))
    assert found["gpu"].columns["energy_mj"].tolist() == [0.668]
    assert found["cpu"].columns["stride"].tolist() == [2]


def _table(contents: Contents) -> Table:
    source = TableSource(title="", licence="", url="", sha256={})
    return table_in_memory("jetson-nano-cnn", source, contents)


@pytest.mark.data
def test_every_tenth_network_has_the_published_parameters_and_operations(mirror: Path) -> None:
    files = {str(p.relative_to(mirror)): p.read_bytes() for p in (mirror / "jetson-nano-cnn").rglob("*.csv")}
    ((_, contents),) = CONVERTERS["jetson-nano-cnn"](files, ("jetson-nano-cnn",))
    table = _table(contents)
    assert len(table) == 12_534 + 9
    rows = np.flatnonzero(table["filters"] > 0)[::10]
    for row in rows.tolist():
        kernels = kernels_of_row(table, row)
        assert sum(kernel.params for kernel in kernels) == table["params"][row]
        # The publishers count a bias as one operation for each number that it is added to.
        assert sum(kernel.macs + np.prod(kernel.shape) for kernel in kernels if kernel.macs) == table["macs"][row]
