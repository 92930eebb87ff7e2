"""True accuracies: which source wins, and what is said where there is none."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hwnas import data
from hwnas.api.accuracy import true_accuracy
from hwnas.data.table_files import Contents, TableSource
from hwnas.data.tables import table_in_memory
from hwnas.spaces import get_space

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
