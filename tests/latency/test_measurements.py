"""Reading measurements: what is taken, and what is refused or asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.latency.measurements import Measurements, read_measurements, stated_units
from hwnas.spaces import get_space

ZERO = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def net(name: str, rounds: list[float], **changed: Any) -> dict[str, Any]:
    latency = {"median": float(np.median(rounds)), "rounds": rounds, "runs": 30 * len(rounds)}
    plain = {"name": name, "arch": name, "index": int(name), "role": "calibrate", "latency_ms": latency}
    return {**plain, "latency_reason": None, "energy_mj": None, "energy_reason": "no meter", **changed}


def results(**changed: Any) -> dict[str, Any]:
    nets = [
        net("7", [2.0, 2.2, 2.1], energy_mj={"median": 9.0}, energy_reason=None),
        net("3", [5.0, 5.0, 5.0]),
        net("15624", [1.0, 3.0, 2.0], role="check"),
    ]
    return {
        "kind": "hwnas-results",
        "schema_version": 1,
        "kit": {"space": "nasbench201", "dataset": "cifar100", "batch_size": 4},
        "device": {"cpu": "a processor"},
        "runtime": {"name": "onnxruntime"},
        "protocol": {"rounds": 3, "warmup_s": 0.5, "window_s": 0.5},
        "meter": {"name": "RAPL"},
        "idle_power_w": 4.0,
        "started": "2025-01-01T00:00:00Z",
        "round_levels": [1.0, 1.0, 1.0],
        "nets": nets,
        **changed,
    }


def written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(document))
    return path


def table(folder: Path, *rows: str, header: str = "architecture,latency_ms,energy_mj") -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_results_of_a_kit(tmp_path: Path) -> None:
    found = read_measurements(written(tmp_path, results()), space="nb201", dataset="CIFAR100")
    assert isinstance(found, Measurements) and len(found) == 3
    assert (found.space, found.dataset, found.batch_size) == ("nasbench201", "cifar100", 4)
    assert get_space("nasbench201").index(found.vectors).tolist() == [7, 3, 15624]
    assert found.latency_ms.tolist() == [2.1, 5.0, 2.0] and found.roles == ("calibrate", "calibrate", "check")
    assert found.energy_mj[0] == 9.0 and np.isnan(found.energy_mj[1:]).all()
    assert found.energy_reasons == ("", "no meter", "no meter")
    # mean of |2.0/2.1 - 1|, |2.2/2.1 - 1|, 0; and of 1/2, 1/2, 0
    assert found.spread == pytest.approx([0.2 / 2.1 / 3, 0.0, 1 / 3]) and found.notes == ()
    assert found.device["runtime"]["name"] == "onnxruntime" and found.device["idle_power_w"] == 4.0


def test_what_is_missing_or_drifted_is_noted(tmp_path: Path) -> None:
    document = results(round_levels=[1.0, 1.0, 1.2])
    document["nets"] += [net("8", [4.0]), net("9", [1.0], latency_ms=None, latency_reason="out of memory")]
    found = read_measurements(written(tmp_path, document))
    assert len(found) == 4 and np.isnan(found.rounds_ms[3, 1:]).all() and np.isnan(found.spread[3])
    assert found.notes[0] == "not measured: 9: out of memory"
    assert "1 of 4 nets have fewer than 3 rounds" in found.notes[1] and "drifted" in found.notes[2]


def test_a_table_in_any_string_form(tmp_path: Path) -> None:
    path = table(tmp_path, f"{ZERO},2.5,", '"(4, 3, 3, 0, 0, 0)",5,12.5', "15624 , 7.5 , 20")
    found = read_measurements(path)
    assert get_space("nasbench201").index(found.vectors).tolist() == [0, 13931, 15624]
    assert found.latency_ms.tolist() == [2.5, 5.0, 7.5] and found.dataset == "cifar10" and found.batch_size is None
    assert np.isnan(found.energy_mj[0]) and found.energy_mj[1:].tolist() == [12.5, 20.0]
    assert found.energy_reasons == ("the table has no energy for it", "", "") and np.isnan(found.spread).all()
    plain = read_measurements(
        table(tmp_path, "1,2", "2,3", "3,4", header="\ufeffarchitecture,latency_ms"), dataset="cifar100"
    )
    assert plain.dataset == "cifar100" and np.isnan(plain.energy_mj).all()


def test_repeated_rows_are_rounds(tmp_path: Path) -> None:
    path = table(tmp_path, "7,2.0,10", f"{ZERO},3.0,", "7,2.2,12", "9,4.0,", "0,3.3,")
    found = read_measurements(path)
    assert found.latency_ms.tolist() == [2.1, 3.15, 4.0] and found.energy_mj[0] == 11.0
    assert found.rounds_ms[0].tolist() == [2.0, 2.2] and found.spread[0] == pytest.approx(0.1 / 2.1)
    assert found.notes[0] == "nets that stand in several rows, which are taken as repeats: 2"


@pytest.mark.parametrize(("unit", "factor"), [("ms", 1.0), ("s", 1000.0), ("us", 0.001)])
def test_units(tmp_path: Path, unit: str, factor: float) -> None:
    path = table(tmp_path, "1,2,", "2,3,", "3,4,", header="architecture,latency,energy_mj")
    found = read_measurements(path, units=stated_units(path, unit=unit))
    assert found.latency_ms == pytest.approx(np.array([2.0, 3.0, 4.0]) * factor)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (("1,2,", "2,3,"), "at least 3 measured nets, got 2"),
        ((), "at least 3 measured nets, got none"),
        (("1,2,", "1,2,", "2,3,"), "at least 3 measured nets, got 2"),
        (("1,2,", "2,2,", "3,2,"), "all 3 latencies are 2 ms"),
        (("1,2,", "2,-3,", "3,4,"), "row 3: expected a latency above 0, got -3"),
        (("1,2,", "2,0,", "3,4,"), "row 3: expected a latency above 0, got 0"),
        (("1,2,", "2,nan,", "3,4,"), "row 3: expected a latency above 0, got nan"),
        (("1,2,", "2,inf,", "3,4,"), "got inf"),
        (("1,2,", "2,,", "3,4,"), "row 3: expected a number, got nothing"),
        (("1,2,", "2,fast,", "3,4,"), "row 3: expected a number, got 'fast'"),
        (("1,2,", "2,3,0", "3,4,"), "row 3: expected an energy above 0 mJ"),
        (("1,2,", "2,3,nan", "3,4,"), "row 3: expected an energy above 0 mJ, or nothing where it was not measured"),
        (("1,2,9", "2,3,", "3,4,", "1,2,90"), "row 2 and row 5 are the same architecture, 9 and 90 mJ"),
        (("1,2,5,0", "2,3,5,0", "3,4,5,0"), "row 2: expected 3 values as in the header, got 1 more"),
        (("1,2,", "2,3e300,", "3,4,"), "row 3: expected a latency between 1e-06 and 1e+08 ms, got 3e+300 ms"),
        (("1,2,", "2,3e-300,", "3,4,"), "row 3: expected a latency between"),
        (("1,2,", "", "2,3,", "", "3,-4,"), "row 6: expected a latency above 0, got -4"),
        (("1,2,", "2,3,", "3,4,", "2,6,"), "row 3 and row 5 are the same architecture, 3 and 6; remove the wrong one"),
        (("1,2,", "2,1_8,", "3,4,"), "row 3: expected a number, got '1_8'; leave out rows without a measurement"),
        (("1,2,", "2,3,-", "3,4,"), "row 3: expected a number, got '-'; leave the cell empty where no energy was"),
        (("1,2,", "99999,3,", "3,4,"), "row 3: space 'nasbench201' has indices 0 to 15624"),
        (("1,2,", "resnet18,3,", "3,4,"), "row 3: 'resnet18' is not an architecture of nasbench201"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row(tmp_path: Path, rows: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_measurements(table(tmp_path, *rows))
    assert says in str(refused.value)


def test_a_factor_of_a_thousand_is_asked_about(tmp_path: Path) -> None:
    seconds = table(tmp_path, "1,0.002,", "2,0.003,", "3,0.004,")
    with pytest.raises(UsageError, match=r"median of 0\.003; is the unit s\? name the column latency_s, or"):
        read_measurements(seconds, expected_ms=(0.5, 50.0))
    right = stated_units(seconds, unit="ms")
    assert read_measurements(seconds, expected_ms=(0.5, 50.0), units=right).latency_ms[0] == 0.002
    with pytest.raises(UsageError, match="is the unit us"):
        read_measurements(table(tmp_path, "1,2000,", "2,3000,", "3,4000,"), expected_ms=(0.5, 50.0))
    assert len(read_measurements(table(tmp_path, "1,200,", "2,300,", "3,400,"), expected_ms=(0.5, 50.0))) == 3
    with pytest.raises(UsageError, match="expected a unit of ms, s, us, got 'h'"):
        stated_units(seconds, unit="h")
    named = table(tmp_path, "1,0.002,", "2,0.003,", "3,0.004,", header="architecture,latency_s,energy_mj")
    assert read_measurements(named, expected_ms=(0.5, 50.0)).latency_ms.tolist() == [2.0, 3.0, 4.0]


def test_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected the columns architecture, latency_ms, .*got \['arch', 'cost'\]"):
        read_measurements(table(tmp_path, "1,2", header="arch,cost"))


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for header in ("architecture,latency_ms,latency_ms", "architecture,latency_ms, Latency_MS "):
        with pytest.raises(UsageError, match="expected one column latency_ms, got 2"):
            read_measurements(table(tmp_path, "1,2,9", "2,3,9", "3,4,8", header=header))


def test_names_of_columns_in_any_case_and_others_that_are_noted(tmp_path: Path) -> None:
    rows = ("1,2,9,cold", "2,3,12,cold", "3,4,16,warm")
    found = read_measurements(table(tmp_path, *rows, header="Architecture,Latency_ms,energy_mJ,Remark"))
    assert found.latency_ms.tolist() == [2.0, 3.0, 4.0] and found.energy_mj.tolist() == [9.0, 12.0, 16.0]
    assert found.notes == (
        "not read: column 'Remark' of mine.csv, which is none of architecture, latency_ms, energy_mj, role",
    )
    found = read_measurements(table(tmp_path, "1,2,9", "2,3,12", "3,4,16", header="architecture,latency_ms,energy_wh"))
    assert np.isnan(found.energy_mj).all() and "not read: column 'energy_wh'" in found.notes[0]


@pytest.mark.parametrize(
    ("latency", "energy", "unit", "energy_unit", "factors"),
    [
        ("latency_ms", "energy_mj", "ms", "mJ", (1.0, 1.0)),
        ("latency_s", "energy_j", None, None, (1e3, 1e3)),
        ("Latency_US", "energy_uJ", "us", "uJ", (1e-3, 1e-3)),
        ("latency", "energy", "s", "J", (1e3, 1e3)),
        ("latency_us", "energy_mj", None, None, (1e-3, 1.0)),
    ],
)
def test_columns_name_their_units(
    tmp_path: Path, latency: str, energy: str, unit: str | None, energy_unit: str | None, factors: tuple[float, float]
) -> None:
    path = table(tmp_path, "1,2,9", "2,3,12", "3,4,16", header=f"architecture,{latency},{energy}")
    found = read_measurements(path, units=stated_units(path, unit=unit, energy_unit=energy_unit))
    assert found.latency_ms == pytest.approx(np.array([2.0, 3.0, 4.0]) * factors[0])
    assert found.energy_mj == pytest.approx(np.array([9.0, 12.0, 16.0]) * factors[1]) and found.notes == ()


@pytest.mark.parametrize(
    ("header", "said", "says"),
    [
        ("latency_ms", {"unit": "s"}, "--unit ms, as the column latency_ms says, got s; leave out .* latency_s$"),
        ("latency_us", {"unit": "ms"}, "--unit us, as the column latency_us says, got ms; leave out"),
        ("latency_ms,energy_mj", {"energy_unit": "J"}, "--energy-unit mJ, as the column energy_mj says, got J; .*_j$"),
        ("latency", {}, "a unit of the column latency, got none; name it one of latency_ms, latency_s, latency_us, or"),
        ("latency_ms,energy", {}, "unit of the column energy, got none; name it one of energy_mj, energy_j, energy_uj"),
    ],
)
def test_a_unit_that_contradicts_the_column_is_refused(
    tmp_path: Path, header: str, said: dict[str, str], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        stated_units(table(tmp_path, "1,2,9", header=f"architecture,{header}"), **said)


def test_tables_that_are_nearly_right_are_told_what_to_do(tmp_path: Path) -> None:
    for separator in (";", "\t"):
        rows = [separator.join(cells) for cells in (("architecture", "latency_ms"), ("1", "2,5"))]
        with pytest.raises(UsageError, match="save the table with commas between its columns and with decimal points"):
            read_measurements(table(tmp_path, rows[1], header=rows[0]))
    found = read_measurements(
        table(tmp_path, "1,2,Check", "2,3,CALIBRATE", "3,4,", header="architecture,latency_ms,role")
    )
    assert found.roles == ("check", "calibrate", "calibrate")


def test_rounds_of_a_table(tmp_path: Path) -> None:
    header = "architecture,latency_s,rounds_s"
    found = read_measurements(table(tmp_path, "1,2,1.9 2 2.4", "2,3,", "3,4.1,4 4.2", header=header))
    assert found.latency_ms.tolist() == [2000.0, 3000.0, 4100.0]
    assert found.spread == pytest.approx([(0.05 + 0.2) / 3, np.nan, 0.1 / 4.1], nan_ok=True)
    with pytest.raises(UsageError, match=r"row 2: expected the median of rounds_s as latency_s, 2, got 2\.1; leave"):
        read_measurements(table(tmp_path, "1,2.1,1.9 2 2.4", "2,3,", "3,4,", header=header))
    with pytest.raises(UsageError, match="row 2: expected a number, got 'fast'; leave the cell of rounds empty"):
        read_measurements(table(tmp_path, "1,2,1.9 fast", "2,3,", "3,4,", header=header))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for absent in ("results.json", "mine.csv"):
        with pytest.raises(UsageError, match="got no such file"):
            read_measurements(tmp_path / absent)
    (tmp_path / "mine.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="expected a CSV file in UTF-8"):
        read_measurements(tmp_path / "mine.csv")
    (tmp_path / "mine.csv").write_bytes("architecture,latency_ms\n1,2\n".encode("utf-16"))
    with pytest.raises(UsageError, match=r"expected a CSV file in UTF-8 .*save it as CSV in UTF-8"):
        read_measurements(tmp_path / "mine.csv")
    path = written(tmp_path, results())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"expected JSON in .*copy the file again"):
        read_measurements(path)
    for lost in ("nets", "kit", "protocol"):
        document = results()
        del document[lost]
        with pytest.raises(DataError, match=f"without '{lost}'"):
            read_measurements(written(tmp_path, document))


def test_results_of_something_else(tmp_path: Path) -> None:
    path = written(tmp_path, results())
    with pytest.raises(UsageError, match="expected measurements of space 'fbnet', got 'nasbench201'"):
        read_measurements(path, space="fbnet")
    with pytest.raises(UsageError, match="expected measurements on 'cifar10', got 'cifar100'"):
        read_measurements(path, dataset="cifar10")
    with pytest.raises(UsageError, match="expected results of schema 1, got 2"):
        read_measurements(written(tmp_path, results(schema_version=2)))
    with pytest.raises(UsageError, match="got kind 'hwnas-kit'"):
        read_measurements(written(tmp_path, results(kind="hwnas-kit")))
    with pytest.raises(UnknownNameError, match="space 'nowhere' is not known"):
        read_measurements(written(tmp_path, results(kit={"space": "nowhere", "dataset": "x", "batch_size": 1})))
    broken = results()
    broken["nets"][1]["latency_ms"]["rounds"] = [float("nan")]
    with pytest.raises(UsageError, match="net 3: expected a latency above 0, got nan"):
        read_measurements(written(tmp_path, broken))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"meter": None}, "without facts of the meter"),
        ({"device": None}, "without facts of the device"),
        ({"runtime": {}}, "without 'runtime.name'"),
        ({"protocol": {"rounds": 3, "warmup_s": 0.5}}, "without 'protocol.window_s'"),
        ({"kit": {"space": "nasbench201", "dataset": "cifar10", "batch_size": -2}}, "a batch size of at least 1"),
        ({"nets": [net("7", [2.0], latency_ms={"median": 2.0, "rounds": []})]}, "without rounds of every measured net"),
        ({"nets": [net("7", [2.0], role="other")]}, "roles of calibrate or check (it has 'other')"),
        ({"kit": "nasbench201"}, "without an object as kit (it has 'nasbench201')"),
        ({"nets": {"7": 1.0}}, "without a list as nets (it has {'7': 1.0})"),
        ({"nets": [2.0]}, "without an object as net 0 of the list (it has 2.0)"),
        ({"nets": [net("7", [2.0], latency_ms=2.0)]}, "without an object as latency_ms (it has 2.0)"),
        ({"nets": [net("7", [2.0], energy_mj=9.0)]}, "without an object as energy_mj (it has 9.0)"),
        ({"nets": [net("7", [2.0], latency_ms={"median": 2.0, "rounds": ["2"]})]}, "a number in latency_ms.rounds of"),
        ({"nets": [net("7", [2.0], energy_mj={"median": None})]}, "without a number in energy_mj.median of net 7"),
        ({"round_levels": 1.0}, "without a list as round_levels (it has 1.0)"),
        (
            {"nets": [net("7", [2.0, 2.2, 2.1], latency_ms={"median": 1.1, "rounds": [2.0, 2.2, 2.1]})]},
            "the median of its rounds (2.1) as latency_ms.median of net 7 (it has 1.1",
        ),
    ],
)
def test_results_that_no_agent_wrote(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    document = results(**changed)
    with pytest.raises(DataError, match="expected what the agent writes") as refused:
        read_measurements(written(tmp_path, document))
    assert says in str(refused.value)


@pytest.mark.parametrize("energy", [0.0, -3.0, float("nan")])
def test_impossible_energies_of_a_kit_name_the_net(tmp_path: Path, energy: float) -> None:
    document = results()
    document["nets"][0]["energy_mj"] = {"median": energy}
    with pytest.raises(UsageError, match="net 7: expected an energy above 0 mJ"):
        read_measurements(written(tmp_path, document))


def test_other_file_names_are_told_apart_by_their_contents(tmp_path: Path) -> None:
    kit, mine = tmp_path / "board.results", tmp_path / "board.tsv"
    kit.write_text(json.dumps(results()))
    assert read_measurements(kit).batch_size == 4
    mine.write_text("architecture,latency_ms\n1,2\n2,3\n3,4\n")
    assert len(read_measurements(mine)) == 3
    mine.write_text("architecture\tlatency_ms\n1\t2\n")
    with pytest.raises(UsageError, match="with commas between them"):
        read_measurements(mine)
    with pytest.raises(UsageError, match=r"got the folder .*; in a kit it is its results\.json"):
        read_measurements(tmp_path)


def test_deep_nesting_is_no_internal_error(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match="expected JSON"):
        read_measurements(path)


def test_fewer_nets_where_others_join_them(tmp_path: Path) -> None:
    assert len(read_measurements(table(tmp_path, "1,2,"), fewest=1)) == 1
    assert len(read_measurements(table(tmp_path, "1,2,", "2,2,"), fewest=1)) == 2  # equal ones prove nothing yet
    with pytest.raises(UsageError, match="got none"):
        read_measurements(table(tmp_path), fewest=1)
