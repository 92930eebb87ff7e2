"""The meta-learned graph network: inner loop against finite differences, units, determinism, learning, bad input."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hwnas.errors import DataError, UsageError
from hwnas.latency import meta
from hwnas.latency.known_devices import KnownLatencies
from hwnas.latency.meta import adapt_meta, adapt_meta_latency, meta_model, train_meta
from hwnas.latency.meta_files import load_adapted_meta, save_adapted_meta
from hwnas.latency.observations import check_observations
from hwnas.predictors import meta_learning
from hwnas.predictors import meta_model as models
from hwnas.predictors.fewshot_intervals import Calibration
from hwnas.predictors.fewshot_model import KnownColumn
from hwnas.predictors.meta_gcn import MetaGCN, few_shot
from hwnas.predictors.meta_learning import learn_meta
from hwnas.predictors.meta_model import MetaModel, encode, load_meta, new_network, save_meta
from hwnas.predictors.meta_tasks import KnownTasks, TaskMix, draw_task, known_tasks
from hwnas.predictors.meta_training import MetaPlan, meta_train
from hwnas.predictors.regressor import save_tensors
from hwnas.spaces import NASBench201
from hwnas.testing import CostModelContract

SPACE = NASBench201()
TINY = MetaPlan(episodes=8, tasks=2, queries=8, plain=0.5)
# Milliseconds of none, skip, 1x1, 3x3 and pooling on devices of one family: what they charge for differs.
FAMILY = {
    "server": (0.0, 0.1, 0.8, 2.0, 0.4),
    "phone": (0.0, 0.5, 2.0, 6.0, 5.0),
    "board": (0.0, 0.2, 3.0, 4.0, 1.0),
    "desktop": (0.0, 0.1, 0.5, 0.9, 0.5),
}


def latencies(device: str, vectors: np.ndarray) -> np.ndarray:
    return 1.0 + np.array(FAMILY[device])[vectors].sum(axis=1)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return SPACE.sample(300, seed=1)


@pytest.fixture(scope="module")
def columns(vectors: np.ndarray) -> list[KnownColumn]:
    return [KnownColumn(name=name, physical=name, costs=latencies(name, vectors)) for name in FAMILY]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Calibration on two numbers of measurements and few queries: seconds instead of half a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meta_learning, "SIZES", (5, 12))
        patch.setattr(meta_learning, "_QUERIES", 60)
        yield


@pytest.fixture(scope="module")
def learned(quick: None, vectors: np.ndarray, columns: list[KnownColumn]) -> MetaModel:
    return learn_meta(SPACE, vectors, columns, plan=TINY, facts={"learned_from": "a family"})


@pytest.mark.parametrize("factor", [1e-3, 1000.0])
def test_units_do_not_matter(learned: MetaModel, vectors: np.ndarray, factor: float) -> None:
    few, wanted, costs = vectors[:10], vectors[10:60], latencies("phone", vectors[:10])
    mean, deviation = learned.predict(learned.adapt(few, costs), wanted)
    scaled_mean, scaled_deviation = learned.predict(learned.adapt(few, factor * costs), wanted)
    np.testing.assert_allclose(scaled_mean, factor * mean, rtol=1e-3)
    np.testing.assert_allclose(scaled_deviation, deviation, rtol=1e-2)


def test_steps_that_diverge_are_not_taken(learned: MetaModel, vectors: np.ndarray) -> None:
    network = copy.deepcopy(learned.network)
    network.log_rates.data[:] = 60.0
    wild = replace(learned, network=network)
    few, costs = vectors[:10], latencies("phone", vectors[:10])
    assert not torch.isfinite(network.adapt(encode(SPACE, few), models.logarithms(costs)).dual).all()
    mean, deviation = wild.predict(wild.adapt(few, costs), vectors)
    assert np.isfinite(mean).all() and np.isfinite(deviation).all()


def test_an_episode_without_a_finite_gradient_changes_nothing(
    vectors: np.ndarray, columns: list[KnownColumn], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = new_network(SPACE, seed=0)
    before = copy.deepcopy(network.state_dict())
    norm = torch.tensor(float("nan"))
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda parameters, most: norm)
    meta_train(network, known_tasks(encode(SPACE, vectors).numpy(), columns), plan=TINY, seed=0)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_the_order_of_the_measurements_does_not_matter(learned: MetaModel, vectors: np.ndarray) -> None:
    few, wanted, costs = vectors[:10], vectors[10:60], latencies("phone", vectors[:10])
    backwards = learned.predict(learned.adapt(few[::-1].copy(), costs[::-1].copy()), wanted)[0]
    np.testing.assert_allclose(backwards, learned.predict(learned.adapt(few, costs), wanted)[0], rtol=1e-4)


def test_same_seed_same_weights_and_another_seed_others(vectors: np.ndarray, columns: list[KnownColumn]) -> None:
    def trained(seed: int) -> dict[str, torch.Tensor]:
        member = new_network(SPACE, seed=seed)
        meta_train(member, known_tasks(encode(SPACE, vectors).numpy(), columns), plan=TINY, seed=seed)
        return member.state_dict()

    first, again, other = trained(0), trained(0), trained(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["network.cost.weight"], other["network.cost.weight"])


def test_an_interrupted_training_ends_with_the_same_weights(
    vectors: np.ndarray, columns: list[KnownColumn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwnas.predictors.meta_training._KEPT_EVERY", 2)
    known = known_tasks(encode(SPACE, vectors).numpy(), columns)

    def run(checkpoint: Path | None, stop: int = 99) -> MetaGCN:
        def progress(done: int, _total: int) -> None:
            if done == stop:
                raise KeyboardInterrupt

        member = new_network(SPACE, seed=0)
        meta_train(member, known, plan=TINY, seed=0, checkpoint=checkpoint, progress=progress)
        return member

    whole = run(None).state_dict()
    for stop in (3, 7):  # before and after the first gradient steps inside
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "part", stop=stop)
    resumed = run(tmp_path / "part").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    other = new_network(SPACE, seed=0)
    meta_train(other, known, plan=MetaPlan(episodes=2, tasks=2, queries=5), seed=0, checkpoint=tmp_path / "part")
    assert not torch.equal(other.state_dict()["network.cost.weight"], whole["network.cost.weight"])


def test_meta_learning_and_adaptation_lower_the_loss_on_a_device_that_was_not_seen(
    vectors: np.ndarray, columns: list[KnownColumn]
) -> None:
    unseen, taught = columns[0], columns[1:]
    nodes = encode(SPACE, vectors)
    logs = torch.from_numpy(np.log(unseen.costs).astype(np.float32))

    def error(member: MetaGCN, steps: int) -> float:
        draws = torch.from_numpy(np.stack([np.random.default_rng(i).permutation(300)[:110] for i in range(4)]))
        with torch.no_grad():
            predicted, _ = few_shot(
                member, nodes[draws[:, :10]], logs[draws[:, :10]], nodes[draws[:, 10:]], steps=steps
            )
        return float((predicted - logs[draws[:, 10:]]).abs().mean())

    member = new_network(SPACE, seed=0)
    untrained = error(member, 0)
    plan = MetaPlan(episodes=60, tasks=4, queries=20, plain=0.9)
    meta_train(member, known_tasks(nodes.numpy(), taught), plan=plan, seed=0)
    assert error(member, 0) < 0.6 * untrained
    assert error(member, 4) < error(member, 0)


def test_tasks_are_known_devices_or_mixtures_of_them(vectors: np.ndarray, columns: list[KnownColumn]) -> None:
    known = known_tasks(encode(SPACE, vectors).numpy(), columns)
    rng = np.random.default_rng(0)
    rows, logs = draw_task(known, TaskMix(mixed=0.0, synthetic=0.0), networks=40, rng=rng)
    assert any(np.allclose(logs, own[rows]) for own in known.log_costs) and len(set(rows.tolist())) == 40
    rows, logs = draw_task(known, TaskMix(mixed=1.0, synthetic=0.0), networks=40, rng=rng)
    low, high = known.log_costs[:, rows].min(axis=0), known.log_costs[:, rows].max(axis=0)
    assert (logs > low - 0.5).all() and (logs < high + 0.5).all()  # between the devices, but for the noise


def test_devices_that_measured_different_networks_are_not_mixed(vectors: np.ndarray) -> None:
    logs = np.log(np.stack([latencies("board", vectors), latencies("phone", vectors)]))
    logs[0, :150], logs[1, 150:] = np.nan, np.nan
    known = KnownTasks(nodes=encode(SPACE, vectors).numpy(), log_costs=logs)
    for seed in range(20):
        rows, costs = draw_task(known, TaskMix(), networks=40, rng=np.random.default_rng(seed))
        assert np.isfinite(costs).all() and (np.ptp(rows // 150) == 0)


def test_the_file_gives_the_same_predictions(learned: MetaModel, vectors: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_meta(path, learned)
    again = load_meta(path, SPACE)
    costs = latencies("phone", vectors[:10])
    few = [model.predict(model.adapt(vectors[:10], costs), vectors) for model in (learned, again)]
    for ours, theirs in zip(*few, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.facts == learned.facts and path.stat().st_size < 500_000


def test_files_of_something_else_are_refused(learned: MetaModel, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"not a model")
    with pytest.raises(DataError, match="expected trained weights"):
        load_meta(path, SPACE)
    other = MetaModel(space=SPACE, network=learned.network, calibration=learned.calibration, facts=learned.facts)
    save_tensors(path, {"header": torch.zeros(3, dtype=torch.uint8)})
    with pytest.raises(DataError, match="expected meta-learned weights"):
        load_meta(path, SPACE)
    object.__setattr__(other, "space", type("Other", (NASBench201,), {"name": "other"})())
    save_meta(path, other)
    with pytest.raises(DataError, match="of other"):
        load_meta(path, SPACE)


@pytest.fixture(scope="module")
def adapted(learned: MetaModel, vectors: np.ndarray) -> meta.AdaptedMeta:
    few = vectors[:12]
    return adapt_meta(SPACE, check_observations(SPACE, few, latencies("phone", few)), device="mine", model=learned)


class TestAdaptedMeta(CostModelContract):
    space = SPACE

    @pytest.fixture(autouse=True)
    def _adapted(self, adapted: meta.AdaptedMeta) -> None:
        self.model = adapted


def test_intervals_hold_on_devices_that_calibrated_them(learned: MetaModel, vectors: np.ndarray) -> None:
    """Left-out devices set the quantiles, so that their own coverage is near what was asked for."""
    shares = []
    for device in FAMILY:
        model = adapt_meta(
            SPACE, check_observations(SPACE, vectors[:10], latencies(device, vectors[:10])), model=learned
        )
        estimate, true = model.predict(vectors[10:]), latencies(device, vectors[10:])
        assert estimate.lower is not None and estimate.upper is not None
        shares.append(np.mean((estimate.lower <= true) & (true <= estimate.upper)))
    assert 0.75 < np.mean(shares) <= 1.0


def test_a_wrong_measurement_is_suspected(vectors: np.ndarray, learned: MetaModel) -> None:
    few, costs = vectors[:20], latencies("phone", vectors[:20])
    costs[7] *= 40.0
    model = adapt_meta(SPACE, check_observations(SPACE, few, costs), model=learned)
    suspects = model.suspect()
    assert suspects and suspects[0].row == 7 and suspects[0].expected < suspects[0].cost
    costs[7] *= 1000.0
    far = adapt_meta(SPACE, check_observations(SPACE, few, costs), model=learned)
    with np.errstate(over="raise", invalid="raise"):  # the further off, the surer
        assert far.suspect()[0].row == 7 and far.suspect()[0].probability >= suspects[0].probability


def test_leave_one_out_does_not_see_the_measurement(adapted: meta.AdaptedMeta) -> None:
    mean, _ = adapted.left_out()
    vectors, costs = adapted.observations.vectors, adapted.observations.costs
    others = np.arange(len(costs)) != 3
    alone = adapted.model.predict(adapted.model.adapt(vectors[others], costs[others]), vectors[[3]])[0]
    assert mean[3] == pytest.approx(alone[0], rel=1e-6)
    assert adapted.leave_one_out().measured == 12


def test_bad_measurements_are_refused(learned: MetaModel, vectors: np.ndarray) -> None:
    costs = latencies("phone", vectors[:10])
    with pytest.raises(UsageError, match="at least 3"):
        adapt_meta_latency(SPACE, vectors[:2], costs[:2], device="mine", model=learned)
    with pytest.raises(UsageError, match="positive"):
        adapt_meta_latency(SPACE, vectors[:10], -costs, device="mine", model=learned)
    with pytest.raises(UsageError, match="shape"):
        adapt_meta_latency(SPACE, vectors[:10, :5], costs, device="mine", model=learned)


def test_an_adapted_device_comes_back_from_its_files(adapted: meta.AdaptedMeta, tmp_path: Path) -> None:
    save_adapted_meta(tmp_path, "latency", adapted)
    again = load_adapted_meta(tmp_path, "latency")
    wanted = SPACE.sample(40, seed=9)
    np.testing.assert_array_equal(again.predict(wanted).mean, adapted.predict(wanted).mean)
    assert (again.device, again.observations.rows.tolist()) == ("mine", list(range(12)))
    text = (tmp_path / "latency.json").read_text()
    for wrong, complaint in (
        (text.replace('"model": "meta"', '"model": "latent"'), "got 'latent'"),
        (text.replace('"weights_sha256": "', '"weights_sha256": "0'), "got others"),
        (text[:-20], "adapt the device again"),
    ):
        (tmp_path / "latency.json").write_text(wrong)
        with pytest.raises(DataError, match=complaint):
            load_adapted_meta(tmp_path, "latency")


def test_too_few_devices_or_networks_are_refused(vectors: np.ndarray, columns: list[KnownColumn]) -> None:
    with pytest.raises(UsageError, match="at least 3 known devices"):
        learn_meta(SPACE, vectors, columns[:2], plan=TINY)
    with pytest.raises(UsageError, match="measured networks of server"):
        known_tasks(
            encode(SPACE, vectors[:30]).numpy(),
            [KnownColumn(name="server", physical="server", costs=columns[0].costs[:30])],
        )
    with pytest.raises(UsageError, match="got none"):
        known_tasks(encode(SPACE, vectors).numpy(), [])


def test_training_writes_what_is_then_found(
    vectors: np.ndarray, columns: list[KnownColumn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path))
    monkeypatch.setattr(meta, "SHIPPED_FOLDER", tmp_path / "none")
    with pytest.raises(DataError, match="hwnas train --meta"):
        meta_model(SPACE)
    known = KnownLatencies(vectors=vectors, columns=tuple(columns), summary="a family")
    monkeypatch.setattr(meta, "known_latencies", lambda space, seed: known)
    path = train_meta(SPACE, plan=TINY)
    assert path == tmp_path / "predictors" / "nasbench201_meta.safetensors"
    assert meta_model(SPACE).facts["devices"] == sorted(FAMILY)
    assert isinstance(meta_model(SPACE).calibration, Calibration)
    assert not list((tmp_path / "predictors" / "training").glob("*"))
