"""Units of tables in a space of which nothing is known: what no device can do is asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas.api.adapt import AdaptSettings, adapt
from hwnas.api.board_measurements import read_board
from hwnas.errors import UsageError
from hwnas.latency.measurements import Measurements
from hwnas.spaces import get_space

MACRO = get_space("nas-bench-macro")
NETS = MACRO.sample(6, seed=1)
MACS = MACRO.counts(NETS, dataset="cifar10")["macs"]


def table(
    folder: Path, *, latency: float = 1.0, energy: float | None = None, columns: str = "latency_ms,energy_mj"
) -> Path:
    """A device of 20 GMACs a second and 2 W, its values times these factors; no energies for None."""
    path, rows = folder / "mine.csv", [f"architecture,{columns}"]
    for arch, macs in zip(MACRO.strings(NETS), MACS.tolist(), strict=True):
        ms = macs / 20e6
        rows.append(f"{arch},{ms * latency},{'' if energy is None else 2 * ms * energy}")
    path.write_text("\n".join(rows) + "\n")
    return path


def read(path: Path, **units: str) -> Measurements:
    return read_board([path], space="nas-bench-macro", **units)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("factors", "says"),
    [
        (
            {"latency": 1e-3},
            r"2e\+13 multiply-accumulates a second at the median; is the unit s\? name the column latency_s, or",
        ),
        (
            {"latency": 1e-3, "energy": 1.0},
            r"and a power of 2e\+03 W; is the unit s\? name the column latency_s, or say by --unit ms",
        ),
        (
            {"energy": 1e3},
            r"a power of 2e\+03 W; is the unit uJ\? name the column energy_uj, or say by --energy-unit mJ",
        ),
        ({"energy": 1e-3}, r"a power of 0\.002 W; is the unit J\? name the column energy_j, or say by"),
        (
            {"latency": 1e3, "energy": 1.0},
            r"0\.002 W; is it rather latency_us\? name the columns so, or say by --energy-unit mJ",
        ),
        ({"latency": 1e3, "energy": 1e-3}, r"2e-06 W; is it rather latency_us and energy_j\? name the columns so"),
        ({"latency": 1e7}, r"2e\+03 multiply-accumulates a second .*; is the unit us\? name the column latency_us"),
        ({"latency": 1e6, "energy": 1e-8}, r"which units are they in\? name the columns by them, or say"),
    ],
)
def test_what_cannot_be_is_asked_about(tmp_path: Path, factors: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(table(tmp_path, **factors))


def test_what_may_be_is_taken(tmp_path: Path) -> None:
    for energy in (None, 1.0):
        assert read(table(tmp_path, energy=energy)).notes == ()
    (note,) = read(table(tmp_path, latency=1e3)).notes
    assert note.startswith("the networks come to 2e+07 multiply-accumulates a second, as few as a microcontroller does")
    assert "name the column latency_us and adapt again with --replace" in note
    (note,) = read(table(tmp_path, latency=5e-3)).notes
    assert "4e+12" in note and "a large GPU" in note and "latency_s and" in note


def test_what_is_said_is_believed(tmp_path: Path) -> None:
    path = table(tmp_path, latency=1e-3, energy=1.0)
    assert read(path, unit="ms", energy_unit="mJ").latency_ms == pytest.approx(MACS / 20e9)
    with pytest.raises(UsageError, match=r"a power of 2e\+03 W; is the unit uJ\? name the column energy_uj"):
        read(path, unit="ms")
    named = table(tmp_path, latency=1e-3, energy=1.0, columns="latency_s,energy_mj")
    for measured in (read(named), read(named, unit="s")):
        assert measured.latency_ms == pytest.approx(MACS / 20e6)
    both = read(table(tmp_path, latency=1e3, energy=1e-3, columns="latency,energy"), unit="us", energy_unit="J")
    assert np.median(both.energy_mj / both.latency_ms) == pytest.approx(2.0)


def test_a_power_that_no_device_draws(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a power in W of at most 10000, got 1e\+06"):
        adapt(table(tmp_path), name="b", space="nas-bench-macro", settings=AdaptSettings(power_w=1e6))
