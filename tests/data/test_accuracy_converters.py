"""Converters of accuracies of further spaces on synthetic files of their forms."""

from __future__ import annotations

import bz2
import io
import json
import pickle
import tarfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas import data
from hwnas.data.converters import CONVERTERS
from hwnas.data.table_files import Contents
from hwnas.errors import DataError
from hwnas.spaces import NASBenchMacro, NATSSize, TransNASMicro

MACRO, TRANSNAS, SIZE = NASBenchMacro(), TransNASMicro(), NATSSize()
TEST_SETS = {"cifar10": "ori-test", "cifar100": "x-test", "ImageNet16-120": "x-test"}
ARCHIVE, PICKLE = "n/NATS-sss-v1_0-50262-simple.tar", "n/NATS-sss-v1_0-50262.pickle.pbz2"


def convert(source: str, path: str, content: bytes) -> Contents:
    ((table, contents),) = CONVERTERS[source]({path: content}, ("table",))
    assert table == "table"
    return contents


@pytest.fixture(scope="module")
def macro_nets() -> dict[str, dict[str, Any]]:
    """Row i of the file has runs i / 100 and one less and one more."""
    strings = MACRO.strings(MACRO.vector(np.random.default_rng(0).permutation(MACRO.size)))
    return {
        string: {"test_acc": [i / 100 - 1, i / 100, i / 100 + 1], "params": 10 * i, "flops": 7 * i, "mean_acc": 0}
        for i, string in enumerate(strings)
    }


def test_nas_bench_macro_is_put_into_our_order(macro_nets: dict[str, dict[str, Any]]) -> None:
    contents = convert("nas-bench-macro", "m.json", json.dumps(macro_nets).encode())
    place = {string: i for i, string in enumerate(macro_nets)}
    rows = np.array([place[np.base_repr(index, 3).zfill(8)] for index in range(3**8)])
    np.testing.assert_allclose(contents.columns["cifar10"], rows / 100, atol=1e-12)
    np.testing.assert_allclose(contents.columns["cifar10_std"], np.sqrt(2 / 3))
    np.testing.assert_array_equal(contents.columns["params"], 10 * rows)
    np.testing.assert_array_equal(contents.columns["macs"], 7 * rows)
    assert contents.units == {"cifar10": "%", "cifar10_std": "%"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda nets: nets.pop("00000000"), "expected 6561 architectures, got 6560"),
        (lambda nets: nets.update({"33333333": nets.pop("00000000")}), "is not an architecture"),
        (lambda nets: nets["00000000"].pop("flops"), "figures by architecture, got KeyError"),
        (lambda nets: nets["00000000"].update(test_acc=[1.0]), "figures by architecture"),
    ],
)
def test_other_forms_of_nas_bench_macro(macro_nets: dict[str, dict[str, Any]], spoil: Any, message: str) -> None:
    nets = {string: dict(net) for string, net in macro_nets.items()}
    spoil(nets)
    with pytest.raises(DataError, match=message):
        convert("nas-bench-macro", "m.json", json.dumps(nets).encode())
    with pytest.raises(DataError, match="figures by architecture"):
        convert("nas-bench-macro", "m.json", b"[]")


def test_transnas_lists_the_networks_that_are_known() -> None:
    table = b'net,val_accs,params\n"(3, 3, 3, 3, 3, 3)",50.5,1\n"(0, 0, 0, 2, 0, 0)",40.25,2\n'
    contents = convert("transnas101", "t.csv", table)
    assert contents.columns["architectures"].tolist() == [[0, 0, 0, 2, 0, 0], [3, 3, 3, 3, 3, 3]]
    assert contents.columns["class_scene"].tolist() == [40.25, 50.5]
    assert contents.units == {"class_scene": "%"} and contents.attributes["space"] == TRANSNAS.name


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('"(3, 0, 0, 2, 0, 0)",1\n', "expected each network without dead operations"),
        ('"(0, 0, 0, 2, 0, 0)",1\n"(0, 0, 0, 2, 0, 0)",2\n', "some of them twice"),
        ('"(4, 0, 0, 2, 0, 0)",1\n', "is not an architecture"),
        ('"(0, 0, 0, 2, 0, 0)",high\n', "expected numbers"),
    ],
)
def test_other_forms_of_transnas(rows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert("transnas101", "t.csv", f"net,val_accs\n{rows}".encode())


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Indices of the architectures in an arbitrary order, as a benchmark could list them.

    The space is cut down to 8 architectures: 32,768 compressed results take too long to write.
    """
    monkeypatch.setattr(NATSSize, "choices", (2, 1, 2, 1, 2))
    return np.random.default_rng(1).permutation(8)


def results(number: int) -> dict[str, Any]:
    """What the benchmark keeps of one architecture, as far as its public code tells.

    After 90 epochs the accuracy is number / 1000 + data set, + 1 and - 1 for its two seeds on CIFAR-10; -50 before
    the last epoch and after fewer epochs.
    """

    def run(dataset: str, seed: int, epochs: int, accuracy: float) -> dict[str, Any]:
        evaluated = {f"{TEST_SETS[dataset]}@{epoch}": -50.0 for epoch in range(epochs - 2, epochs - 1)}
        evaluated[f"{TEST_SETS[dataset]}@{epochs - 1}"] = accuracy
        times = OrderedDict({0: 1.5})
        return {"seed": seed, "epochs": epochs, "eval_acc1es": evaluated, "train_times": times, "net_state_dict": None}

    info: dict[str, Any] = {}
    for epochs in (12, 90):
        offsets = {"cifar10": {777: 1.0, 888: -1.0}, "cifar100": {777: 0.0}, "ImageNet16-120": {777: 0.0}}
        info[f"{epochs:02d}"] = {
            "arch_index": number,
            "dataset_seed": {dataset: list(seeds) for dataset, seeds in offsets.items()},
            "all_results": {
                (dataset, seed): run(dataset, seed, epochs, number / 1000 + column + offset if epochs == 90 else -50.0)
                for column, (dataset, seeds) in enumerate(offsets.items())
                for seed, offset in seeds.items()
            },
        }
    return info


def check(columns: data.Table | Mapping[str, np.ndarray], order: np.ndarray) -> None:
    """The architecture with our index `order[i]` has the figures of number i."""
    numbers = columns["benchmark_index"]
    np.testing.assert_array_equal(order[numbers], np.arange(8))
    for column, dataset in enumerate(TEST_SETS):
        np.testing.assert_allclose(columns[dataset], numbers / 1000 + column, rtol=1e-12)


def member(value: Any) -> bytes:
    return bz2.compress(pickle.dumps(value, 4), 1)


def test_the_one_pickle_of_nats_bench_size(order: np.ndarray, cache: Path, tmp_path: Path) -> None:
    """Imported under its published name, as a user does it."""
    strings, infos = SIZE.strings(SIZE.vector(order)), {number: results(number) for number in range(8)}
    file = tmp_path / Path(PICKLE).name
    file.write_bytes(member({"meta_archs": strings, "arch2infos": infos, "evaluated_indexes": set(infos)}))
    result = data.import_file(file)
    assert (result.source, result.tables) == ("nats-bench-size-pickle", ("nats-bench-size",))
    table = data.open_table("nats-bench-size")
    assert table is not None and dict(table.units) == dict.fromkeys(TEST_SETS, "%")
    check(table, order)


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"NATS-sss-v1_0-50262-simple/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def small_archive(meta: dict[str, Any], numbers: list[int]) -> bytes:
    members = {"meta.pickle.pbz2": member(meta), "README": b"not a result"}
    return archive({**members, **{f"{number:06d}.pickle.pbz2": member(results(number)) for number in numbers}})


def test_the_archive_of_nats_bench_size(order: np.ndarray) -> None:
    meta = {"meta_archs": SIZE.strings(SIZE.vector(order))}
    check(convert("nats-bench-size", ARCHIVE, small_archive(meta, list(range(8)))).columns, order)
    with pytest.raises(DataError, match="of all architectures, got none of 1 of them"):
        convert("nats-bench-size", ARCHIVE, small_archive(meta, list(range(7))))


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (ARCHIVE, b"no archive", "expected the form of NATS-sss v1.0"),
        (ARCHIVE, archive({"000000.pickle.pbz2": b"not compressed"}), "cannot be read"),
        (ARCHIVE, archive({"000000.pickle.pbz2": member({"12": {}})}), "expected the form of NATS-sss v1.0.*'90'"),
        (ARCHIVE, archive({}), "expected 32768 architectures, got 0"),
        (ARCHIVE, archive({"000000.pickle.pbz2": member(Path())}), "a pickle that names pathlib"),
        (PICKLE, member({"arch2infos": {}}), "expected the form of NATS-sss v1.0.*meta_archs"),
        (PICKLE, member({"meta_archs": ["8:8:8:8:8"], "arch2infos": {}}), "expected 32768 architectures, got 1"),
        (PICKLE, member({"meta_archs": [], "arch2infos": {5: results(5)}}), "expected the form of NATS-sss v1.0"),
    ],
    ids=range(8),
)
def test_other_forms_of_nats_bench_size(path: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        convert("nats-bench-size" if path == ARCHIVE else "nats-bench-size-pickle", path, content)
