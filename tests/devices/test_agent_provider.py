"""onnxruntime whose provider does not start takes the CPU without an error: nothing is then measured."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwnas.devices.agent.files import AgentError
from hwnas.devices.agent.main import main
from hwnas.devices.agent.onnx_runtime import OnnxRuntime
from hwnas.devices.agent.runs import Plan

PLAN = Plan(warmup_s=0.0, window_s=0.0, min_runs=3)
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class Session:
    """A session of onnxruntime, so far as the agent knows it."""

    starts: tuple[str, ...] = ()
    falls_back = True

    def __init__(self, model: object, options: object, providers: list[str]) -> None:
        self._asked = providers

    def get_providers(self) -> list[str]:
        return [*(name for name in self._asked if name in self.starts and name != CPU), CPU]

    def disable_fallback(self) -> None:
        type(self).falls_back = False

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="input", shape=[1, 3])]

    def run(self, outputs: None, feed: dict[str, Any]) -> list[Any]:
        return [np.zeros(1)]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    """The library as onnxruntime-gpu is: it lists CUDA whether or not CUDA's libraries load."""
    monkeypatch.setattr(Session, "starts", ())
    monkeypatch.setattr(Session, "falls_back", True)
    library = SimpleNamespace(
        __version__="1.2.3",
        get_available_providers=lambda: [CUDA, CPU],
        SessionOptions=SimpleNamespace,
        InferenceSession=Session,
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    return Session


def test_the_cpu_is_not_measured_for_cuda(session: type[Session], tmp_path: Path) -> None:
    runtime = OnnxRuntime(1, CUDA)
    told = f"onnxruntime 1.2.3 to run by {CUDA}, which did not start: it would run by {CPU}; .*onnxruntime-gpu.*cuDNN"
    with pytest.raises(AgentError, match=f"{told}.*--provider {CPU}"):
        runtime.measure(tmp_path / "net.onnx", PLAN)
    with pytest.raises(AgentError, match=told):
        runtime.profile(b"", tmp_path, PLAN)


def test_a_provider_that_starts_is_measured_and_stays(
    session: type[Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OnnxRuntime(1, CPU).measure(tmp_path / "net.onnx", PLAN).runs == 3
    monkeypatch.setattr(session, "starts", (CUDA,))
    assert OnnxRuntime(1, CUDA).measure(tmp_path / "net.onnx", PLAN).runs == 3
    assert not session.falls_back, "a run that fails must not be done again by another provider"


def test_the_campaign_ends_and_says_why(session: type[Session], kit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--kit", str(kit), "--rounds", "1", "--window", "0", "--warmup", "0", "--min-runs", "3", "--meter", "none"]
    assert main(["--provider", CUDA, *quick]) == 2
    assert f"expected onnxruntime 1.2.3 to run by {CUDA}" in capsys.readouterr().err
    assert '"latency_ms": {' not in (kit / "results.json").read_text()
