"""The few-shot models of the wheel: small, whole, from measurements, and of use without any table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwnas.latency.fewshot import adapt, plan
from hwnas.latency.known_devices import few_shot_model
from hwnas.predictors.fewshot_files import model_path
from hwnas.predictors.shipped import SHIPPED_FOLDER
from hwnas.spaces import get_space


@pytest.fixture(autouse=True)
def no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))


@pytest.mark.parametrize(("name", "devices"), [("nasbench201", 17), ("fbnet", 15), ("ofa", 3)])
def test_shipped_models(name: str, devices: int) -> None:
    """Ten planned networks of a device that is proportional to the MACs are enough to order the others by MACs."""
    space = get_space(name)
    assert model_path(SHIPPED_FOLDER, name).stat().st_size < 100_000
    model = few_shot_model(space)
    assert len(model.facts["devices"]) == devices and model.facts["learned_from"].startswith("measured latencies")
    vectors, others = plan(space, count=10), space.sample(500, seed=4)
    macs = [space.counts(rows, dataset=space.datasets[0])["macs"] / 1e7 for rows in (vectors, others)]
    adapted = adapt(space, vectors, macs[0] + 2.0, device="macs-bound", unit_is_right=True)
    assert np.corrcoef(adapted.predict(others).mean, macs[1])[0, 1] > 0.97
