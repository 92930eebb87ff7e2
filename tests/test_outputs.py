"""Results as files: what is in them, and that a failure leaves nothing behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import hwnas
from hwnas.errors import DataError, MissingExtraError, UsageError
from hwnas.outputs import KINDS, check_path, csv_text, save
from hwnas.results import ParetoResult


@pytest.fixture
def result(shipped: Path) -> ParetoResult:
    return hwnas.pareto("tx2", budget_mj=20, nets=4, objectives=["params"])


def test_json_is_the_answer(result: ParetoResult, tmp_path: Path) -> None:
    save(result, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(result.to_json())


def test_csv_has_a_row_for_each_net_of_each_front(result: ParetoResult, tmp_path: Path) -> None:
    save(result, tmp_path / "A.CSV")
    rows = list(csv.DictReader((tmp_path / "A.CSV").read_text().splitlines()))
    nets = [(front, net) for front in result.fronts for net in front.nets]
    assert len(rows) == len(nets) > 12
    for row, (front, net) in zip(rows, nets, strict=True):
        assert (row["front"], row["role"], row["arch"]) == (front.name, front.role, net.arch)
        assert (int(row["index"]), int(row["rank"]), row["benchmark_index"]) == (net.index, net.rank, "")
        energy = net.costs["energy_mj"]
        read = (float(row["energy_mj"]), float(row["energy_mj_lower"]), float(row["energy_mj_upper"]))
        assert read == (energy.mean, energy.lower, energy.upper)
        assert row["params_lower"] == "" and row["accuracy_percent"] == ""
        assert row["score"] == ("" if net.score is None else str(net.score))
    assert csv_text(result) == (tmp_path / "A.CSV").read_text()


def test_another_suffix_is_refused_with_what_is_possible(result: ParetoResult, tmp_path: Path) -> None:
    assert [check_path(Path(f"front.{kind}")) for kind in KINDS] == list(KINDS)
    with pytest.raises(UsageError, match=r"ends in \.json, \.csv, \.png, \.svg, \.pdf, \.html, got '\.xlsx'"):
        save(result, tmp_path / "a.xlsx")
    with pytest.raises(UsageError, match="got none"):
        save(result, tmp_path / "front")
    assert list(tmp_path.glob("a.*")) == []


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    result: ParetoResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.json").write_text("old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match=r"write .*a\.json, got: No space left.*; .* choose another file") as error:
        save(result, folder / "a.json")
    assert "HWNAS_DATA" not in str(error.value), "the file does not lie in the cache"
    assert [path.name for path in folder.iterdir()] == ["a.json"] and (folder / "a.json").read_text() == "old"


def test_a_folder_that_does_not_exist(result: ParetoResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a folder to write .*a\.csv in, got .*nowhere, which is none"):
        save(result, tmp_path / "nowhere" / "a.csv")
    assert not (tmp_path / "nowhere").exists()


def test_a_picture_without_matplotlib_names_the_extra(
    result: ParetoResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "hwnas\[plot\]"'):
        save(result, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
