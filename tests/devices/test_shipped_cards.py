"""The shipped cards: every measured column has one place, every statement a source, and the traps are true."""

from __future__ import annotations

import csv
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hwnas.data import TABLES
from hwnas.devices import NOT_STATED, Card, load_devices, read_card, write_card
from hwnas.devices.registry import SHIPPED_CARDS
from hwnas.latency.kernels.store import kernel_devices

HW_DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
SAME_IN_HELP = ("raspi4", "pixel3", "eyeriss", "fpga")


@pytest.fixture(scope="module")
def cards() -> dict[str, Card]:
    return {path.stem: read_card(path) for path in sorted(SHIPPED_CARDS.glob("*.toml"))}


def test_files_are_in_the_written_form(cards: dict[str, Card], tmp_path: Path) -> None:
    for name, card in cards.items():
        write_card(card, tmp_path / f"{name}.toml")
        assert (tmp_path / f"{name}.toml").read_bytes() == (SHIPPED_CARDS / f"{name}.toml").read_bytes()


def test_every_statement_has_a_source(cards: dict[str, Card]) -> None:
    for card in cards.values():
        measurement = card.measurement
        for part in ("runtime", "precision", "power_mode", "latency", "energy"):
            statement = getattr(measurement, part)
            assert statement.source or statement.value == NOT_STATED, (card.name, part)
        assert all(fact.source for fact in card.facts), card.name


def test_energy_is_called_not_measured_exactly_where_no_column_has_it(cards: dict[str, Card]) -> None:
    for card in cards.values():
        assert card.has("latency") or "latency" in kernel_devices()[card.name]
        assert (card.measurement.energy.value == "not measured") == (not card.has("energy")), card.name
    assert {name for name, card in cards.items() if card.has("energy")} == {"jetson-tx2", "eyeriss", "fpga"}


def test_no_column_belongs_to_two_devices_or_variants(cards: dict[str, Card]) -> None:
    places = [(column.table, column.column) for card in cards.values() for column in card.columns()]
    assert len(places) == len(set(places))


def test_tables_are_known_to_the_data_package(cards: dict[str, Card]) -> None:
    assert {column.table for card in cards.values() for column in card.columns()} <= set(TABLES)


def test_a_number_at_the_end_of_a_column_is_the_batch_size_but_for_the_phone(cards: dict[str, Card]) -> None:
    for card in cards.values():
        for variant in card.variants:
            for column in variant.columns:
                ending = column.column.rpartition("_")[2]
                if column.table.startswith("help-") and ending in ("1", "32", "64", "256"):
                    assert (variant.batch_size == int(ending)) == (card.name != "essential-ph-1")


def test_readme_and_cards_name_the_same_devices(cards: dict[str, Card]) -> None:
    readme = (SHIPPED_CARDS.parent / "README.md").read_text(encoding="utf-8")
    assert {name for name in cards if f"`{name}`" not in readme} == set()


def test_the_example_of_the_readme_is_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (SHIPPED_CARDS.parent / "README.md").read_text(encoding="utf-8")
    example = readme.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "my-board.toml").write_text(example, encoding="utf-8")
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    assert load_devices()["my-board"].kind == "edge-gpu"


@pytest.mark.data
def test_every_public_column_has_a_card(cards: dict[str, Card], mirror: Path) -> None:
    listed = {(column.table, column.column) for card in cards.values() for column in card.columns()}
    stems = {
        (f"help-{space}", path.stem)
        for space in ("nasbench201", "fbnet", "ofa")
        for path in (mirror / "help" / space / "latency").glob("*.pt")
    }
    doubles = {("help-nasbench201", name) for name in SAME_IN_HELP}
    assert {place for place in listed if place[0].startswith("help-")} == stems - doubles
    for dataset in HW_DATASETS:
        header = next(iter(_rows(mirror, dataset)))
        published = {f"{key}_{'ms' if key.endswith('latency') else 'mj'}" for key in header} - {"net_mj"}
        table = f"hw-nas-bench-{dataset}"
        published -= {"eyeriss_arithmetic_intensity_mj"}
        assert {column for its_table, column in listed if its_table == table} == published


@pytest.mark.data
@pytest.mark.parametrize("name", SAME_IN_HELP)
def test_help_repeats_the_cifar10_column_of_hw_nas_bench(name: str, mirror: Path) -> None:
    theirs = _torch_list(mirror / "help" / "nasbench201" / "latency" / f"{name}.pt")
    np.testing.assert_array_equal(theirs, _column(mirror, "cifar10", f"{name}_latency"))


@pytest.mark.data
@pytest.mark.parametrize("name", ["samsung-a50", "samsung-s7", "essential-ph-1"])
def test_phones_have_whole_milliseconds(name: str, cards: dict[str, Card], mirror: Path) -> None:
    assert "whole milliseconds" in " ".join(cards[name].traps)
    for column in cards[name].columns():
        folder = mirror / "help" / column.table.removeprefix("help-") / "latency"
        values = _torch_list(folder / f"{column.column}.pt")
        np.testing.assert_array_equal(values, np.round(values))


@pytest.mark.data
def test_a_batch_of_32_takes_no_longer_than_one_image(cards: dict[str, Card], mirror: Path) -> None:
    folder = mirror / "help" / "nasbench201" / "latency"
    both = [name for name in ("1080ti", "titanx", "titan_rtx") if (folder / f"{name}_32.pt").exists()]
    assert len(both) == 3
    for name in both:
        one, many = (np.median(_torch_list(folder / f"{name}_{batch}.pt")) for batch in (1, 32))
        assert 0.94 < many / one < 1
    assert all("medians within 6 %" in " ".join(cards[name].traps) for name in ("gtx-1080-ti", "titan-x", "titan-rtx"))


@pytest.mark.data
def test_what_the_traps_say_is_so(cards: dict[str, Card], mirror: Path) -> None:
    missing = [_column(mirror, dataset, "edgetpu_latency") == -1 for dataset in HW_DATASETS]
    assert all((one == missing[0]).all() for one in missing) and missing[0].sum() == 4699
    assert "4,699 nets" in cards["edgetpu"].traps[0]
    for dataset, raspi4, pixel3 in zip(HW_DATASETS, (128, 128, 189), (183, 150, 207), strict=True):
        for name, count in (("raspi4", raspi4), ("pixel3", pixel3)):
            assert (_column(mirror, dataset, f"{name}_latency") < 0.05).sum() == count
            assert f"{count}" in cards[name].traps[0]
        watts = _column(mirror, dataset, "fpga_energy") / _column(mirror, dataset, "fpga_latency")
        np.testing.assert_allclose(watts, 7.0, rtol=1e-12)
    np.testing.assert_array_equal(*(_column(mirror, dataset, "fpga_latency") for dataset in HW_DATASETS[:2]))
    watts = _column(mirror, "cifar10", "edgegpu_energy") / _column(mirror, "cifar10", "edgegpu_latency")
    assert watts.mean() == pytest.approx(4.5, abs=0.05)
    assert watts.std() / watts.mean() == pytest.approx(0.04, abs=0.01)


def _rows(mirror: Path, dataset: str) -> list[dict[str, str]]:
    path = mirror / "hw-nas-bench" / f"hw_{dataset}.csv"
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def _column(mirror: Path, dataset: str, name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in _rows(mirror, dataset)])


class _Plain(pickle.Unpickler):
    """Reads lists of numbers and nothing that would need a class."""

    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"{module}.{name}")


def _torch_list(path: Path) -> np.ndarray:
    """A torch file of a plain list, read without torch: a zip with one pickle."""
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        return np.array(_Plain(io.BytesIO(archive.read(name))).load(), dtype=np.float64)
