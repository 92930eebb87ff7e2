"""`hwnas.Client` and `--server`: the same answers as here, and the same refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import hwnas
from hwnas import Client
from hwnas.api.devices import describe_device, list_devices
from hwnas.api.listings import list_combinations, list_proxies, list_spaces
from hwnas.api.predict_model import ModelPrediction
from hwnas.api.score import score
from hwnas.api.score_forms import saved_table, score_result
from hwnas.cli.app import main
from hwnas.errors import DataError, InfeasibleError, UnknownNameError, UsageError
from hwnas.proxies.table import empty_table, load_scores
from hwnas.remote_errors import ServiceError, error_of
from hwnas.service.tasks.score_table import _plain
from hwnas.spaces import get_space


@pytest.fixture
def remote(client: Any) -> Client:
    """A client of the application in this process."""
    found = Client("http://127.0.0.1:1")
    found.close()
    found._http = client
    return found


def test_answers_are_those_of_the_functions_of_the_same_names(remote: Client) -> None:
    there = remote.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"])
    assert there.to_dict() == hwnas.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"]).to_dict()
    assert str(there) == str(hwnas.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"]))
    here = hwnas.predict(["1462", "7"], device="jetson-tx2", confidence=0.5)
    assert remote.predict(["1462", "7"], device="jetson-tx2", confidence=0.5) == here
    assert remote.score(["1462", "0"], proxies=["zen", "params"]).to_dict() == (
        score(["1462", "0"], proxies=["zen", "params"]).to_dict()
    )
    assert [{k: v for k, v in device.items() if k != "added"} for device in remote.list_devices()] == list_devices()
    assert remote.list_proxies() == list_proxies() and remote.list_combinations() == list_combinations()
    assert remote.list_spaces() == json.loads(json.dumps(list_spaces()))
    assert remote.describe_device("tx2").to_dict() == describe_device("jetson-tx2").to_dict()


def test_refusals_are_those_of_the_functions_of_the_same_names(remote: Client) -> None:
    with pytest.raises(UsageError, match="did you mean 'jetson-tx2'"):
        remote.pareto("jetsn")
    with pytest.raises(InfeasibleError, match="energy_mj <= 1 mJ"):
        remote.pareto("jetson-tx2", budget_mj=1.0, proxies=["zen"])
    with pytest.raises(DataError, match="is not in the cache"):
        remote.predict(["1462"], device="jetson-tx2", source="measured")
    with pytest.raises(UsageError, match="device 'nothing' is not known"):
        remote.describe_device("nothing")
    with pytest.raises(UsageError, match="expected a device that a user added"):
        remote.remove_device("jetson-tx2")
    with pytest.raises(UsageError, match="expected the id of a job"):
        remote.job("0" * 32)
    assert isinstance(error_of({"type": "about:blank"}), ServiceError)


def test_one_architecture_alone_is_no_list(remote: Client) -> None:
    """It would be four: "1", "4", "6" and "2"."""
    with pytest.raises(UsageError, match="expected a list of architectures, got '1462'"):
        remote.predict("1462", device="jetson-tx2")
    with pytest.raises(UsageError, match="expected a list of architectures, got '1462'"):
        remote.score("1462", proxies=["zen"])
    assert remote.predict([1462], device="jetson-tx2") == hwnas.predict([1462], device="jetson-tx2")


def test_a_name_that_is_not_known_is_the_same_error_here_and_there(remote: Client) -> None:
    """With the names that are near, which only the service may know."""
    for ask in (hwnas.predict, remote.predict):
        with pytest.raises(UnknownNameError, match="did you mean 'jetson-tx2'") as refused:
            ask(["1462"], device="jetsn-tx2")
        error = refused.value
        assert (error.kind, error.name, error.near[0]) == ("device", "jetsn-tx2", "jetson-tx2")
    for ask in (hwnas.score, remote.score):
        with pytest.raises(UnknownNameError, match="'nope' is not known"):
            ask([1462], proxies=["nope"])
    with pytest.raises(UnknownNameError, match="device 'nothing' is not known"):
        remote.describe_device("nothing")


def test_one_name_may_stand_for_a_list_of_names(remote: Client) -> None:
    assert remote.score([1462], proxies="zen").to_dict() == hwnas.score([1462], proxies="zen").to_dict()
    with pytest.raises(UsageError, match="expected proxies to be names"):
        remote.score([1462], proxies=[3])


def test_what_is_too_much_or_nothing_is_said_in_plain_words(remote: Client) -> None:
    for ask in (remote.predict, hwnas.predict):
        with pytest.raises(UsageError, match="expected at least one architecture, got none"):
            ask([], device="jetson-tx2")
    with pytest.raises(UsageError, match=r"^nets: expected at most 1,000, got 2000$"):
        remote.pareto("jetson-tx2", nets=2000)
    with pytest.raises(UsageError, match=r"^architectures: expected at most 1,000 entries, got 1,200$"):
        remote.predict(range(1200), device="jetson-tx2")
    with pytest.raises(UsageError, match=r"^source: expected 'auto', 'measured' or 'predicted', got 'x'$"):
        remote.predict([7], device="jetson-tx2", source="x")


def test_candidates_come_with_an_answer_where_they_are_asked_for(remote: Client) -> None:
    here = hwnas.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"])
    assert remote.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"]).candidates is None
    there = remote.pareto("jetson-tx2", budget_mj=20.0, proxies=["zen"], candidates=True)
    mine, theirs = here.candidates, there.candidates
    assert mine is not None and theirs is not None
    for own, other in ((mine.costs, theirs.costs), (mine.scores, theirs.scores)):
        assert list(own) == list(other)
        for name, values in own.items():
            finite = np.where(np.isfinite(values), values, np.nan)
            np.testing.assert_allclose(other[name], finite, rtol=1e-5)
    np.testing.assert_array_equal(theirs.feasible, mine.feasible)


@pytest.mark.parametrize("kind", ["html", "svg", "png"])
def test_a_picture_of_a_services_answer_is_that_of_ones_own(
    remote: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind != "html":
        pytest.importorskip("matplotlib")
    monkeypatch.setattr("hwnas.client.Client", lambda _: remote)
    asked = ["hwnas", "pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "zen", "--out"]
    written = []
    for name, server in (("here", []), ("there", ["--server", "http://127.0.0.1:1"])):
        path = tmp_path / f"{name}.{kind}"
        monkeypatch.setattr("sys.argv", [*asked, str(path), *server])
        with pytest.raises(SystemExit) as done:
            main()
        assert not done.value.code
        written.append(path.read_bytes())
    if kind == "html":  # digits are dropped twice
        own, other = (content.split(b",") for content in written)
        assert len(own) == len(other) and sum(a != b for a, b in zip(own, other, strict=True)) < 0.01 * len(own)
    assert abs(len(written[0]) - len(written[1])) < 0.01 * len(written[0])


def test_a_list_that_is_too_long_to_be_drawn_is_refused() -> None:
    columns = {"architectures": 50_000, "index": list(range(40_000))}
    with answering(columns, status=200) as client, pytest.raises(UsageError, match="leave out the server"):
        client._candidates("id")


def answering(problem: dict[str, Any], *, status: int = 422) -> Client:
    """A client of a service that gives one answer to everything."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=problem))
    found = Client("http://127.0.0.1:1")
    found._http = httpx.Client(base_url="http://127.0.0.1:1", transport=transport)
    return found


def test_refusals_of_measurements_name_the_files_of_the_caller(tmp_path: Path) -> None:
    """The service calls uploads by names of its own; one of them may be called as it calls another."""
    paths = [tmp_path / "measurements-2.csv", tmp_path / "kit.json"]
    for path in paths:
        path.write_text("{}")
    said = "expected one batch size, got 1 in measurements-1.csv, 8 in measurements-2.json, as measurements-3.csv"
    with answering({"type": "urn:hwnas:problem:wrong-use", "detail": said}) as client:
        with pytest.raises(UsageError) as refused:
            client.adapt(paths, name="board")
        assert str(refused.value) == (
            f"expected one batch size, got 1 in {paths[0]}, 8 in {paths[1]}, as measurements-3.csv"
        )
        with pytest.raises(UsageError, match=r"expected measurements in .*absent\.csv, got no such file"):
            client.adapt(tmp_path / "absent.csv", name="board")


def test_a_model_keeps_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"read by the service")
    names: dict[str, Any] = {"model": "model.onnx", "device": "raspi4", "runtime": "tflite"}
    numbers: dict[str, Any] = {"interval_level": 0.9, "params": 1, "macs": 2}
    flags: dict[str, Any] = {"macs_lower_bound": False, "lower_bound": False}
    by_name: dict[str, Any] = {name: {} for name in ("costs", "overhead", "sources")}
    lists: dict[str, Any] = dict.fromkeys(("kernels", "uncovered", "notes"), ())
    plain = ModelPrediction(**names, **numbers, **flags, **by_name, **lists).to_dict()
    with answering(plain, status=200) as client:
        assert client.predict_model(tmp_path / "mine.onnx", device="raspi4").model == str(tmp_path / "mine.onnx")


def test_a_token_that_is_missing_is_named(client_of: Callable[..., Any]) -> None:
    with Client("http://127.0.0.1:1") as found:
        found._http = client_of(token="0123456789abcdef")
        with pytest.raises(ServiceError, match="set HWNAS_TOKEN"):
            found.list_spaces()


def test_a_service_that_is_not_there_or_no_service_is_said() -> None:
    with pytest.raises(UsageError, match="expected the address of a service"):
        Client("127.0.0.1:8765")
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServiceError, match="is `hwnas serve` running"):
        client.list_spaces()
    with Client("http://127.0.0.1:1") as client:
        client._http = httpx.Client(
            base_url="http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))
        )
        with pytest.raises(ServiceError, match="expected JSON"):
            client.list_spaces()


def test_a_token_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWNAS_TOKEN", "from-the-environment")
    with Client("http://127.0.0.1:1") as client, Client("http://127.0.0.1:1", token="given") as other:
        assert client._http.headers["authorization"] == "Bearer from-the-environment"
        assert other._http.headers["authorization"] == "Bearer given"


def test_scores_survive_the_way_whatever_they_are(shipped: Path, tmp_path: Path) -> None:
    """Minus infinity, which JSON does not have, comes back from its reason."""
    result = score(["0", "1462"], proxies=["zen"])
    assert np.isneginf(result.columns[0].scores[0])
    back = score_result(json.loads(json.dumps(result.to_dict())))
    np.testing.assert_array_equal(back.columns[0].scores, result.columns[0].scores)
    table = empty_table({"space": "nasbench201", "dataset": "cifar10", "seed": 0}, ["zen", "snip"], np.arange(4))
    table.scores[:] = [[1.5, -np.inf], [np.inf, 2.0], [np.nan, 0.0], [3.0, 4.0]]
    saved = saved_table(json.loads(json.dumps(_plain(table))), path=tmp_path / "table.npz")
    np.testing.assert_array_equal(load_scores(tmp_path / "table.npz").scores, table.scores)
    assert saved.table.proxies == ("zen", "snip")


def test_combinations_of_counts_in_a_space_without_end(remote: Client) -> None:
    network = get_space("fbnet").strings(get_space("fbnet").sample(1, seed=0))
    for proxies in (["params+flops"], ["params+flops", "macs"]):
        assert remote.score(network, space="fbnet", proxies=proxies).to_dict() == (
            score(network, space="fbnet", proxies=proxies).to_dict()
        )


@pytest.fixture
def run(remote: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A command as a shell runs it, with its service in this process: `run(*arguments)` gives what was printed."""
    monkeypatch.setattr("hwnas.client.Client", lambda _server: remote)

    def call(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["hwnas", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        printed = capsys.readouterr()
        assert (done.value.code or 0) == code, printed.err
        return printed.out if code == 0 else printed.err

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ("pareto", "--device", "jetson-tx2", "--budget-mj", "20", "--proxy", "zen"),
        ("pareto", "--device", "tx2", "--budget-ms", "5", "--proxy", "zen", "--json"),
        ("predict", "1462", "(4, 3, 3, 0, 0, 0)", "--device", "jetson-tx2"),
        ("score", "1462", "--proxy", "zen", "--proxy", "synflow"),
        ("devices",),
        ("devices", "jetson-tx2"),
        ("proxies", "--json"),
        ("proxies", "list"),
        ("spaces",),
    ],
)
def test_a_command_prints_the_same_from_a_service(run: Callable[..., str], arguments: tuple[str, ...]) -> None:
    assert run(*arguments, "--server", "http://127.0.0.1:1") == run(*arguments)


def test_a_command_refuses_the_same_from_a_service(
    run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWNAS_SERVER", "http://127.0.0.1:1")
    assert (
        run("pareto", "--device", "jetsn", code=2) == "error: device 'jetsn' is not known; did you mean 'jetson-tx2'?\n"
    )
    assert "expected --out FILE" in run("score", "--all", "--proxy", "synflow", code=2)
    assert "expected the usual images" in run("score", "1462", "--images", str(tmp_path / "x.npz"), code=2)
    assert "belongs to networks or --all" in run("score", "--module", "a:b", code=2)
