"""Converters on synthetic files of the published forms: the right row, unit and NaN, or a clear error."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest

from hwnas.data.converters import CONVERTERS
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import NASBench201

from .conftest import HW_COLUMNS

SPACE = NASBench201()
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
PICKLE_TABLES = (*(f"hw-nas-bench-{dataset}" for dataset in DATASETS), "hw-nas-bench-fbnet")


def convert(source: str, files: dict[str, bytes], tables: tuple[str, ...] = ("table",)) -> dict[str, Contents]:
    return dict(CONVERTERS[source](files, tables))


def convert_one(source: str, files: dict[str, bytes]) -> Contents:
    ((_, contents),) = convert(source, files).items()
    return contents


def torch_file(value: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def row_of(shuffled: np.ndarray) -> np.ndarray:
    """Place in the file of the architecture with index i."""
    place = np.empty(SPACE.size, dtype=np.int64)
    for row, vector in enumerate(shuffled.tolist()):
        place[sum(op * 5 ** (5 - position) for position, op in enumerate(vector))] = row
    return place


def test_nats_bench_is_put_into_our_order(nats_csv: bytes, row_of: np.ndarray) -> None:
    contents = convert_one("nats-bench", {"nats_bench.csv": nats_csv})
    for offset, dataset in enumerate(DATASETS):
        np.testing.assert_allclose(contents.columns[dataset], 50 + offset + row_of / 1000, rtol=1e-15)
        assert contents.units[dataset] == "%"
    np.testing.assert_array_equal(contents.columns["benchmark_index"], row_of)
    assert contents.columns["benchmark_index"].dtype == np.int64
    assert "benchmark_index" not in contents.units


def test_hw_nas_bench_is_put_into_our_order_and_minus_one_is_nan(hw_csv: bytes, row_of: np.ndarray) -> None:
    contents = convert_one("hw-nas-bench", {"hw_cifar10.csv": hw_csv})
    for i, name in enumerate(HW_COLUMNS):
        suffix, unit = {"latency": ("_ms", "ms"), "energy": ("_mj", "mJ")}.get(name.rpartition("_")[2], ("", None))
        expected = row_of + i / 16
        if name == "edgetpu_latency":
            expected = np.where(row_of % 3 == 0, np.nan, expected)
        np.testing.assert_array_equal(contents.columns[name + suffix], expected)
        assert contents.units.get(name + suffix) == unit
    assert len(contents.columns) == len(HW_COLUMNS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("net,", "network,", 1), "expected a column 'net', got columns network"),
        (lambda text: text.rpartition("\n")[0], "expected 15625 architectures, got 15624"),
        (lambda text: text + "\n" + text.rpartition("\n")[2], "some of them twice"),
        (lambda text: text[:-4].rpartition(",")[0], "rows of other lengths"),
        (lambda text: text.replace(",5.0,", ",five,", 1), "could not convert string to float: 'five'"),
        (lambda text: text.replace(",5.0,", ",-5.0,", 1), "0 or more, or -1, got -5.0 in 'edgegpu_latency'"),
        (lambda text: text.replace('"(', '"(7', 1), "is not an architecture|operation codes"),
        (lambda text: "", "expected a column 'net'"),
    ],
)
def test_other_forms_of_hw_nas_bench_are_refused(hw_csv: bytes, damage: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert("hw-nas-bench", {"hw_cifar10.csv": damage(hw_csv.decode()).encode()})


def test_validation_accuracy_goes_to_all_twins() -> None:
    """Three networks: one of convolutions alone, one that is its own twin by a dead edge, one that is not named."""
    conv = (2, 2, 2, 2, 2, 2)
    dead = (1, 2, 0, 2, 2, 1)  # only 0→3 reaches the output: 0→1 and 2→3 are `none`
    skip_alone = (1, 1, 0, 1, 1, 1)
    table = f'net,val_accs\n"{conv}",91.5\n"{skip_alone}",12.25\n'.encode()
    accuracy = convert_one("nasbench201-validation", {"val.csv": table}).columns["cifar10"]
    index = {
        name: int(SPACE.index(SPACE.from_tuples(np.array([name])))[0]) for name in (conv, dead, skip_alone, (0,) * 6)
    }
    assert accuracy[index[conv]] == 91.5
    assert accuracy[index[skip_alone]] == 12.25
    assert accuracy[index[dead]] == 12.25
    assert np.isnan(accuracy[index[(0,) * 6]])
    # every edge but 0→3 is free as long as nothing else arrives: 0→1 or 1→3 none, and so on; by brute force
    twins = [all(path_is_cut(v)) and v[3] == 1 for v in SPACE.all_vectors().tolist()]
    np.testing.assert_array_equal(accuracy == 12.25, twins)


def path_is_cut(vector: list[int]) -> list[bool]:
    """Whether each way from input to output other than the direct edge has an operation `none` in it."""
    e01, e02, e12, _, e13, e23 = (op == 0 for op in vector)
    return [e01 or e13, e02 or e23, e01 or e12 or e23]


def test_validation_keys_with_dead_operations_are_refused() -> None:
    with pytest.raises(DataError, match="expected each network without dead operations"):
        convert("nasbench201-validation", {"val.csv": b'net,val_accs\n"(1, 2, 0, 2, 2, 1)",50\n'})


@pytest.fixture(scope="module")
def config(shuffled: np.ndarray) -> list[dict[str, Any]]:
    return [{"name": "infer.tiny", "C": 16, "N": 5, "arch_str": string} for string in SPACE.strings(shuffled)]


def official(config: list[dict[str, Any]], *, form: Any) -> dict[str, Any]:
    """A file of the form of HW-NAS-Bench-v1_0.pickle; value: row + metric / 16 + 1000 x data set."""
    metrics = [column for column in HW_COLUMNS if "intensity" not in column]
    rows = np.arange(len(config))
    nets = {
        dataset: {"config": config, **{m: form(rows + i / 16 + 1000 * d) for i, m in enumerate(metrics)}}
        for d, dataset in enumerate(DATASETS)
    }
    blocks = {m: {"Skip_H32_W32": np.float64(i), "FC_Cin1504_Cout100": 2.0 * i} for i, m in enumerate(metrics)}
    del blocks["raspi4_latency"]["Skip_H32_W32"], blocks["edgetpu_latency"]
    return {"nasbench201": nets, "fbnet": blocks}


def mostly_python_numbers(rows: np.ndarray) -> list[float]:
    return [*rows[:5], *rows[5:].tolist()]


@pytest.mark.parametrize("form", [np.asarray, mostly_python_numbers, lambda rows: dict(enumerate(rows.tolist()))])
def test_the_official_pickle_gives_the_same_tables(config: list[dict[str, Any]], row_of: np.ndarray, form: Any) -> None:
    content = pickle.dumps(official(config, form=form), 3)
    tables = convert("hw-nas-bench-pickle", {"HW-NAS-Bench-v1_0.pickle": content}, PICKLE_TABLES)
    for d, dataset in enumerate(DATASETS):
        contents = tables[f"hw-nas-bench-{dataset}"]
        np.testing.assert_array_equal(contents.columns["edgegpu_energy_mj"], row_of + 1 / 16 + 1000 * d)
        assert len(contents.columns) == 9
    blocks = tables["hw-nas-bench-fbnet"]
    assert blocks.columns["block"].tolist() == ["FC_Cin1504_Cout100", "Skip_H32_W32"]
    np.testing.assert_array_equal(blocks.columns["edgegpu_energy_mj"], [2.0, 1.0])
    np.testing.assert_array_equal(blocks.columns["raspi4_latency_ms"], [4.0, np.nan])
    assert "edgetpu_latency_ms" not in blocks.columns and blocks.units["eyeriss_energy_mj"] == "mJ"


@pytest.mark.parametrize(
    ("table", "spoil"),
    [
        ("fbnet", lambda file: file.pop("fbnet")),
        ("fbnet", lambda file: file["fbnet"].update(fpga_energy=[1.0])),
        ("cifar100", lambda file: file["nasbench201"].pop("cifar100")),
        ("cifar10", lambda file: file["nasbench201"]["cifar10"].pop("config")),
        ("cifar10", lambda file: file["nasbench201"]["cifar10"].update(fpga_energy=[1.0])),
        ("cifar10", lambda file: file["nasbench201"]["cifar10"].update(config=[{"arch_str": "|none~0|"}])),
    ],
)
def test_another_pickle_is_refused(config: list[dict[str, Any]], table: str, spoil: Any) -> None:
    file = official(config, form=np.asarray)
    spoil(file)
    with pytest.raises(DataError, match=r"HW-NAS-Bench-v1_0\.pickle"):
        convert("hw-nas-bench-pickle", {"HW-NAS-Bench-v1_0.pickle": pickle.dumps(file)}, (f"hw-nas-bench-{table}",))


def test_help_of_nasbench201(shuffled: np.ndarray, row_of: np.ndarray) -> None:
    strings = SPACE.strings(shuffled)
    listed = np.random.default_rng(1).permutation(len(strings)).tolist()  # the numbers need not be in order
    files = {
        "n/str_arch2idx.pt": torch_file({strings[i]: i for i in listed}),
        "n/hardware_embedding_index.pt": torch_file([3, 0, 77]),
        "n/latency/1080ti_1.pt": torch_file([i / 8 for i in range(len(strings))]),
        "n/latency/essential_ph_1.pt": torch_file(list(range(len(strings)))),
    }
    contents = convert_one("help-nasbench201", files)
    np.testing.assert_array_equal(contents.columns["1080ti_1"], row_of / 8)
    np.testing.assert_array_equal(contents.columns["essential_ph_1"], row_of)
    assert contents.columns["essential_ph_1"].dtype == np.float64
    assert row_of[contents.attributes["reference_nets"]].tolist() == [3, 0, 77]
    assert contents.units == {"1080ti_1": "ms", "essential_ph_1": "ms"}
    files["n/latency/1080ti_1.pt"] = torch_file([1.0])
    with pytest.raises(DataError, match=r"1080ti_1\.pt: expected 15625 latencies"):
        convert_one("help-nasbench201", files)


def test_help_of_fbnet() -> None:
    nets = [{"op_idx_list": [0, 1, 1], "arch_str": ["k3", "skip", "skip"]}]
    nets.append({"op_idx_list": [1, 0, 0], "arch_str": ["skip", "k3", "k3"]})
    files = {"f/metainfo.pt": torch_file({"arch": nets}), "f/latency/fpga.pt": torch_file([1.5, 2.5])}
    contents = convert_one("help-fbnet", files)
    assert contents.columns["architectures"].tolist() == [[0, 1, 1], [1, 0, 0]]
    assert contents.attributes["operations"] == ["k3", "skip"]
    assert contents.columns["fpga"].tolist() == [1.5, 2.5]
    nets[0]["arch_str"] = ["k3", "k3", "skip"]
    files["f/metainfo.pt"] = torch_file({"arch": nets})
    with pytest.raises(DataError, match="one name per operation code"):
        convert_one("help-fbnet", files)


def test_help_of_once_for_all() -> None:
    net = {"ks": list(range(20)), "e": list(range(20, 40)), "d": [2, 3, 4, 2, 3], "r": 224}
    files = {"o/ofa_archs.json": json.dumps({"arch": [net]}).encode(), "o/latency/2080ti_1.pt": torch_file([9.5])}
    contents = convert_one("help-ofa", files)
    named = dict(zip(contents.attributes["positions"], contents.columns["architectures"][0].tolist(), strict=True))
    assert (named["kernel_19"], named["expansion_0"], named["depth_4"], named["resolution"]) == (19, 20, 3, 224)
    files["o/ofa_archs.json"] = json.dumps({"arch": [{**net, "d": [2]}]}).encode()
    with pytest.raises(DataError, match="expected 46 integers per network"):
        convert_one("help-ofa", files)


def test_images() -> None:
    images = np.arange(2 * 3 * 4 * 4, dtype=np.float16).reshape(2, 3, 4, 4)
    buffer = io.BytesIO()
    np.savez(buffer, x=images, y=np.array([7, 1]))
    contents = convert_one("images", {"c.npz": buffer.getvalue()})
    np.testing.assert_array_equal(contents.columns["x"], images)
    assert contents.columns["x"].dtype == np.float16 and contents.columns["y"].tolist() == [7, 1]
    for arrays in ({"x": images}, {"x": images[0], "y": np.zeros(3)}, {"x": images, "y": np.array([{}, {}])}):
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        with pytest.raises(DataError, match=r"c\.npz: expected"):
            convert_one("images", {"c.npz": buffer.getvalue()})
    with pytest.raises(DataError, match=r"c\.npz: expected"):
        convert_one("images", {"c.npz": b"no archive"})
