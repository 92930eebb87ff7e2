"""`hwnas predict`: options of files and of architectures, how many kernels are listed, and when intervals are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwnas.api.predict import Prediction, PredictResult
from hwnas.cli import main
from hwnas.cli.render_predict import print_prediction
from hwnas.results import CostResult
from hwnas.spaces import get_space


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*words: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["hwnas", "predict", *words])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert (done.value.code or 0) == code, printed.err
        return printed.out or printed.err

    return call


@pytest.fixture
def net(tmp_path: Path) -> str:
    pytest.importorskip("onnx")
    from hwnas.graphs.onnx_file import onnx_bytes

    space, path = get_space("nas-bench-macro"), tmp_path / "net.onnx"
    path.write_bytes(onnx_bytes(space.graph(space.sample(1, seed=0)[0], dataset="cifar10")))
    return str(path)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--source", "measured"), ("--source", "auto"), ("--space", "darts"), ("--dataset", "cifar100"), ("--file", "a")],
)
def test_a_file_takes_no_options_of_architectures(run, option: str, value: str) -> None:
    """Those that say what holds anyway neither: who gives one expects it to be looked at."""
    said = run("net.onnx", "--device", "gtx-1080-ti", option, value, code=2)
    assert f"expected {option} with architectures alone, got {value!r} with an ONNX file; leave it out" in said


@pytest.mark.parametrize(("option", "value"), [("--out", "x.png"), ("--batch-size", "7"), ("--top", "20")])
def test_architectures_take_no_options_of_a_file(run, option: str, value: str) -> None:
    said = run("1462", option, value, code=2)
    assert f"expected {option} with an ONNX file alone, got {value!r} with architectures; leave it out" in said


def test_no_kernel_is_listed_where_none_is_wanted(run, net: str) -> None:
    assert "--top of at least 0, got -1" in run(net, "--device", "gtx-1080-ti", "--top", "-1", code=2)
    title, left, *_ = run(net, "--device", "gtx-1080-ti", "--top", "0").splitlines()
    assert "gtx-1080-ti" in title and left.endswith(" kernels, see --top and --json")
    assert "outside" in run(net, "--device", "gtx-1080-ti", "--top", "1").splitlines()[1]


@pytest.mark.parametrize(("lower", "named"), [(None, False), (5.5, True)])
def test_intervals_are_named_where_there_are_some(
    capsys: pytest.CaptureFixture[str], lower: float | None, named: bool
) -> None:
    costs = {"latency_ms": CostResult(mean=6.4, lower=lower, upper=lower and 7.0)}
    answer = PredictResult(
        space="nasbench201", dataset="cifar10", device="my-board", interval_level=0.9,
        sources={"latency_ms": "made up"}, nets=(Prediction(arch="a", index=1, costs=costs),),
    )  # fmt: skip
    print_prediction(answer, as_json=False)
    assert ("90% intervals" in capsys.readouterr().out) is named
