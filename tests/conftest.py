"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # before torch is imported: cores are shared
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))
    for name in ("COLUMNS", "LINES"):  # of a terminal that is none
        os.environ.pop(name, None)

from hwnas import data
from hwnas.folders import config_folder
from hwnas.predictors.conformal import CostIntervals
from hwnas.predictors.fewshot_features import FeatureScale, feature_groups
from hwnas.predictors.fewshot_files import save_model
from hwnas.predictors.fewshot_intervals import Calibration
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.predictors.fewshot_prior import Spreads
from hwnas.predictors.latent_prior import LatentPrior
from hwnas.predictors.shipped import HeadRecord, write_shipped_costs
from hwnas.proxies.table import empty_table
from hwnas.spaces import Space, get_space


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the public data files: HWNAS_MIRROR, else `../shared/data` beside the checkout; skips without it."""
    folder = Path(os.environ.get("HWNAS_MIRROR") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "MANIFEST.csv").is_file():
        pytest.skip(f"the public data files are not in {folder}; set HWNAS_MIRROR to the folder with MANIFEST.csv")
    return folder


@pytest.fixture(scope="session")
def pulled(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with HW-NAS-Bench and NATS-Bench, pulled once from the mirror."""
    folder = tmp_path_factory.mktemp("pulled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWNAS_DATA", str(folder))
        data.pull(["hw-nas-bench", "nats-bench"], mirror=mirror)
    return folder


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the form of what is shipped, with made-up numbers for NAS-Bench-201.

    Costs of jetson-tx2 (energy, latency) and raspi4 (latency) on CIFAR-10 grow with the parameters; zen and synflow are
    the logarithm of the parameters with noise, zen being -inf for the 16 networks with the lowest ids.
    """
    folder = tmp_path_factory.mktemp("shipped")
    space, rng = get_space("nasbench201"), np.random.default_rng(0)
    vectors = space.all_vectors()
    params = space.counts(vectors, dataset="cifar10")["params"].astype(np.float64)
    heads = [("jetson-tx2", "energy", 5.0), ("jetson-tx2", "latency", 1.0), ("raspi4", "latency", 8.0)]
    write_shipped_costs(
        folder,
        space=space.name,
        heads=[
            HeadRecord(
                device=device,
                dataset="cifar10",
                target=target,  # type: ignore[arg-type]
                trained_on=12500,
                model="GCN",
                figures={"spearman": 0.99, "median_ape": 1.84},
            )
            for device, target, _ in heads
        ],
        mean=np.stack([scale * (1 + 8e-6 * params * rng.uniform(0.5, 1.5, len(params))) for _, _, scale in heads]),
        fold=np.arange(len(params)) % 2,
        levels=np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]),
        intervals=[
            CostIntervals(
                starts=np.zeros((2, 1)), quantiles=np.tile([0.92, 0.95, 0.98, 1.0, 1.02, 1.05, 1.08], (2, 1, 1))
            )
        ]
        * len(heads),
        card={},
    )
    recipe = {"space": space.name, "dataset": "cifar10", "images": "made-up images", "seed": 0}
    table = empty_table(recipe, ["zen", "synflow"], space.network_id(vectors))
    size = np.log(params[table.network_ids])
    table.scores[:] = size[:, None] + rng.normal(size=table.scores.shape)
    table.scores[:16, 0] = -np.inf
    table.scores[:] = table.scores[np.searchsorted(table.network_ids, space.canonical_id(table.network_ids))]
    table.save(folder / "nasbench201_cifar10_scores.npz")
    return folder


@pytest.fixture
def shipped(made_up: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up files in the place of the shipped ones; an empty cache, no cards of the user, no extra `truth`."""
    for module in ("hwnas.latency.tables", "hwnas.proxies.table", "hwnas.api.devices", "hwnas.api.doctor"):
        monkeypatch.setattr(f"{module}.SHIPPED_FOLDER", made_up)
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "truth_from_package", lambda: None)
    return made_up


@pytest.fixture
def measured(shipped: Path, pulled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `shipped`, with the measured tables and true accuracies in the cache."""
    monkeypatch.setenv("HWNAS_DATA", str(pulled))
    return pulled


@pytest.fixture(scope="session")
def few_shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with few-shot models of nasbench201 and fbnet, learned from eight made-up devices each in a second.

    A device's latency is a constant and a cost for each operation, with 2 % of noise.
    """
    folder = tmp_path_factory.mktemp("few-shot")
    for name in ("nasbench201", "fbnet"):
        space, rng = get_space(name), np.random.default_rng(0)
        vectors = space.sample(400, seed=1)
        columns = []
        for number in range(8):
            costs = made_up_latency(space, vectors, seed=number) * rng.lognormal(0, 0.02, len(vectors))
            columns.append(KnownColumn(name=f"d{number}/x", physical=f"d{number}", costs=costs))
        groups = ("constant", *feature_groups(space, vectors[:1], "as written"))
        like = FewShotModel(
            space=name,
            scale=FeatureScale(names=(), group=np.zeros(0, dtype=np.int64), centre=np.zeros(0), spread=np.zeros(0)),
            spreads=Spreads(directions=0.7, groups=dict.fromkeys(groups, 0.02) | {"constant": 0.2, "counts": 0.1}),
            prior=LatentPrior(
                mean=np.zeros((1, 0)), execution=np.ones(1), directions=np.zeros((0, 0)), scales=np.zeros(0)
            ),
            calibration=Calibration(
                sizes=np.array([5.0, 10.0, 20.0]),
                levels=np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]),
                quantiles=np.tile(np.array([-2.33, -1.64, -0.67, 0.0, 0.67, 1.64, 2.33]), (3, 1)),
            ),
            facts={},
        )
        save_model(folder, learn(space, vectors, columns, facts={"learned_from": "made-up devices"}, like=like))
    return folder


@pytest.fixture
def taught(shipped: Path, few_shot: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `shipped`, with the made-up few-shot models among what is shipped. Returns the user's folder."""
    monkeypatch.setattr("hwnas.latency.known_devices.SHIPPED_FOLDER", few_shot)
    return config_folder()


def made_up_latency(space: Space, vectors: np.ndarray, *, seed: int) -> np.ndarray:
    """Latency (ms) on a made-up device: a constant, and for each operation a cost of its own; 1 to 20 ms."""
    rng = np.random.default_rng([7, seed])
    one_hot = np.stack([(vectors == choice).sum(axis=1) for choice in range(max(space.choices))], axis=1)
    prices = rng.lognormal(0, 0.4, max(space.choices)) * np.linspace(0.2, 1.0, max(space.choices))
    return np.asarray(rng.uniform(0.5, 2) * (rng.uniform(0.5, 1.5) + one_hot @ prices))


@pytest.fixture
def board() -> Callable[..., np.ndarray]:
    """Latency (ms) of networks on a made-up board that no model has seen: `board(space, vectors)`."""
    return lambda space, vectors, seed=100: made_up_latency(space, vectors, seed=seed)
