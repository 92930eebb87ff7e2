"""Measurements of made-up boards, as tables and as an agent writes them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwnas.spaces import get_space

CELLS = get_space("nasbench201")
Board = Callable[..., np.ndarray]


def write_table(
    folder: Path,
    vectors: np.ndarray,
    latency: np.ndarray,
    energy: np.ndarray | None = None,
    *,
    name: str = "mine",
    columns: tuple[str, str] = ("latency_ms", "energy_mj"),
) -> Path:
    """A table of measurements of NAS-Bench-201 (six choices) or FBNet."""
    space = CELLS if vectors.shape[1] == 6 else get_space("fbnet")
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["architecture", *columns])
        joules = [""] * len(vectors) if energy is None else energy.tolist()
        writer.writerows(zip(space.strings(vectors), latency.tolist(), joules, strict=True))
    return path


@pytest.fixture
def write() -> Callable[..., Path]:
    """`write(folder, vectors, latency, energy=None, name="mine", columns=names)`: a table of measurements."""
    return write_table


@pytest.fixture
def ten(taught: Path, board: Board, tmp_path: Path) -> Path:
    """Ten nets of a made-up board, measured with 1 % of noise, no energy."""
    vectors = CELLS.sample(10, seed=3)
    noise = np.random.default_rng(0).lognormal(0, 0.01, 10)
    return write_table(tmp_path, vectors, board(CELLS, vectors) * noise)


@pytest.fixture
def kit_results() -> Callable[..., dict[str, Any]]:
    """`kit_results(vectors, latency, role="calibrate", power_w=None, **changed)`: what an agent writes.

    Three rounds of each net, 2 % apart.
    """
    return results_of_agent


def results_of_agent(
    vectors: np.ndarray, latency: np.ndarray, *, role: str = "calibrate", power_w: float | None = None, **changed: Any
) -> dict[str, Any]:
    nets = [
        {
            "name": f"{number:03d}",
            "arch": arch,
            "role": role,
            "latency_ms": {"median": ms, "rounds": [ms, 0.98 * ms, 1.02 * ms]},
            "latency_reason": None,
            "energy_mj": None if power_w is None else {"median": power_w * ms},
            "energy_reason": "no meter" if power_w is None else None,
        }
        for number, (arch, ms) in enumerate(zip(CELLS.strings(vectors), latency.tolist(), strict=True))
    ]
    return {
        "kind": "hwnas-results",
        "schema_version": 1,
        "kit": {"space": "nasbench201", "dataset": "cifar10", "batch_size": 1},
        "device": {"cpu": "a made-up processor", "cores": 2, "governors": ["performance"]},
        "runtime": {"name": "onnxruntime", "version": "1.0", "threads": 2, "precision": "fp32"},
        "protocol": {"rounds": 3, "window_s": 0.5, "warmup_s": 0.5},
        "meter": {"name": None, "reason": "no meter"},
        "idle_power_w": None,
        "started": "2025-01-01T00:00:00Z",
        "round_levels": [1.0, 0.98, 1.02],
        "nets": nets,
        **changed,
    }
