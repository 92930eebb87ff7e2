"""Which devices teach: grouped by physical device, measured where a table is there, predicted where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas import data
from hwnas.errors import DataError
from hwnas.latency.known_devices import known_latencies
from hwnas.spaces import get_space


@pytest.fixture(autouse=True)
def no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))


def test_without_tables_the_shipped_predictions_teach() -> None:
    """No table is in the cache, and still all devices of NAS-Bench-201 are known."""
    known = known_latencies(get_space("nasbench201"))
    assert known.summary.startswith("predicted latencies of 4,000 networks")
    physical = {column.physical for column in known.columns}
    assert {"jetson-tx2", "raspi4", "gtx-1080-ti", "xeon-gold-6240", "samsung-s7"} <= physical
    assert all(column.costs.shape == (4000,) and np.nanmin(column.costs) > 0 for column in known.columns)


def test_batch_sizes_and_data_sets_share_their_device() -> None:
    columns = known_latencies(get_space("nasbench201")).columns
    names = {column.name: column.physical for column in columns}
    assert len(names) == len(columns)
    assert {names[f"gtx-1080-ti{batch}/cifar10"] for batch in ("", "@32", "@256")} == {"gtx-1080-ti"}
    assert {names[f"raspi4/{dataset}"] for dataset in ("cifar10", "cifar100", "ImageNet16-120")} == {"raspi4"}


def test_a_space_without_tables_says_what_to_pull() -> None:
    with pytest.raises(DataError, match="help-fbnet"):
        known_latencies(get_space("fbnet"))


@pytest.mark.data
def test_measured_tables_win(mirror: Path) -> None:
    data.pull(["help-fbnet"], mirror=mirror)
    known = known_latencies(get_space("fbnet"))
    assert known.summary.startswith("measured latencies of 5,000 networks") and len(known.columns) == 22
    assert len({column.physical for column in known.columns}) == 15
    table = data.open_table("help-fbnet")
    assert table is not None
    (fpga,) = (column for column in known.columns if column.physical == "fpga")
    np.testing.assert_allclose(fpga.costs, table["fpga"])
