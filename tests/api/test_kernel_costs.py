"""Spaces on devices that have nothing but a kernel model: `pareto` and `predict`, here and from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hwnas
from hwnas.cli import main
from hwnas.errors import UnknownNameError, UsageError
from hwnas.graphs import kernels_of
from hwnas.latency.kernels import KernelModel, fit_regressor, rows_by_kind, save_kernel_model
from hwnas.latency.kernels.store import kernel_model_path
from hwnas.spaces import get_space

NET = "skip@0+skip@1-skip@1+skip@2-max3@1+dil5@3-avg3@2+dil3@4_avg3@0+dil3@1-avg3@1+avg3@2-sep5@0+sep5@3-avg3@1+sep5@4"


@pytest.fixture
def this_host(shipped: Path) -> KernelModel:
    """A machine without a card that knows convolutions and linear layers: a microsecond for 1,000 of their MACs."""
    space = get_space("darts")
    vectors = space.sample(2, seed=0)
    kernels = [kernel for v in vectors for kernel in kernels_of(space.graph(v, dataset="cifar10"), "none")]
    rows = rows_by_kind(kernels, [1e-3 + 1e-6 * kernel.macs for kernel in kernels], range(len(kernels)))
    regressors = {kind: fit_regressor(rows[kind], held_out=False) for kind in ("conv", "linear")}
    model = KernelModel(
        device="this-host", runtime="none", target="latency", regressors=regressors, facts={"summary": "made up"}
    )
    save_kernel_model(kernel_model_path("this-host", "latency"), model)
    return model


def test_a_search_by_kernels_says_what_is_not_in_its_costs(this_host: KernelModel) -> None:
    asked = {"space": "darts", "proxies": ["flops"], "budget_ms": 500, "evaluations": 12, "nets": 5}
    result = hwnas.pareto("this-host", **asked)  # type: ignore[arg-type]
    (objective,) = result.objectives
    assert (objective.id, objective.covered, objective.measured) == ("latency_ms", False, False)
    assert any(note.startswith("latency_ms: not in the total") and "depthwise_conv (" in note for note in result.notes)
    assert any(note.startswith("latency_ms: so totals are lower bounds") for note in result.notes)
    front = result.front("flops")
    assert front.nets and front.method == "nsga2"
    space = get_space("darts")
    for net in front.nets[:2]:
        graph = space.graph(space.parse([net.arch])[0], dataset="cifar10")
        expected = hwnas.predict_model(graph, device="this-host").costs["latency_ms"]
        assert net.costs["latency_ms"].mean == pytest.approx(expected.mean)
        assert net.costs["latency_ms"].upper == pytest.approx(expected.upper)
    assert hwnas.pareto("this-host", **asked).to_dict() == result.to_dict()  # type: ignore[arg-type]


def test_a_budget_at_a_confidence_holds_on_the_upper_end(this_host: KernelModel) -> None:
    asked = {"space": "darts", "proxies": ["flops"], "evaluations": 12, "confidence": 0.9}
    nets = hwnas.pareto("this-host", budget_ms=500, **asked).front("flops").nets  # type: ignore[arg-type]
    predicted = hwnas.predict([net.arch for net in nets], device="this-host", space="darts", confidence=0.8)
    assert nets and all((net.costs["latency_ms"].upper or 0) <= 500 for net in predicted.nets)
    with pytest.raises(UsageError, match="central intervals"):
        hwnas.pareto("this-host", budget_ms=500, **{**asked, "confidence": 0.999})  # type: ignore[arg-type]


def test_named_networks_are_predicted(this_host: KernelModel) -> None:
    answer = hwnas.predict([NET], device="This-Host", space="darts")
    assert list(answer.sources) == ["latency_ms"] and answer.sources["latency_ms"].startswith("kernel by kernel")
    assert not answer.covered and answer.notes[0].startswith("latency_ms: not in the total")
    with pytest.raises(UsageError, match="energy"):
        hwnas.predict([NET], device="this-host", space="darts", target="energy")
    with pytest.raises(UnknownNameError, match="device"):
        hwnas.predict([NET], device="this-hots", space="darts")


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["hwnas", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_strict_refuses_what_is_not_covered(
    this_host: KernelModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--space", "darts", "--device", "this-host")
    assert _run(monkeypatch, "predict", NET, *where) == 0
    said = capsys.readouterr().out
    assert "note: latency_ms: not in the total" in said and "latency (ms), at least" in said
    assert _run(monkeypatch, "predict", NET, *where, "--strict", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["covered"] is False and answer["lower_bound"] is True
    search = ("pareto", *where, "--proxy", "params", "--evaluations", "12", "--nets", "3")
    assert _run(monkeypatch, *search) == 0
    said = capsys.readouterr().out
    assert "note: latency_ms: not in the total" in said and "at least, ms" in said
    assert _run(monkeypatch, *search, "--strict") == 1
    assert _run(monkeypatch, "predict", "3", "--device", "jetson-tx2", "--strict") == 0
