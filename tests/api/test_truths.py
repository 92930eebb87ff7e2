"""Learning from a few trained networks: what is chosen, what is listed, and the file that grows."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hwnas
from hwnas.api.accuracy import Accuracy, search_accuracy, true_accuracy
from hwnas.api.accuracy_features import networks_of
from hwnas.api.plan_training import plan_training
from hwnas.api.question import Question
from hwnas.api.study import make_study
from hwnas.api.trained_networks import append_untrained, listed, read_trained
from hwnas.api.truths import Trained, Trainer, simulate
from hwnas.devices import get_device
from hwnas.errors import DataError, UsageError
from hwnas.metrics import spearman
from hwnas.spaces import get_space
from hwnas.spaces.four_node_cells import cell_composition

SPACE = get_space("nasbench201")
VECTORS = SPACE.all_vectors()
NETWORKS = SPACE.canonical_id(SPACE.network_id(VECTORS))
ASKED = Question(budget_mj=30.0, proxies=("zen",))
PEAKS = "hwnas.api.activation_peaks.activation_peaks"


def made_up_accuracy() -> np.ndarray:
    """Grows with the convolutions that matter; 0.2 points of noise for each architecture."""
    live = SPACE.canonical(VECTORS)
    worth = np.array([0.0, 0.3, 0.7, 1.0, 0.2])[live].sum(axis=1)
    return 90 - 40 * np.exp(-worth) + np.random.default_rng(0).normal(0, 0.2, len(VECTORS))


@pytest.fixture
def known(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Made-up accuracies in the place of the published ones."""
    percent = made_up_accuracy()
    found = Accuracy(percent=percent, source="made up")
    monkeypatch.setattr("hwnas.api.study.true_accuracy", lambda _space, _dataset: found)
    monkeypatch.setattr("hwnas.api.truths.search_accuracy", lambda _space, _dataset: found)
    return percent


def test_composition_of_a_cell() -> None:
    """By hand: four paths, on one of which two 3x3 convolutions follow each other; a cell of dead operations."""
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
    cell = SPACE.parse([text])
    assert cell_composition(cell, 5, 3).tolist() == [[2, 0, 3, 1, 4, 2]]
    dead = SPACE.parse(["|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|"])
    assert cell_composition(dead, 5, 3).tolist() == [[0] * 6]
    fbnet = get_space("fbnet")
    vectors = fbnet.sample(20, seed=0)
    assert np.array_equal(fbnet.composition(vectors).sum(axis=1), np.full(20, 22))


def test_features_are_of_networks(shipped: Path) -> None:
    found = networks_of(SPACE, "cifar10", VECTORS)
    assert len(found.features) == len(np.unique(NETWORKS)) == 7055
    assert found.used == ("synflow", "zen", "params", "macs")
    for network in (0, 17, 4000):
        assert len(np.unique(NETWORKS[found.of == network])) == 1
    assert found.features.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert found.features.std(axis=0) == pytest.approx(1)
    with pytest.raises(UsageError, match="whose networks can be listed, got fbnet"):
        networks_of(get_space("fbnet"), "ImageNet", get_space("fbnet").sample(3, seed=0))


def test_networks_are_trained_once_and_within_the_budget(known: np.ndarray) -> None:
    study = make_study(ASKED, SPACE, get_device("jetson-tx2"))
    trainer, trained = simulate(study, 12, seed=3)
    assert len(trained.rows) == len(np.unique(NETWORKS[trained.rows])) == 12
    assert study.feasible[trained.rows].all() and (trained.percent == known[trained.rows]).all()
    for row in trained.rows:  # each as the cheapest feasible architecture of its network
        twins = np.flatnonzero((NETWORKS[row] == NETWORKS) & study.feasible)
        assert study.costs[row, 0] == study.costs[twins, 0].min()
    again = simulate(study, 12, seed=3)[1]
    assert np.array_equal(again.rows, trained.rows)
    assert not np.array_equal(simulate(study, 12, seed=4)[1].rows, trained.rows)
    column = trainer.column(trained)
    assert column.scores[trained.rows] == pytest.approx(trained.percent)
    assert spearman(column.scores, known) > 0.8  # twelve trainings of 7,055 networks: 0.9 where it was written
    for network in np.unique(NETWORKS)[:50]:
        assert np.ptp(column.scores[network == NETWORKS]) == 0


def test_chosen_networks_serve_the_front_better_than_drawn_ones(known: np.ndarray) -> None:
    from hwnas.pareto import compare_scores

    study = make_study(ASKED, SPACE, get_device("jetson-tx2"))
    chosen, drawn = [], []
    for seed in range(2):
        trainer, trained = simulate(study, 16, seed=seed)
        rows = trainer.first(16, seed=seed)
        other = Trained(rows=rows, percent=known[rows], source="")
        for figures, which in ((chosen, trained), (drawn, other)):
            listed = np.full(len(known), np.nan)
            listed[which.rows] = which.percent
            figures.append(compare_scores(listed, study.truth).relative_hypervolume)
    assert np.mean(chosen) > np.mean(drawn) + 0.05


def test_the_front_of_what_was_learned(known: np.ndarray) -> None:
    result = hwnas.pareto("jetson-tx2", ASKED, truths=15)
    assert [front.name for front in result.fronts][:2] == ["learned", "zen"]
    front = result.front("learned")
    assert "15 trained networks (made up)" in front.source and front.comparison.relative_hypervolume is not None
    assert any(note.startswith("learned: score in percent; 15 distinct networks as trained") for note in result.notes)
    assert front.comparison.relative_hypervolume > result.front("zen").comparison.relative_hypervolume
    assert json.loads(result.to_json())["fronts"][0]["name"] == "learned"


def test_without_accuracies_nothing_can_be_simulated(shipped: Path) -> None:
    with pytest.raises(DataError, match="training is simulated by known accuracies, which are not known here"):
        hwnas.pareto("jetson-tx2", ASKED, truths=15)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"truths": 2}, "at least 3 networks to train, got 2"),
        ({"truths": 2.5}, "expected truths to be a whole number, got 2.5"),
        ({"truths": 5, "accuracies": "a.csv"}, "truths of a table or accuracies of your own, got both"),
    ],
)
def test_questions_that_cannot_be(options: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Question().with_options(**options)


def test_a_file_grows_round_by_round(known: np.ndarray, tmp_path: Path) -> None:
    """Plan, train, plan again, front: without any accuracy that was not written into the file."""
    path = tmp_path / "mine.csv"
    first = plan_training(path, "jetson-tx2", ASKED, nets=6)
    assert first.trained == first.waiting == 0 and len(first.nets) == 6
    assert all(net.predicted_percent is None and net.costs["energy_mj"] <= 30 for net in first.nets)
    fill(path, known)
    second = plan_training(path, "jetson-tx2", ASKED, nets=4)
    assert second.trained == 6 and all(net.predicted_percent is not None for net in second.nets)
    third = plan_training(path, "jetson-tx2", ASKED, nets=2)
    assert third.trained == 6 and third.waiting == 4
    rows = list(csv.reader(path.read_text().splitlines()))[1:]
    indices = [int(SPACE.index(SPACE.parse([row[0]]))[0]) for row in rows]
    assert len(set(NETWORKS[indices])) == 12
    fill(path, known)
    result = hwnas.pareto("jetson-tx2", ASKED, accuracies=path)
    assert "own trainings, mine.csv" in result.front("learned").source
    assert json.loads(json.dumps(third.to_dict()))["nets"][0]["arch"] == rows[-2][0]


def test_a_plan_tells_of_costs_that_take_each_networks_graph(
    known: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []

    class Listener:
        def __call__(self, _name: str, _at: object) -> None:
            return

        def costs(self, *news: object) -> None:
            told.append(news)  # type: ignore[arg-type]

    monkeypatch.setattr(PEAKS, lambda _s, vectors, _d: np.full(len(vectors), 1024))
    asked = ASKED.with_options(objectives=("peak_memory_bytes",))
    plan_training(tmp_path / "mine.csv", "jetson-tx2", asked, nets=2, progress=Listener())
    assert told == [("peak_memory_bytes", 4000, 15_625), ("peak_memory_bytes", 15_625, 15_625)]


def fill(path: Path, known: np.ndarray) -> None:
    """Write the accuracy of every network into the file."""
    rows = list(csv.reader(path.read_text().splitlines()))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for arch, _ in rows[1:]:
            writer.writerow([arch, known[SPACE.index(SPACE.parse([arch]))[0]]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("architecture,accuracy\n7,\n", "got none yet; fill in the column accuracy"),
        ("architecture,accuracy\n7,ninety\n", "row 2: expected an accuracy in percent from 0 to 100, got 'ninety'"),
        ("architecture,accuracy\n7,101\n", "row 2: expected an accuracy in percent"),
        ("architecture,accuracy\n7,0.9\n8,0.8\n", "in percent, got none above 1"),
        ("architecture,accuracy\n7,90\n8,0.93\n", "row 3: expected an accuracy in percent, got 0.93 among larger ones"),
        (
            "architecture,accuracy\n7,86.45\n8,80\n7,70.1\n",
            "got 86.45 for 7 in row 2 and 70.1 for 7 in row 4; correct or remove",
        ),
        ("architecture,accuracy\n0,70\n1,80\n", "one network, got 70 for 0 in row 2 and 80 for 1 in row 3"),
        ("architecture,accuracy\n7,80\n7,81\n7,82\n", "expected at least 3 distinct networks, got 1; train others too"),
        ("architecture,accuracy\n7,80\n1462,80\n15624,80\n", "got 80 for all 3 networks, which teaches nothing"),
        ("arch,acc\n7,90\n", "expected the columns architecture, accuracy"),
        ("architecture,accuracy,accuracy\n7,90,91\n", "expected one column accuracy, got 2"),
        ("architecture,accuracy\n7,9_0\n", "row 2: expected an accuracy in percent from 0 to 100, got '9_0'"),
        ("architecture,accuracy\n7,93,5\n", "row 2: expected 2 values as in the header, got 1 more"),
    ],
)
def test_files_that_do_not_fit_are_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_trained(path, SPACE, "cifar10")
    with pytest.raises(UsageError, match="got no such file"):
        read_trained(tmp_path / "none.csv", SPACE, "cifar10")
    with pytest.raises(DataError, match="expected a CSV file"):
        read_trained(tmp_path, SPACE, "cifar10")


def test_trainings_of_one_network_count_by_their_mean(known: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("architecture,accuracy\n1462,90\n1462,92\n8,80\n15624,88\n")
    result = hwnas.pareto("jetson-tx2", Question(proxies=("zen",)), accuracies=path)
    assert result.candidates is not None and result.candidates.scores["learned"][1462] == pytest.approx(91)
    (said,) = [note for note in result.notes if note.startswith("learned: ")]
    assert "3 distinct networks as trained, the mean where one was trained more than once (1), others" in said


@pytest.mark.parametrize("text", ["architecture,accuracy\n7,83.67%\n8,\n", "architecture,accuracy\n7,0.83\n"])
def test_a_plan_refuses_what_a_front_would_and_adds_nothing(shipped: Path, tmp_path: Path, text: str) -> None:
    """Also below the three networks that a model needs."""
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"accurac(y|ies) in percent"):
        plan_training(path, "jetson-tx2", ASKED)
    assert path.read_text() == text


def test_a_space_that_is_too_large_to_plan_in_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwnas.api.plan_training.make_study", lambda *_, **__: pytest.fail("it looked at networks"))
    says = r"in, got fbnet with 9.8e\+20 .* `hwnas pareto --space fbnet --proxy PROXY`, and train what the front lists"
    with pytest.raises(UsageError, match=says):
        plan_training(tmp_path / "mine.csv", "titan-rtx", Question(space="fbnet"))
    assert not (tmp_path / "mine.csv").exists()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_networks_are_added_and_what_is_there_stays(tmp_path: Path, end: str) -> None:
    """Further columns, their order, comments in quotes; the last line may have no end."""
    path = tmp_path / "mine.csv"
    lines = ["\ufeffepochs, Architecture,comment,accuracy", '200,1462,"mine, the first",90', "12,7,,88.5"]
    path.write_bytes(end.join(lines).encode())
    (added,) = SPACE.strings(VECTORS[[9]])
    append_untrained(path, [added])
    assert path.read_bytes() == end.join([*lines, f",{added},,", ""]).encode()
    assert listed(path, SPACE) == [1462, 7, int(SPACE.index(VECTORS[[9]])[0])]
    made = tmp_path / "new.csv"
    append_untrained(made, ["1", "2"])
    append_untrained(made, ["3"])
    assert made.read_text() == "architecture,accuracy\n1,\n2,\n3,\n"


def test_what_is_added_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("architecture,accuracy\n7,90.5\n")
    append_untrained(path, SPACE.strings(VECTORS[[9]]))
    assert path.read_text().splitlines()[1] == "7,90.5"
    found = read_trained(path, SPACE, "cifar10")
    assert found.rows.tolist() == [7] and found.percent.tolist() == [90.5]


@pytest.mark.data
def test_validation_accuracies_where_the_data_have_them(
    pulled: Path, monkeypatch: pytest.MonkeyPatch, mirror: Path
) -> None:
    from hwnas import data

    monkeypatch.setenv("HWNAS_DATA", str(pulled))
    assert search_accuracy(SPACE, "cifar100").source == true_accuracy(SPACE, "cifar100").source
    data.pull(["nasbench201-validation"], mirror=mirror)
    assert "validation accuracy on cifar10" in search_accuracy(SPACE, "cifar10").source
    assert "test accuracy on cifar100" in search_accuracy(SPACE, "cifar100").source


@pytest.mark.data
@pytest.mark.slow
def test_thirty_truths_on_the_tx2(measured: Path) -> None:
    """The shipped scores are made up here: what is learned beats `params` all the same."""
    result = hwnas.pareto("jetson-tx2", budget_mj=20, dataset="cifar100", truths=30, proxies=["params"])
    learned, params = (result.front(name).comparison.relative_hypervolume for name in ("learned", "params"))
    assert learned is not None and params is not None and learned > 0.95


def test_a_cost_that_all_networks_share(known: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak memory of NAS-Bench-201: networks are chosen and compared by the other axes, and the answer says so."""
    monkeypatch.setattr(PEAKS, lambda _s, vectors, _d: np.full(len(vectors), 327_680))
    shared = hwnas.pareto("jetson-tx2", ASKED, truths=4, objectives=("peak_memory_bytes",))
    alone = hwnas.pareto("jetson-tx2", ASKED, truths=4)
    for name in ("learned", "zen"):
        found, expected = (result.front(name).comparison.relative_hypervolume for result in (shared, alone))
        assert found is not None and found == pytest.approx(expected)
    assert any(note.startswith("peak_memory_bytes is the same in all of the true front") for note in shared.notes)


def test_too_few_networks_to_train_are_counted(known: np.ndarray) -> None:
    known[NETWORKS[4] != NETWORKS] = np.nan
    study = make_study(ASKED, SPACE, get_device("jetson-tx2"))
    with pytest.raises(UsageError, match=r"budgets and the known accuracies leave 1 distinct network of .*; raise the"):
        simulate(study, 10, seed=0)


def test_a_trained_network_without_a_known_cost_teaches_accuracy_alone(known: np.ndarray) -> None:
    study = make_study(ASKED, SPACE, get_device("jetson-tx2"))
    rows = Trainer(study).first(6, seed=0)
    axis = study.axes[0]
    cost = axis.selection.copy()
    cost[rows[0]] = np.nan
    trained = Trained(rows=rows, percent=known[rows], source="made up")
    chosen = Trainer(replace(study, axes=[replace(axis, selection=cost), *study.axes[1:]])).next(trained, 2)
    assert len(chosen) == 2 and not np.isin(NETWORKS[chosen], NETWORKS[rows]).any()
