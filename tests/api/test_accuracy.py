"""True accuracies: which source wins, and what is said where there is none."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hwnas import data
from hwnas.api.accuracy import ACCURACIES, true_accuracy
from hwnas.data.table_files import Contents, TableSource
from hwnas.data.tables import table_in_memory
from hwnas.spaces import SPACES, get_space

SPACE = get_space("nasbench201")


@pytest.mark.data
@pytest.mark.parametrize(
    ("dataset", "column"),
    [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100"), ("ImageNet16-120", "ImageNet")],
)
def test_values_of_the_published_file(measured: Path, mirror: Path, dataset: str, column: str) -> None:
    accuracy = true_accuracy(SPACE, dataset)
    assert accuracy.percent is not None and accuracy.benchmark_index is not None
    with (mirror / "nas-bench-201/nats_bench.csv").open() as file:
        rows = [(row[f"{column}TestAccuracy200Epochs"], row["ArchitectureString"]) for row in csv.DictReader(file)]
    for index in (0, 1462, 15_624):
        published, arch = rows[accuracy.benchmark_index[index]]
        assert arch == SPACE.strings(SPACE.vector(np.array([index])))[0]
        assert accuracy.percent[index] == pytest.approx(float(published))
    assert accuracy.source.startswith("NATS-Bench") and accuracy.source.endswith(f"test accuracy on {dataset}")


def test_without_the_table_cifar10_comes_from_the_package(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = TableSource(title="a package", licence="none", url="", sha256={})
    table = table_in_memory("analog-nasbench", source, Contents(columns={"cifar10": np.full(SPACE.size, 90.0)}))
    monkeypatch.setattr(data, "truth_from_package", lambda: table)
    accuracy = true_accuracy(SPACE, "cifar10")
    assert accuracy.percent is not None and accuracy.percent[5] == 90.0 and accuracy.benchmark_index is None
    assert accuracy.source == "a package, accuracy on cifar10"
    assert true_accuracy(SPACE, "cifar100").percent is None, "the package knows CIFAR-10 only"


def test_where_nothing_is_known_it_tells_how_to_know(shipped: Path) -> None:
    cifar10, cifar100 = (true_accuracy(SPACE, dataset) for dataset in ("cifar10", "cifar100"))
    assert cifar10.percent is None and 'pip install "hwnas[truth]"' in cifar10.source
    assert cifar100.percent is None and "hwnas[truth]" not in cifar100.source
    assert "hwnas data pull nats-bench" in cifar10.source and "hwnas data pull nats-bench" in cifar100.source


def put_table(monkeypatch: pytest.MonkeyPatch, name: str, columns: dict[str, np.ndarray]) -> None:
    source = TableSource(title="made up", licence="none", url="", sha256={})
    table = table_in_memory(name, source, Contents(columns=columns))
    monkeypatch.setattr(data, "open_table", {name: table}.get)


def test_a_space_known_in_part(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = get_space("transnas-micro")
    known = space.parse(["3_33_333", "0_00_100"])
    put_table(monkeypatch, "transnas101", {"architectures": known, "class_scene": np.array([50.0, 30.0])})
    accuracy = true_accuracy(space, "class_scene")
    assert accuracy.source == "made up, validation accuracy on class_scene"
    assert space.strings(accuracy.architectures(space)) == ["64-41414-3_33_333", "64-41414-0_00_100"]
    percent = accuracy.of_all(space)
    assert percent is not None and percent.shape == (4_096,) and np.isnan(percent).sum() == 4_094
    assert percent[space.index(known)].tolist() == [50.0, 30.0]


def test_a_space_known_wholly(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space, columns = get_space("nas-bench-macro"), {"cifar10": np.arange(6_561.0), "params": np.arange(6_561)}
    put_table(monkeypatch, "nas-bench-macro", columns)
    accuracy = true_accuracy(space, "cifar10")
    assert accuracy.vectors is None and accuracy.percent is accuracy.of_all(space)
    np.testing.assert_array_equal(space.index(accuracy.architectures(space)), accuracy.percent)


def test_a_table_without_the_data_set(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_table(monkeypatch, "nats-bench-size", {"cifar10": np.zeros(32_768)})
    accuracy = true_accuracy(get_space("nats-size"), "cifar100")
    assert accuracy.percent is None and accuracy.of_all(get_space("nats-size")) is None
    assert accuracy.source == "not known: made up has no accuracies on cifar100"


def test_each_space_with_accuracies_tells_how_to_get_them(shipped: Path) -> None:
    for name, lookup in ACCURACIES.items():
        space = get_space(name)
        for dataset in space.datasets:
            accuracy = lookup(space, dataset)
            assert accuracy.percent is None and "`hwnas data " in accuracy.source
    unlisted = next((space for name, space in SPACES.items() if name not in ACCURACIES), None)
    if unlisted is not None:
        assert "there is no table" in true_accuracy(unlisted, unlisted.datasets[0]).source
