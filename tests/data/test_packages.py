"""The ground truth from the installed package: read without importing it, converted once, never a reason to fail."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwnas.data import SOURCES, open_table, table_path, truth_from_package, verify
from hwnas.data.converters import CONVERTERS
from hwnas.data.packages import find_package_file
from hwnas.errors import DataError
from hwnas.spaces import NASBench201

INSTALLED = find_package_file() is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason="the extra 'truth' (analog-nasbench) is not installed")


def package_pickle(accuracies: dict[tuple[int, ...], float]) -> bytes:
    """A pickle of the package's form: objects of two classes of analognasbench.data, with state dicts."""
    # pickle only writes classes that it finds, so the opcodes are put together here
    out = [b"\x80\x02}("]
    for codes, accuracy in accuracies.items():
        out.append(pickle.dumps(codes, 2)[2:-1])
        out.append(b"canalognasbench.data\nArchitecture\n)\x81")
        out.append(b"}(" + pickle.dumps("baseline_accuracy", 2)[2:-1] + pickle.dumps(accuracy, 2)[2:-1])
        out.append(pickle.dumps("drift", 2)[2:-1] + b"canalognasbench.data\nDriftMeasurement\n)\x81")
        out.append(b"}(" + pickle.dumps("value", 2)[2:-1] + pickle.dumps(1.0, 2)[2:-1] + b"ubub")
    return b"".join([*out, b"u."])


def test_each_accuracy_goes_to_its_architecture(shuffled: np.ndarray) -> None:
    tuples = [tuple(codes) for codes in NASBench201().to_tuples(shuffled).tolist()]
    content = package_pickle({codes: row / 200 for row, codes in enumerate(tuples)})
    ((_, contents),) = CONVERTERS["analog-nasbench"]({"data.anb": content}, ("analog-nasbench",))
    # codes there: 0 skip, 1 none, 2 conv 3x3, 3 conv 1x1, 4 pool; edges 0→1, 0→2, 0→3, 1→2, 1→3, 2→3
    ours = [1, 0, 3, 2, 4]
    for row in (0, 1, 777, 15624):
        e01, e02, e03, e12, e13, e23 = (ours[code] for code in tuples[row])
        index = int("".join(map(str, (e01, e02, e12, e03, e13, e23))), 5)
        assert contents.columns["cifar10"][index] == row / 200
    assert contents.units == {"cifar10": "%"}


@pytest.mark.parametrize(
    "content",
    [
        package_pickle({(0, 0, 0, 0, 0, 0): 50.0}),
        package_pickle({(0, 0, 0, 0, 0, 9): 50.0}),
        package_pickle({(0, 0): 50.0}),
        pickle.dumps({(0, 0, 0, 0, 0, 0): 50.0}),
        pickle.dumps([]),
        b"canalognasbench.data\nother\n.",
    ],
)
def test_other_contents_are_refused(content: bytes) -> None:
    with pytest.raises(DataError):
        dict(CONVERTERS["analog-nasbench"]({"data.anb": content}, ("analog-nasbench",)))


def test_without_package_and_table_there_is_no_truth(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwnas.data.packages.find_package_file", lambda: None)
    assert truth_from_package() is None
    table_path("analog-nasbench").parent.mkdir(parents=True)
    table_path("analog-nasbench").write_bytes(b"damaged")
    with pytest.raises(DataError, match="hwnas data pull analog-nasbench"):
        truth_from_package()


def test_another_version_of_the_package_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    for folder in ("analognasbench", "analog_nasbench-9.9.dist-info"):
        (site / folder).mkdir(parents=True)
    (site / "analognasbench" / "data.anb").write_bytes(b"other data")
    (site / "analog_nasbench-9.9.dist-info" / "METADATA").write_text("Name: analog-nasbench\nVersion: 9.9\n")
    (site / "analog_nasbench-9.9.dist-info" / "RECORD").write_text("analognasbench/data.anb,,\n")
    monkeypatch.syspath_prepend(str(site))
    assert find_package_file() == site / "analognasbench" / "data.anb"
    with pytest.raises(DataError, match=r"needed: version 0\.1\.3.*expected the published analog-nasbench/data\.anb"):
        truth_from_package()


@needs_package
def test_the_truth_is_converted_once_and_again_when_damaged(cache: Path) -> None:
    first = truth_from_package()
    assert first.source.sha256 == {"analog-nasbench/data.anb": SOURCES["analog-nasbench"].files[0].sha256}
    written = table_path("analog-nasbench").stat().st_mtime_ns
    np.testing.assert_array_equal(truth_from_package()["cifar10"], first["cifar10"])
    assert table_path("analog-nasbench").stat().st_mtime_ns == written
    table_path("analog-nasbench").write_bytes(b"damaged")
    np.testing.assert_array_equal(truth_from_package()["cifar10"], first["cifar10"])
    np.testing.assert_array_equal(open_table("analog-nasbench")["cifar10"], first["cifar10"])
    assert [result.status for result in verify(["analog-nasbench"])] == ["ok"]


@needs_package
def test_a_cache_that_cannot_be_written_costs_no_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "file" / "cache"))
    truth = truth_from_package()
    assert truth["cifar10"].shape == (15625,) and truth.units["cifar10"] == "%"
    with pytest.raises(ValueError, match="read-only"):
        truth["cifar10"][0] = 100


@needs_package
def test_the_package_itself_is_not_imported(cache: Path) -> None:
    code = "import sys; from hwnas.data import truth_from_package; truth_from_package(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"analognasbench", "pandas", "pkg_resources", "torch", "scipy"} & set(loaded)
