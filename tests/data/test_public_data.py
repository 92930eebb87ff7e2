"""What the published files say, read once by the package and once by the standard library alone."""

from __future__ import annotations

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

from hwnas.data import SOURCES, TABLES, open_table, pull, truth_from_package, verify
from hwnas.data.packages import find_package_file
from hwnas.spaces import NASBench201

pytestmark = pytest.mark.data
SPACE = NASBench201()
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")


@pytest.fixture(scope="module", autouse=True)
def pulled(mirror: Path, tmp_path_factory: pytest.TempPathFactory):
    """Everything that the mirror brings, in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWNAS_DATA", str(tmp_path_factory.mktemp("cache")))
        yield pull(mirror=mirror, raw=True)


def column(table: str, name: str) -> np.ndarray:
    return open_table(table)[name]


def test_every_source_comes_and_verifies(pulled) -> None:
    package = "converted" if find_package_file() else "skipped"
    for result in pulled:
        source = SOURCES[result.source]
        expected = package if source.kind == "package" else "converted" if source.tables else "kept"
        assert result.status == expected, result
    checks = verify()
    assert {check.status for check in checks} == {"ok"}
    assert len([check for check in checks if check.kind == "table"]) == len(TABLES) - 1 - (package == "skipped")


def test_the_list_of_sources_is_the_manifest(mirror: Path) -> None:
    with (mirror / "MANIFEST.csv").open(newline="") as file:
        manifest = {row["path"]: row for row in csv.DictReader(file)}
    listed = {f.path: f for source in SOURCES.values() if source.kind == "files" for f in source.files}
    assert listed.keys() == manifest.keys()
    for path, row in manifest.items():
        assert (str(listed[path].size), listed[path].sha256) == (row["bytes"], row["sha256"])
        address = f"{row['repository']}/{row['commit']}/{row['upstream_path']}" if row["upstream_path"] else None
        assert listed[path].upstream == address


def test_the_first_network_of_the_benchmark() -> None:
    (index,) = SPACE.index(SPACE.parse([FIRST]))
    assert column("hw-nas-bench-cifar10", "edgegpu_latency_ms")[index] == 5.807418537139893
    assert column("hw-nas-bench-cifar10", "edgegpu_energy_mj")[index] == 24.226614330768584
    assert column("nats-bench", "benchmark_index")[index] == 0
    assert column("nats-bench", "cifar10")[index] == 85.86333333333334


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_cost_stands_at_its_architecture(mirror: Path, dataset: str) -> None:
    codes = {0: "skip_connect", 1: "none", 2: "nor_conv_3x3", 3: "nor_conv_1x1", 4: "avg_pool_3x3"}
    strings = {string: index for index, string in enumerate(SPACE.strings(SPACE.all_vectors()))}
    table = open_table(f"hw-nas-bench-{dataset}")
    with (mirror / f"hw-nas-bench/hw_{dataset}.csv").open(newline="") as file:
        for row in list(csv.DictReader(file))[::25]:
            a, b, c, d, e, f = (codes[code] for code in ast.literal_eval(row["net"]))
            index = strings[f"|{a}~0|+|{b}~0|{d}~1|+|{c}~0|{e}~1|{f}~2|"]
            for name in ("edgegpu_energy_mj", "raspi4_latency_ms", "eyeriss_latency_ms", "fpga_energy_mj"):
                assert table[name][index] == float(row[name.rpartition("_")[0]])
    assert np.isnan(table["edgetpu_latency_ms"]).sum() == 4699


def test_fpga_draws_seven_watts() -> None:
    power_w = column("hw-nas-bench-cifar10", "fpga_energy_mj") / column("hw-nas-bench-cifar10", "fpga_latency_ms")
    np.testing.assert_allclose(power_w, 7.0, rtol=1e-12)


@pytest.mark.parametrize(("budget_mj", "accuracy"), [(10, 67.97), (20, 71.02), (30, 73.16)])
def test_best_accuracy_of_cifar100_within_an_energy(budget_mj: float, accuracy: float) -> None:
    within = column("hw-nas-bench-cifar100", "edgegpu_energy_mj") <= budget_mj
    assert round(column("nats-bench", "cifar100")[within].max(), 2) == accuracy


@pytest.mark.parametrize("device", ["raspi4", "eyeriss", "fpga", "pixel3"])
def test_help_repeats_hw_nas_bench(device: str) -> None:
    ours = column("hw-nas-bench-cifar10", f"{device}_latency_ms")
    np.testing.assert_array_equal(column("help-nasbench201", device), ours)


def test_help_counts_as_the_benchmark_does() -> None:
    reference = open_table("help-nasbench201").attributes["reference_nets"]
    numbers = [11982, 431, 55, 9, 14451, 8636, 9881, 13479, 6196, 1462]
    assert column("nats-bench", "benchmark_index")[reference].tolist() == numbers


def test_phones_count_whole_milliseconds() -> None:
    for device in ("samsung_a50", "samsung_s7", "essential_ph_1"):
        for table in ("help-nasbench201", "help-fbnet"):
            np.testing.assert_array_equal(column(table, device) % 1, 0)


def test_networks_of_fbnet_and_once_for_all() -> None:
    fbnet, ofa = open_table("help-fbnet"), open_table("help-ofa")
    assert fbnet["architectures"].shape == (5000, 22) and ofa["architectures"].shape == (5000, 46)
    first = [fbnet.attributes["operations"][code] for code in fbnet["architectures"][0]]
    assert first[:4] == ["k5_e6", "skip", "k3_e1_g2", "skip"]
    kernels, expansions, depths, resolution = np.split(ofa["architectures"], [20, 40, 45], axis=1)
    assert set(np.unique(kernels)) == {3, 5, 7} and set(np.unique(expansions)) == {3, 4, 6}
    assert set(np.unique(depths)) == {2, 3, 4} and resolution.min() == 128 and resolution.max() == 224
    assert len(fbnet.columns) == 23 and len(ofa.columns) == 10


def test_validation_accuracy_covers_every_network() -> None:
    validation, test = column("nasbench201-validation", "cifar10"), column("nats-bench", "cifar10")
    networks = SPACE.network_id(SPACE.all_vectors())
    assert not np.isnan(validation).any()
    np.testing.assert_array_equal(validation, validation[networks])
    assert spearman(validation, test) > 0.95


@pytest.mark.skipif(find_package_file() is None, reason="the extra 'truth' (analog-nasbench) is not installed")
def test_independent_accuracies_agree() -> None:
    assert spearman(truth_from_package()["cifar10"], column("nats-bench", "cifar10")) == pytest.approx(0.991, abs=5e-4)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def test_images() -> None:
    for dataset, (n, size, classes) in zip(DATASETS, [(256, 32, 10), (256, 32, 100), (106, 16, 120)], strict=True):
        table = open_table(f"images-{dataset}")
        assert table["x"].shape == (n, 3, size, size)
        assert table["y"].min() >= 0 and table["y"].max() == classes - 1
