"""The main job from Python: against published tables, against brute force, and what it says of itself."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import hwnas
from hwnas.api.study import _rounded_up
from hwnas.errors import DataError, InfeasibleError, UnknownNameError, UsageError
from hwnas.pareto import non_dominated
from hwnas.results import FrontResult, ParetoResult
from hwnas.spaces import get_space

CELLS = get_space("nasbench201")
CIFAR100 = {"dataset": "cifar100", "proxies": ["params"]}


def best(front: FrontResult) -> float:
    return max(net.accuracy_percent for net in front.nets if net.accuracy_percent is not None)


def check_form(result: ParetoResult) -> dict[str, object]:
    """The answer as JSON, held against its schema."""
    plain: dict[str, object] = json.loads(result.to_json())
    jsonschema.Draft202012Validator(hwnas.json_schema()).validate(plain)
    return plain


@pytest.mark.data
@pytest.mark.parametrize(("budget", "accuracy"), [(10, 67.97), (20, 71.02), (30, 73.16)])
def test_best_true_accuracy_within_the_energy_of_the_published_files(
    measured: Path, mirror: Path, budget: float, accuracy: float
) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=budget, raw=True, **CIFAR100)
    truth = result.front("truth")
    assert truth.role == "truth" and best(truth) == pytest.approx(accuracy, abs=0.005)
    with (
        (mirror / "hw-nas-bench/hw_cifar100.csv").open() as costs,
        (mirror / "nas-bench-201/nats_bench.csv").open() as accuracies,
    ):
        pairs = zip(csv.DictReader(costs), csv.DictReader(accuracies), strict=True)
        rows = [(float(c["edgegpu_energy"]), float(a["CIFAR100TestAccuracy200Epochs"])) for c, a in pairs]
    within = [accuracy for energy, accuracy in rows if energy <= budget]
    assert best(truth) == pytest.approx(max(within), abs=1e-9)
    for net in truth.nets:
        energy, its_accuracy = rows[net.benchmark_index]
        assert net.costs["energy_mj"].mean == pytest.approx(energy)
        assert net.accuracy_percent == pytest.approx(its_accuracy)
        assert not any(e < energy and a > its_accuracy for e, a in rows)


@pytest.mark.data
@pytest.mark.parametrize(
    ("raw", "published"),
    [(False, {15: 1.00, 20: 1.00, 30: 0.86, 40: 0.78}), (True, {15: 0.83, 20: 0.72, 30: 0.61, 40: 0.64})],
)
def test_params_reaches_the_known_share_of_the_hypervolume(
    measured: Path, raw: bool, published: dict[float, float]
) -> None:
    for budget, share in published.items():
        result = hwnas.pareto("tx2", budget_mj=budget, raw=raw, **CIFAR100)
        assert result.front("params").comparison.relative_hypervolume == pytest.approx(share, abs=0.01)


@pytest.mark.data
def test_where_no_net_beats_the_median_shares_are_null_with_a_reason(measured: Path) -> None:
    result = hwnas.pareto("tx2", budget_mj=6, **CIFAR100)
    check_form(result)
    for name in ("params", "flops", "random"):
        comparison = result.front(name).comparison
        assert comparison.relative_hypervolume is None and comparison.igd_plus is None
        assert comparison.reason_if_null is not None and "beats the median accuracy" in comparison.reason_if_null


@pytest.mark.data
def test_measured_costs_say_so_and_have_no_interval(measured: Path) -> None:
    result = hwnas.pareto("edgegpu", budget_mj=20, proxies=["zen", "synflow"])
    plain = check_form(result)
    assert plain["device"] == "jetson-tx2"
    (objective,) = result.objectives
    assert objective.measured and "HW-NAS-Bench" in objective.source and objective.bound == 20
    assert [cost.id for cost in result.other_costs] == ["latency_ms"]
    assert [front.name for front in result.fronts] == ["zen", "synflow", "params", "flops", "random", "truth"]
    assert [front.role for front in result.fronts] == ["proxy", "proxy", *["baseline"] * 3, "truth"]
    for front in result.fronts:
        ids = CELLS.canonical_id(np.array([net.network_id for net in front.nets]))
        assert len(np.unique(ids)) == len(front.nets), "each network once, whatever the order of its nodes"
        for net in front.nets:
            assert net.costs["energy_mj"].mean is not None and net.costs["energy_mj"].mean <= 20
            assert net.costs["energy_mj"].lower is None and net.costs["latency_ms"].upper is None


@pytest.mark.data
def test_predicted_on_request_is_judged_by_measured(measured: Path) -> None:
    result = hwnas.pareto("tx2", budget_mj=20, source="predicted")
    check_form(result)
    assert not result.objectives[0].measured
    assert result.front("truth").role == "truth"
    energies = [net.costs["energy_mj"] for net in result.front("truth").nets]
    assert all(energy.lower is None for energy in energies), "the truth shows measured energies"
    assert any("judged" in note or "use measured ones" in note for note in result.notes)
    zen = result.front("zen")
    assert all(net.costs["energy_mj"].lower is not None for net in zen.nets)
    # These predictions know nothing of the device: some of what they allow breaks the budget in truth.
    over = [net for net in zen.nets if measured_energy(net.index) > 20]
    assert over and zen.comparison.infeasible == pytest.approx(len(over), abs=1)


def measured_energy(index: int) -> float:
    from hwnas.energy import energy_model

    model = energy_model("tx2", space="nasbench201", dataset="cifar10", source="measured")
    return float(model.predict(get_space("nasbench201").vector(np.array([index]))).mean[0])


@pytest.mark.data
def test_scores_of_another_data_set_stand_in_and_say_so(measured: Path) -> None:
    result = hwnas.pareto("tx2", budget_mj=20, dataset="cifar100", proxies="zen")
    assert "scores of cifar10 stand in for cifar100, which is not scored by zen" in result.notes


@pytest.mark.data
def test_nets_that_were_not_measured_are_counted_and_not_listed(measured: Path) -> None:
    result = hwnas.pareto("edgetpu")
    assert "latency_ms is not known for 4,699 of 15,625 nets" in result.notes
    assert all(net.costs["latency_ms"].mean is not None for front in result.fronts for net in front.nets)


def test_without_tables_the_shipped_files_answer(shipped: Path) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=20)
    check_form(result)
    assert result.objectives[0].source == "predicted by GCN, trained on 12500 nets, median error 1.8 %, out of fold"
    assert [front.name for front in result.fronts] == ["zen", "params", "flops", "random"]
    assert "not known here" in result.accuracy_source and "hwnas[truth]" in result.accuracy_source
    assert result.reference_point == {}
    for front in result.fronts:
        assert front.comparison.relative_hypervolume is None
        assert "hwnas data pull nats-bench" in str(front.comparison.reason_if_null)
        for net in front.nets:
            energy = net.costs["energy_mj"]
            assert energy.lower is not None and energy.mean is not None and energy.upper is not None
            assert energy.lower < energy.mean <= 20 and energy.mean < energy.upper
            assert net.accuracy_percent is None


def test_the_list_of_a_proxy_is_that_of_brute_force(shipped: Path) -> None:
    result = hwnas.pareto("jetson-tx2", budget_mj=9, raw=True, nets=15_625)
    zen, everything = result.front("zen"), result.candidates
    assert everything is not None
    energy, score = everything.costs["energy_mj"], everything.scores["zen"]
    within = np.flatnonzero(energy <= 9)
    assert len(within) > 100 and {net.index for net in zen.nets} == set(within.tolist())
    best_of_all = non_dominated(np.column_stack([energy[within], -score[within]]))
    assert {net.index for net in zen.nets if net.rank == 1} == set(within[best_of_all].tolist())
    assert [net.costs["energy_mj"].mean for net in zen.nets] == sorted(energy[within].tolist())


def test_with_predicted_costs_the_true_front_is_a_reference(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hwnas.api import study
    from hwnas.api.accuracy import Accuracy

    percent = np.random.default_rng(0).uniform(10, 94, 15_625)
    monkeypatch.setattr(study, "true_accuracy", lambda *_: Accuracy(percent=percent, source="made up"))
    result = hwnas.pareto("jetson-tx2", budget_mj=20, nets=7)
    check_form(result)
    reference = result.front("truth")
    assert reference.role == "reference"
    assert reference.comparison.reason_if_null == "the other fronts are compared with this one"
    assert result.reference_point == {"energy_mj": 20.0, "accuracy_percent": pytest.approx(np.median(percent))}
    twins = CELLS.canonical_id(CELLS.network_id(CELLS.all_vectors()))
    for net in reference.nets:
        assert net.accuracy_percent == pytest.approx(percent[twins == twins[net.index]].mean())
    assert result.front("zen").comparison.k == 7 and len(result.front("zen").nets) == 7


def test_a_budget_at_a_confidence_holds_on_the_upper_end(shipped: Path) -> None:
    on_mean, sure = (
        hwnas.pareto("tx2", budget_mj=9, nets=15_625, confidence=confidence) for confidence in (None, 0.95)
    )
    uppers = [net.costs["energy_mj"].upper for net in sure.front("zen").nets]  # 0.95 one-sided ends the 90 % interval
    assert max(upper for upper in uppers if upper is not None) <= 9
    assert len(uppers) < len(on_mean.front("zen").nets)
    assert any("confidence 0.9" in note for note in on_mean.notes) and sure.confidence == 0.95
    for options in ({}, {"objectives": ["params=300000"]}):
        notes = hwnas.pareto("tx2", **options).notes  # type: ignore[arg-type]
        assert not any("confidence 0.9" in note for note in notes), "no budget holds on a prediction"
    with pytest.raises(UsageError, match=r"confidence 0.999 needs central intervals of 0.998.*calibrated"):
        hwnas.pareto("tx2", budget_mj=20, confidence=0.999)


def test_a_question_takes_numbers_of_any_kind() -> None:
    options = {"nets": np.int64(5), "seed": np.uint8(1), "proxies": "zen", "objectives": ["params"], "budget_mj": 3}
    question = hwnas.Question().with_options(**options)
    assert (question.nets, question.seed, question.proxies, question.objectives) == (5, 1, ("zen",), ("params",))
    assert type(question.nets) is int and type(question.budget_mj) is float
    assert question.with_options() == question and question.with_options(proxies=None).proxies is None
    assert hwnas.Question().with_options(proxies=np.array(["zen", "flops"])).proxies == ("zen", "flops")


def test_a_question_that_is_made_directly_checks_itself() -> None:
    """In a process of its own, without the checks of types that tests add."""
    code = "from hwnas import Question\ntry: Question(nets='5')\nexcept Exception as error: print(repr(error))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "UsageError(\"expected nets to be a whole number, got '5'\")\n"


@pytest.mark.parametrize(
    ("device", "objectives", "ids"),
    [
        ("tx2", (), ["energy_mj"]),
        ("tx2", ("params",), ["energy_mj", "params"]),
        ("raspi4", ("params=300000", "flops"), ["latency_ms", "params", "flops"]),
        ("tx2", ("params", "latency_ms"), ["params", "latency_ms"]),
        ("tx2", ("latency_ms.raspi4",), ["latency_ms.raspi4"]),
    ],
)
def test_counts_are_further_costs_beside_one_of_a_device(
    shipped: Path, device: str, objectives: tuple[str, ...], ids: list[str]
) -> None:
    result = hwnas.pareto(device, objectives=objectives, nets=3)
    assert [objective.id for objective in result.objectives] == ids


def test_more_objectives_and_devices(shipped: Path) -> None:
    result = hwnas.pareto("tx2", budget_mj=20, objectives=["latency_ms.raspi4=30", "params"], nets=9)
    check_form(result)
    ids = ["energy_mj.jetson-tx2", "latency_ms.raspi4", "params"]
    assert [objective.id for objective in result.objectives] == ids
    assert [(o.device, o.unit, o.bound) for o in result.objectives] == [
        ("jetson-tx2", "mJ", 20.0),
        ("raspi4", "ms", 30.0),
        (None, "parameters", None),
    ]
    assert [cost.id for cost in result.other_costs] == ["latency_ms.jetson-tx2"]
    for net in result.front("zen").nets:
        assert net.costs["latency_ms.raspi4"].mean is not None and net.costs["latency_ms.raspi4"].mean <= 30
        assert net.costs["params"].lower is None


def test_both_budgets_and_a_device_without_energy(shipped: Path) -> None:
    both = hwnas.pareto("tx2", budget_ms=3, budget_mj=15)
    assert [(o.id, o.bound) for o in both.objectives] == [("energy_mj", 15.0), ("latency_ms", 3.0)]
    assert [o.id for o in hwnas.pareto("raspi4").objectives] == ["latency_ms"]
    assert [o.id for o in hwnas.pareto("tx2").objectives] == ["energy_mj"]


def test_minus_infinity_is_null_and_explained(shipped: Path) -> None:
    result = hwnas.pareto("tx2", nets=15_625, raw=True, budget_mj=8)
    dead = {net.network_id for net in result.front("zen").nets if net.score is None}
    space = get_space("nasbench201")
    first = np.unique(space.network_id(space.all_vectors()))[:16]
    assert dead and set(space.canonical_id(np.array(sorted(dead))).tolist()) <= set(first.tolist())
    assert any("minus infinity: the features do not depend" in note for note in result.notes)


def test_the_same_question_has_the_same_answer_and_one_name_may_stand_alone(shipped: Path) -> None:
    question = hwnas.Question(budget_mj=20.0, proxies=("synflow",))
    assert hwnas.pareto("tx2", question).to_dict() == hwnas.pareto("TX2", budget_mj=20, proxies="synflow").to_dict()
    assert hwnas.pareto("tx2", question, nets=3).front("synflow").comparison.k == 3


def test_an_extra_cost_that_is_not_there_is_a_note(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hwnas.api import objectives

    def no_table(*_: object, **__: object) -> object:
        raise DataError("no such table")

    monkeypatch.setattr(objectives, "latency_model", no_table)
    result = hwnas.pareto("tx2", budget_mj=20)
    assert result.other_costs == () and "latency_ms is not listed: no such table" in result.notes
    with pytest.raises(DataError, match="no such table"):
        hwnas.pareto("tx2", budget_ms=20)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"device": "jetsn-tx2"}, UnknownNameError, "did you mean 'jetson-tx2'"),
        ({"proxies": ["sinflow"]}, UnknownNameError, "did you mean 'synflow'"),
        ({"proxies": []}, UsageError, "at least one proxy"),
        ({"proxies": ["snip"]}, DataError, "'snip' is not scored.*hwnas score --all"),
        ({"dataset": "cifar"}, UnknownNameError, "did you mean 'cifar10'"),
        ({"space": "nasbench"}, UnknownNameError, "nasbench201"),
        ({"space": "ofa", "device": "titan-rtx", "method": "exhaustive"}, UsageError, "all be looked at, got ofa"),
        ({"method": "nsga3"}, UnknownNameError, "method .nsga3. is not known; did you mean .nsga2."),
        ({"evaluations": 0}, UsageError, "1 network or more, got 0"),
        ({"budget": 3}, UnknownNameError, "did you mean 'budget_m"),
        ({"budget_mj": -3}, UsageError, "energy budget in mJ to be a positive number, got -3"),
        ({"budget_mj": 0}, UsageError, "positive number, got 0"),
        ({"budget_ms": float("nan")}, UsageError, "latency budget in ms to be a positive number, got nan"),
        ({"budget_mj": "many"}, UsageError, "budget_mj to be a number, got 'many'"),
        ({"nets": 0}, UsageError, "at least 1 net"),
        ({"nets": "5"}, UsageError, "nets to be a whole number, got '5'"),
        ({"raw": "no"}, UsageError, "raw to be True or False, got 'no'"),
        ({"raw": 0}, UsageError, "raw to be True or False, got 0"),
        ({"dataset": 100}, UsageError, "dataset to be a name, got 100; give it as a string"),
        ({"method": None}, UsageError, "method to be a name, got None"),
        ({"source": ["measured"]}, UsageError, "source to be a name"),
        ({"nets": 2.5}, UsageError, "nets to be a whole number, got 2.5"),
        ({"nets": None}, UsageError, "nets to be a whole number, got None"),
        ({"seed": -1}, UsageError, "seed of at least 0"),
        ({"seed": "1"}, UsageError, "seed to be a whole number, got '1'"),
        ({"proxies": ["zen", 3]}, UsageError, r"proxies to be names, got \['zen', 3\]"),
        ({"objectives": 3}, UsageError, "objectives to be names, got 3"),
        ({"confidence": "sure"}, UsageError, "confidence to be a number, got 'sure'"),
        ({"confidence": 0.3}, UsageError, "confidence from 0.5 to below 1"),
        ({"objectives": ["power"]}, UnknownNameError, "objective 'power'"),
        ({"objectives": ["latency_ms=soon"]}, UsageError, "number after '='.*'soon'"),
        ({"objectives": ["latency_ms=-1"]}, UsageError, "positive number, got -1"),
        ({"objectives": ["params.raspi4"]}, UsageError, "has no device"),
        ({"objectives": ["latency_ms=3"], "budget_ms": 4}, UsageError, "one bound for latency_ms"),
        ({"objectives": ["params", "params"]}, UsageError, "each objective once, got 'params' twice"),
        ({"device": "raspi4", "budget_mj": 4}, UsageError, "raspi4 has no energy"),
    ],
)
def test_what_cannot_be_is_refused(
    shipped: Path, options: dict[str, object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        hwnas.pareto(**{"device": "tx2", **options})  # type: ignore[arg-type]


def test_a_budget_that_no_net_meets_names_the_cheapest(shipped: Path) -> None:
    with pytest.raises(InfeasibleError, match=r"meets energy_mj <= 1 mJ; the cheapest is \|.*index (\d+)\)") as error:
        hwnas.pareto("tx2", budget_mj=1)
    needed = float(str(error.value).split("needs ")[1].split(" mJ")[0])
    everything = hwnas.pareto("tx2").candidates
    assert everything is not None
    assert needed == pytest.approx(everything.costs["energy_mj"].min(), rel=2e-3)
    assert hwnas.pareto("tx2", budget_mj=needed).front("zen").nets, "the budget that is named suffices"
    with pytest.raises(
        InfeasibleError, match=r"energy_mj <= 1 mJ and latency_ms <= 1 ms at confidence 0\.9; the closest"
    ):
        hwnas.pareto("tx2", budget_mj=1, budget_ms=1, confidence=0.9)


def test_the_budget_that_is_named_has_four_digits() -> None:
    assert [_rounded_up(cost) for cost in (0.0, 1.00001, 1234.1)] == pytest.approx([0, 1.001, 1235], abs=1e-9)
