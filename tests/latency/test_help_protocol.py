"""HELP's protocol on its public files, few draws: the benchmark reads them, and the published figures are beaten."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hwnas.predictors import fewshot_model, fewshot_spreads

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """tests/benchmarks/fewshot.py, which is a script and no part of a package."""
    path = Path(__file__).parents[1] / "benchmarks" / "fewshot.py"
    spec = importlib.util.spec_from_file_location("fewshot_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "fewshot_benchmark", module)  # its dataclass looks itself up
        spec.loader.exec_module(module)
    return module


def test_ten_reference_networks_beat_the_published_figures(
    benchmark: ModuleType, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fewshot_model, "_DRAWS", 1)
    monkeypatch.setattr(fewshot_model, "SIZES", (10,))
    monkeypatch.setattr(fewshot_spreads, "_ROUNDS", 1)
    source = benchmark.read_folder(mirror / "help" / "nasbench201")
    assert source.vectors.shape == (15625, 6) and len(source.latencies) == 21
    latency = source.latencies["fpga"]
    rows = benchmark.queries(latency)
    assert len(rows) == 800 and rows.min() >= 900 and rows.max() < 1900
    inside = np.sort(latency[900:1900])[100:900]
    assert latency[rows].min() == inside[0] and latency[rows].max() == inside[-1]
    model = benchmark.learned(source, "inductive")
    assert set(model.facts["columns"]) == set(benchmark.TRAINING) and len(model.facts["devices"]) == 7
    for device in ("raspi4", "eyeriss", "fpga"):
        figures = benchmark.few_shot(model, source, device, source.reference)
        assert figures["spearman"] > benchmark.PUBLISHED[device], device
