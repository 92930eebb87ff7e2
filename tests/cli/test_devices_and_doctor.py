"""`hwnas devices` and `hwnas doctor`: what they know, what they advise, and how they exit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwnas.api.adapt import adapt
from hwnas.api.devices import describe_device, list_devices
from hwnas.api.doctor import Finding, doctor
from hwnas.cli.app import main
from hwnas.devices import load_devices, user_cards
from hwnas.devices.user_devices import models_folder
from hwnas.errors import UnknownNameError
from hwnas.latency.kernels import KernelModel, save_kernel_model
from hwnas.latency.kernels.store import kernel_model_path
from hwnas.spaces import get_space


@pytest.fixture
def run(shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["hwnas", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert (done.value.code or 0) == code, printed.err
        return printed.out or printed.err

    return call


def found(name: str) -> Finding:
    (finding,) = [finding for finding in doctor().findings if finding.name == name]
    return finding


def test_the_list_has_every_card(run) -> None:
    out = run("devices")
    cards = load_devices()
    assert all(any(line.startswith(name) for line in out.splitlines()) for name in cards)
    listed = json.loads(run("devices", "--json"))["devices"]
    assert [device["name"] for device in listed] == list(cards) and listed == list_devices()
    (tx2,) = [device for device in listed if device["name"] == "jetson-tx2"]
    assert tx2["targets"] == ["latency", "energy"] and "edgegpu" in tx2["aliases"]


def test_one_device_with_facts_sources_traps_and_costs(run) -> None:
    out = run("devices", "edgegpu")
    card = load_devices()["jetson-tx2"]
    words = " ".join(out.split())
    for text in (card.title, *card.traps, *(fact.value for fact in card.facts), card.measurement.energy.source):
        assert " ".join(text.split()) in words
    assert max(map(len, out.splitlines())) <= 110 and "hwnas data pull hw-nas-bench" in out
    assert json.loads(run("devices", "tx2", "--json")) == describe_device("jetson-tx2").to_dict() | {
        "card": json.loads(json.dumps(describe_device("jetson-tx2").to_dict()["card"])),
        "costs": json.loads(json.dumps(describe_device("jetson-tx2").to_dict()["costs"])),
    }


def test_costs_tell_table_and_prediction(shipped: Path) -> None:
    costs = {(cost.dataset, cost.target): cost for cost in describe_device("tx2").costs}
    cifar10 = costs["cifar10", "energy"]
    assert (cifar10.table, cifar10.get, cifar10.prediction) == ("absent", "hwnas data pull hw-nas-bench", "GCN, 1.8 %")
    assert costs["cifar100", "energy"].prediction == ""


@pytest.mark.data
def test_what_is_shipped_for_spaces_without_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    found = {cost.space: cost.prediction for cost in describe_device("titan-rtx").costs}
    assert found["fbnet"].startswith("ridge regression, ") and found["ofa"].startswith("ridge regression, ")


def test_tables_that_are_there_need_no_command(measured: Path) -> None:
    assert {(cost.table, cost.get) for cost in describe_device("tx2").costs} == {("present", "")}


def test_a_damaged_table_is_told(shipped: Path, tmp_path: Path) -> None:
    path = tmp_path / "cache/tables/hw-nas-bench-cifar10.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    costs = {cost.dataset: cost for cost in describe_device("raspi4").costs if cost.space == "nasbench201"}
    assert costs["cifar10"].table == "damaged" and costs["cifar100"].table == "absent"
    assert found("hw-nas-bench").status == "broken" and "hwnas data pull" in found("hw-nas-bench").detail
    assert doctor().broken


def test_an_unknown_device_is_one_line(run) -> None:
    with pytest.raises(UnknownNameError):
        describe_device("jetsn-tx2")
    out = run("devices", "jetsn-tx2", code=2)
    assert out.count("\n") == 1 and "did you mean 'jetson-tx2'" in out


def test_doctor_finds_what_is_there_and_advises_on_the_rest(run) -> None:
    out = run("doctor")
    plain = json.loads(run("doctor", "--json"))
    assert plain["broken"] is False and {finding["group"] for finding in plain["findings"]} == {
        *("python", "core", "extra", "shipped", "data", "folder"),
    }
    for finding in plain["findings"]:
        assert finding["name"] in " ".join(out.split()) or len(finding["name"]) > 20
        assert finding["status"] in ("ok", "absent") and bool(finding["advice"]) == (finding["status"] == "absent")
    assert found("numpy").status == "ok" and found("nats-bench").advice.startswith("run `hwnas data pull nats-bench`")
    assert found("predicted costs, nasbench201").detail.startswith("3 columns")
    assert found("nasbench201_cifar10_scores").detail == "9,445 networks by zen, synflow"
    assert not Path(found("cache").detail).exists(), "looking does not make the cache"


def test_doctor_looks_for_the_models_that_are_shipped_and_no_others(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is shipped is what lies in the real folder; where that is gone, installing again helps."""
    from hwnas.api.doctor import PREDICTED
    from hwnas.predictors.shipped import SHIPPED_FOLDER

    kinds = ("_costs", "_regressions")
    real = {path.stem.removesuffix(kind) for kind in kinds for path in SHIPPED_FOLDER.glob(f"*{kind}.npz")}
    assert set(PREDICTED) == real
    monkeypatch.setattr("hwnas.api.doctor.SHIPPED_FOLDER", SHIPPED_FOLDER)
    assert found("predicted costs, fbnet").detail == "22 columns of device, data set and target"
    monkeypatch.setattr("hwnas.api.doctor.SHIPPED_FOLDER", tmp_path)
    for space in PREDICTED:
        finding = found(f"predicted costs, {space}")
        assert (finding.status, finding.advice) == ("absent", "install hwnas again")


def test_doctor_tells_a_missing_core_package_from_a_missing_extra(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import PackageNotFoundError

    from hwnas.api import doctor as module

    real = module.version

    def version(name: str) -> str:
        if name in ("moocore", "matplotlib"):
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(module, "version", version)
    assert found("moocore").status == "broken" and "moocore" in found("moocore").advice
    assert found("matplotlib (plot)").status == "absent"
    assert 'pip install "hwnas[plot]"' in found("matplotlib (plot)").advice


def test_doctor_exits_with_1_where_something_is_broken(run, made_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made_up.parent / "damaged"
    folder.mkdir(exist_ok=True)
    (folder / "nasbench201_cifar10_scores.npz").write_bytes(b"not a table")
    monkeypatch.setattr("hwnas.api.doctor.SHIPPED_FOLDER", folder)
    assert found("nasbench201_cifar10_scores").status == "broken"
    assert found("predicted costs, nasbench201").status == "absent"
    assert "install hwnas again" in run("doctor", code=1)


def test_doctor_sees_that_the_cache_cannot_be_written(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "file" / "cache"))
    finding = found("cache")
    assert finding.status == "broken" and "set HWNAS_DATA" in finding.advice and "Not a directory" in finding.detail


def test_a_broken_card_stops_no_command_about_others_and_doctor_names_it(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    path = user_cards() / "bad.toml"
    path.parent.mkdir()
    path.write_text("\0garbage")
    assert "Jetson" in run("devices", "tx2") and "bad" not in run("devices")
    assert str(path) in caplog.text
    assert f"{path}: expected a TOML file" in run("devices", "bad", code=1)
    finding = found("card bad")
    assert (finding.group, finding.status) == ("own", "broken") and str(path) in finding.detail
    assert str(path) in finding.advice and finding.advice.endswith("`hwnas devices bad --remove`")
    assert found("device cards").status == "ok"
    assert "bad is removed" in run("devices", "bad", "--remove") and not path.exists()
    assert not [finding for finding in doctor().findings if finding.group == "own"]


def test_models_of_ones_own_that_do_not_load_are_found(
    run, taught: Path, board: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    space = get_space("nasbench201")
    vectors = space.sample(5, seed=3)
    rows = zip(space.index(vectors), board(space, vectors), strict=True)
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(["architecture,latency_ms", *(f"{net},{ms}" for net, ms in rows)]))
    adapt(table, name="b")
    name = "latency of b, nasbench201, cifar10"
    assert found(name).status == "ok" and "5 measurements" in run("devices", "b")
    (file,) = models_folder().glob("*/latency.npz")
    file.write_bytes(file.read_bytes()[:100])
    assert found(name).status == "broken" and "adapt the device again" in found(name).advice
    assert "DAMAGED, adapt the device again" in " ".join(run("devices", "b").split())
    assert "adapt the device again" in " ".join(run("doctor", code=1).split())


def test_a_device_with_a_kernel_model_alone_is_listed(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    facts = {"summary": "made up"}
    model = KernelModel(device="this-host", runtime="none", target="latency", regressors={}, facts=facts)
    save_kernel_model(kernel_model_path("this-host", "latency"), model)
    (line,) = [line for line in run("devices").splitlines() if line.startswith("this-host")]
    assert "by kernel" in line and "latency of any network" in run("devices", "this-host")
    assert found("kernels_this-host_latency").status == "ok"
    other = kernel_model_path("other", "latency")
    other.write_bytes(b"PK")
    assert found("kernels_other_latency").status == "broken" and str(other) in found("kernels_other_latency").advice


def test_a_damaged_kernel_model_hides_no_other(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path))
    path = kernel_model_path("other", "latency")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    out = run("kernels", "list")
    assert out.startswith("device") and "other" not in out and str(path) in caplog.text
