"""`hwnas pareto` from the outside: what it prints, its files, its refusals, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hwnas
from hwnas.cli.app import main

JOB = ("pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "zen")


@pytest.fixture
def run(shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The command as a shell runs it: `run(*arguments, code=0)` gives what was printed and what was complained."""

    def call(*arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["hwnas", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert (done.value.code or 0) == code, printed.err
        return printed.out, printed.err

    return call


def test_the_main_job_prints_its_front_and_where_numbers_come_from(run) -> None:
    out, err = run(*JOB)
    assert err == ""
    assert out.startswith("zen: 20 networks of nasbench201 on cifar10, jetson-tx2 with energy <= 20 mJ\n")
    front = hwnas.pareto("jetson-tx2", budget_mj=20).front("zen")
    indices = [line.split()[1] for line in out.splitlines()[3:23]]
    assert indices == [str(net.index) for net in front.nets], "nothing is cut off at 80 columns"
    assert "accuracy: not known here; to know it run" in out and "predicted by GCN" in out


@pytest.mark.data
def test_with_tables_it_compares_with_the_true_front(run, measured: Path) -> None:
    out, _ = run(*JOB, "--dataset", "cifar100", "--show", "truth", "--raw")
    assert "true front: " in out and "architectures of nasbench201 on cifar100" in out
    assert "compared with the true front" in out and "71.02" in out
    rows = {line.split()[0]: line.split() for line in out.split("compared with")[1].splitlines() if line}
    assert [rows[name][2] for name in ("params", "truth")] == ["0.724", "-"]


def test_json_is_that_of_the_function(run) -> None:
    out, _ = run(*JOB, "--proxy", "synflow", "--nets", "5", "--seed", "3", "--json")
    expected = hwnas.pareto("tx2", budget_mj=20, proxies=["zen", "synflow"], nets=5, seed=3)
    assert json.loads(out) == json.loads(expected.to_json())


def test_every_option_reaches_the_question(run) -> None:
    options = ("--budget-ms", "9", "--objective", "params", "--confidence", "0.9", "--source", "predicted", "--raw")
    out, _ = run(*JOB, *options, "--space", "nb201", "--dataset", "CIFAR10", "--json")
    costs = {"budget_mj": 20, "budget_ms": 9, "objectives": "params"}
    question = {**costs, "proxies": "zen", "confidence": 0.9, "raw": True}
    expected = hwnas.pareto("tx2", source="predicted", **question)  # type: ignore[arg-type]
    assert json.loads(out) == json.loads(expected.to_json())


def test_a_file_is_written_beside_the_tables(run, tmp_path: Path) -> None:
    out, _ = run(*JOB, "--out", str(tmp_path / "front.csv"))
    assert out.startswith("zen: 20 networks") and (tmp_path / "front.csv").read_text().startswith("space,dataset,")
    out, _ = run(*JOB, "--out", str(tmp_path / "front.json"), "--json")
    assert json.loads(out) == json.loads((tmp_path / "front.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--device", "jetsn"), 2, "error: device 'jetsn' is not known; did you mean"),
        (("--device", "tx2", "--proxy", "sinflow"), 2, "error: proxy 'sinflow' is not known; did you mean 'synflow'"),
        (("--device", "tx2", "--dataset", "cifar"), 2, "error: data set 'cifar' is not known; did you mean 'cifar10'"),
        (("--device", "tx2", "--budget-mj", "many"), 2, "error: expected --budget-mj to be a number, got 'many'"),
        (("--device", "tx2", "--budget-mj", "-3"), 2, "error: expected the energy budget in mJ to be a positive"),
        (("--device", "tx2", "--budget-ms", "0"), 2, "error: expected the latency budget in ms to be a positive"),
        (("--device", "tx2", "--budget-mj", "nan"), 2, "number, got nan"),
        (("--device", "tx2", "--budget-mj", "1"), 2, "error: no net of nasbench201 on cifar10 meets energy_mj <= 1 mJ"),
        (("--device", "tx2", "--source", "guess"), 2, "error: source of costs 'guess' is not known"),
        (("--device", "tx2", "--show", "truth"), 2, "error: front 'truth' is not known"),
        (("--device", "tx2", "--proxy", "snip"), 1, "error: proxy 'snip' is not scored"),
        (("--device", "tx2", "--source", "measured"), 1, "error: energy of jetson-tx2 on cifar10 (nasbench201): table"),
        (("--device", "tx2", "--out", "front.xlsx"), 2, "error: expected a file that ends in .json"),
        (("--device", "tx2", "--out", "nowhere/front.csv"), 2, "error: expected a folder to write nowhere/front.csv"),
    ],
)
def test_what_cannot_be_is_one_clear_line(run, arguments: tuple[str, ...], code: int, message: str) -> None:
    out, err = run("pareto", *arguments, code=code)
    assert out == "" and err.count("\n") == 1 and message in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--out", "front.xlsx"), "got '.xlsx'"),
        (("--out", "nowhere/front.csv"), "got nowhere, which is none"),
        (("--show", "synflow"), "front 'synflow' is not known"),
    ],
)
def test_what_cannot_be_shown_or_written_is_refused_before_the_job(
    run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, str], named: str
) -> None:
    def job(*_: object) -> None:
        raise AssertionError("the job began")

    monkeypatch.setattr("hwnas.api.pareto.pareto", job)
    assert named in run(*JOB, *arguments, code=2)[1]


def test_nothing_is_written_where_a_front_cannot_be_shown(run, tmp_path: Path) -> None:
    """That there is no true front is known only after the job."""
    _, err = run(*JOB, "--show", "truth", "--out", str(tmp_path / "front.json"), code=2)
    assert "front 'truth' is not known" in err and not (tmp_path / "front.json").exists()
    run(*JOB, "--proxy", "ZEN", "--show", "zen", "--show", "all", "--out", str(tmp_path / "front.json"))
    assert (tmp_path / "front.json").exists()


def test_a_damaged_shipped_file_is_one_clear_line(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "nasbench201_costs.npz").write_bytes(b"PK")
    (folder / "nasbench201_costs.json").write_text('{"heads": {}')
    monkeypatch.setattr("hwnas.latency.tables.SHIPPED_FOLDER", folder)
    out, err = run(*JOB, code=1)
    assert out == "" and err.count("\n") == 1 and "install hwnas again" in err


def outside(made_up: Path, tmp_path: Path, arguments: tuple[str, ...], after: str = "") -> list[str]:
    """A command line for a process of its own, with the made-up files in the place of the shipped ones."""
    code = f"""
import pathlib, sys, os
os.environ["HWNAS_DATA"] = {str(tmp_path / "cache")!r}
import hwnas.predictors.shipped, hwnas.proxies.table
for module in (hwnas.predictors.shipped, hwnas.proxies.table):
    module.SHIPPED_FOLDER = pathlib.Path({str(made_up)!r})
from hwnas import data
data.truth_from_package = lambda: None
from hwnas.cli import main
sys.argv = {["hwnas", *arguments]!r}
try:
    main()
finally:
    {after or "pass"}
"""
    return [sys.executable, "-c", code]


def test_the_main_job_loads_nothing_heavy(made_up: Path, tmp_path: Path) -> None:
    heavy = ("torch", "pymoo", "scipy", "pandas", "matplotlib", "jaxtyping", "pydantic", "rich", "safetensors")
    report = f"print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(outside(made_up, tmp_path, JOB, report), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_closed_pipe_is_silent(made_up: Path, tmp_path: Path) -> None:
    command = outside(made_up, tmp_path, (*JOB, "--show", "all", "--json"))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert complaint == b""


@pytest.mark.parametrize(
    ("command", "option", "start", "name"),
    [
        ("predict", "--device", "jet", "jetson-tx2"),
        ("train", "--device", "jet", "jetson-tx2"),
        ("score", "--proxy", "sy", "synflow"),
        ("proxies evaluate", "--proxy", "sy", "synflow"),
        ("pareto", "--proxy", "sy", "synflow"),
    ],
)
def test_every_command_completes_its_names(command: str, option: str, start: str, name: str) -> None:
    from typer import Context
    from typer.main import get_command

    from hwnas.cli.app import app

    chosen = get_command(app)
    for word in command.split():
        chosen = chosen.commands[word]  # type: ignore[attr-defined]
    (parameter,) = [parameter for parameter in chosen.params if option in parameter.opts]
    assert [item.value for item in parameter.shell_complete(Context(chosen), start)] == [name]


def test_the_shell_completes_names(shipped: Path) -> None:
    from hwnas.cli.completion import complete_device, complete_objective, complete_proxy

    assert complete_device("jet") == ["jetson-tx2"]
    assert complete_device("gtx-1080-ti@6") == ["gtx-1080-ti@64"] and "gtx-1080-ti@64" not in complete_device("gtx")
    assert complete_proxy("s") == ["synflow", "snip", "swap"]
    assert complete_objective("e") == ["energy_mj"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--executor", "foo"), "executor 'foo' is not known"),
        (("--workers", "0"), "expected at least 1 worker, got 0"),
        (("--method", "exhaustive", "--evaluations", "10"), "expected --evaluations with a search"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(run, options: tuple[str, ...], message: str) -> None:
    out, err = run(*JOB, *options, code=2)
    assert out == "" and message in err
