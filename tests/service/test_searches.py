"""Questions that need a search: a job whose result is the front that the Python API gives, through every door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import hwnas
from hwnas import Client
from hwnas.cli.app import main
from hwnas.errors import UsageError
from hwnas.outputs import csv_text
from hwnas.remote_errors import ServiceError
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import Front, front_id
from hwnas.service.searches import needs_search
from hwnas.service.settings import Settings
from hwnas.service.store import Database
from hwnas.service.store.pruning import Pruning
from hwnas.service.store.work import Ending, claim, finish
from hwnas.service.tasks import Made, Stopped, Work
from hwnas.service.tasks.pareto import run
from hwnas.spaces import get_space

LISTED = {"device": "jetson-tx2", "budget_mj": 20.0, "proxies": ["zen"], "method": "random", "evaluations": 60}
UNLISTED = {"device": "raspi4", "space": "fbnet", "budget_ms": 60.0, "proxies": ["flops"], "evaluations": 60}

LARGE = {"device": "titan-rtx", "space": "ofa", "budget_ms": 30.0, "proxies": ["params"], "evaluations": 60}


def asked(question: dict[str, Any]) -> hwnas.ParetoResult:
    """What the Python API answers."""
    return hwnas.pareto(**question)


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, as the service has."""
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("question", [LISTED, UNLISTED, LARGE])
def test_a_search_is_a_job_whose_result_is_the_front(empty: Path, site: str, question: dict[str, Any]) -> None:
    expected = asked(question)
    with Client(site) as client, httpx.Client(base_url=site) as http:
        first = http.post("/v1/pareto", json=question)
        assert first.status_code in (200, 202)
        address = first.headers["location"]
        result = client.wait(address.rpartition("/")[2])
        assert result.pop("id") == front_id(ParetoBody(**question)) and result == as_json(expected.to_dict())
        job = http.get(address).json()
        assert (job["kind"], job["state"]) == ("pareto", "done")
        searches = sum(front["method"] != "exhaustive" and front["name"] != "random" for front in result["fronts"])
        assert job["progress"]["done"] == job["progress"]["total"] == 60 * searches
        # The same question is the same job, answered from its result; defaults that are written out change nothing.
        again = http.post("/v1/pareto", json={**question, "nets": 20})
        assert again.status_code == 200 and again.headers["location"] == address
        front = again.json()["id"]
        assert http.get(f"/v1/fronts/{front}").json() == again.json()
        for place in (f"{address}/result", f"/v1/fronts/{front}"):
            assert http.get(f"{place}?format=csv").text == csv_text(expected)
        found = Front(id=front, result=expected)
        for most in (7, 3000):
            assert http.get(f"/v1/fronts/{front}/candidates?most={most}").json() == as_json(found.candidates(most))
        assert client.pareto(**question).to_dict() == expected.to_dict()


def test_a_combination_of_single_networks_is_a_job_that_scores_what_they_rank_among(empty: Path, site: str) -> None:
    space = get_space("fbnet")
    networks, proxies = space.strings(space.sample(2, seed=0)), ["nn_degree+params", "params"]
    expected = hwnas.score(networks, space="fbnet", proxies=proxies)
    told: list[tuple[int, int]] = []
    with Client(site) as client:
        found = client.score(networks, space="fbnet", proxies=proxies, progress=lambda *at: told.append(at))
        assert found.to_dict() == expected.to_dict()
        assert client.score(networks, space="fbnet", proxies=proxies).to_dict() == expected.to_dict()
    done, total = told[-1]
    assert done == total > len(networks), "reference networks count among the steps"


def test_another_question_is_another_job(client: Any) -> None:
    addresses = {
        client.post("/v1/pareto", json=question, headers={"Idempotency-Key": str(number)}).headers["location"]
        for number, question in enumerate((LISTED, {**LISTED, "seed": 1}, {**LISTED, "evaluations": 61}))
    }
    assert len(addresses) == 3
    reused = client.post("/v1/pareto", json=UNLISTED, headers={"Idempotency-Key": "0"})
    assert reused.status_code == 422 and "'0' again" in reused.json()["detail"]


def test_a_front_whose_search_is_not_done_says_what_to_do(client: Any) -> None:
    front = front_id(ParetoBody(**LISTED))
    missing = client.get(f"/v1/fronts/{front}")
    assert missing.status_code == 404 and "POST /v1/pareto asks for it" in missing.json()["detail"]
    job = client.post("/v1/pareto", json=LISTED).json()
    assert job["state"] == "queued" and job["request"]["evaluations"] == 60
    waiting = client.get(f"/v1/fronts/{front}")
    assert waiting.status_code == 404 and f"is queued; GET /v1/jobs/{job['id']} says" in waiting.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "exhaustive"}, "expected a space whose networks can all be looked at"),
        ({"method": "magic"}, "body.method"),
        ({"evaluations": 0}, "body.evaluations"),
        ({"evaluations": 20001}, "body.evaluations"),
        ({"evaluations": 1.5}, "body.evaluations"),
        ({"truths": 10}, "body.truths"),
        ({"device": "raspi"}, "did you mean 'raspi4'"),
        ({"dataset": "mnist"}, "mnist"),
        ({"proxies": []}, "body.proxies"),
        ({"objectives": ["latency_ms=5"]}, "expected one bound for latency_ms"),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_job(client: Any, changes: dict[str, Any], said: str) -> None:
    answer = client.post("/v1/pareto", json={**UNLISTED, **changes})
    assert answer.status_code == 422 and said in answer.json()["detail"]
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_what_only_the_search_finds_out_is_the_problem_of_the_job(site: str) -> None:
    with Client(site) as client, pytest.raises(UsageError, match=r"0\.001 ms; the cheapest is"):
        client.pareto(**{**UNLISTED, "budget_ms": 0.001})


def test_a_question_about_all_networks_needs_no_look_up_to_be_known_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("hwnas.service.searches.true_accuracy", never)
    for method in ("auto", "exhaustive"):
        assert not needs_search(ParetoBody(device="jetson-tx2", method=method))
    assert needs_search(ParetoBody(device="jetson-tx2", method="nsga2"))


def test_a_front_that_was_pruned_says_what_to_do(client: Any, database: Database) -> None:
    front, job = front_id(ParetoBody(**LISTED)), client.post("/v1/pareto", json=LISTED).json()["id"]
    assert claim(database, "lease", ["pareto"]) is not None
    finish(database, job, "lease", Ending(state="done", result=b"{}"))
    assert client.get(f"/v1/fronts/{front}").json() == {}
    assert Pruning(database, Settings(keep_bytes=0)).prune() == 1
    gone = client.get(f"/v1/fronts/{front}")
    assert gone.status_code == 404 and "or that was pruned since; POST /v1/pareto asks" in gone.json()["detail"]


def test_a_search_is_cancelled_and_goes_on(empty: Path, site: str) -> None:
    question = {**UNLISTED, "seed": 5, "evaluations": 20_000, "objectives": ["params"]}
    with Client(site) as client, httpx.Client(base_url=site) as http:
        job = http.post("/v1/pareto", json=question).json()["id"]
        client.cancel(job)
        with pytest.raises(ServiceError, match="was cancelled; resume it to go on"):
            client.wait(job)
        missing = http.get(f"/v1/fronts/{front_id(ParetoBody(**question))}")
        assert missing.status_code == 404 and "is cancelled" in missing.json()["detail"]
        assert client.resume(job)["state"] == "queued"
        client.cancel(job)


class Steps:
    """What a job says of its steps; `stop` ends it at a step."""

    def __init__(self, folder: Path, question: dict[str, Any], *, stop: int | None = None) -> None:
        self.told: list[tuple[int, int]] = []
        self.checkpoint: bytes | None = None
        self._folder, self._question, self._stop = folder, question, stop

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))
        if len(self.told) == self._stop:
            raise Stopped

    def save(self, content: Callable[[], bytes]) -> None:
        self.checkpoint = content()

    def run(self, checkpoint: bytes | None = None) -> Made:
        given = {"payload": None, "checkpoint": checkpoint, "folder": self._folder}
        return run(Work(request=as_json(self._question), progress=self.progress, save=self.save, **given))


@pytest.mark.parametrize(("files", "question"), [("shipped", LISTED), ("empty", UNLISTED)])
def test_a_search_that_was_stopped_ends_with_the_same_front(
    request: pytest.FixtureRequest, tmp_path: Path, files: str, question: dict[str, Any]
) -> None:
    request.getfixturevalue(files)
    undisturbed = Steps(tmp_path / "undisturbed", question)
    expected = undisturbed.run().result
    done, totals = [step for step, _ in undisturbed.told], {total for _, total in undisturbed.told}
    assert done == sorted(done) and done[:3] == [0, 20, 40] and totals == {done[-1]}
    broken = Steps(tmp_path / "broken", question, stop=4)
    with pytest.raises(Stopped):
        broken.run()
    assert broken.checkpoint == b"{}"  # counts and look-ups are asked again
    assert Steps(tmp_path / "resumed", question).run(broken.checkpoint).result == expected


def test_scores_that_a_stopped_search_computed_are_not_computed_again(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, which has nothing but the checkpoint; what is computed then is in the cache afterwards."""
    pytest.importorskip("torch")
    from hwnas.proxies.table import load_scores

    monkeypatch.setattr("hwnas.api.scores_on_demand.cores", lambda: 1)
    question = {**UNLISTED, "proxies": ["l2_norm"], "evaluations": 6}
    broken = Steps(tmp_path / "broken", question, stop=6)  # begun, 0, 2, 4 and 6 networks scored, and a generation
    with pytest.raises(Stopped):
        broken.run()
    (kept,) = (tmp_path / "broken" / "cache" / "searches").iterdir()
    before = load_scores(kept)
    assert len(before.network_ids) == 6 and not empty.exists()

    def nothing_left(_: object, tasks: list[Any], **__: object) -> Iterator[Any]:
        assert tasks == []
        yield from ()

    monkeypatch.setattr("hwnas.proxies.space_scores._results", nothing_left)
    result = Steps(tmp_path / "resumed", question).run(broken.checkpoint).result
    front = result["fronts"][0]
    assert (front["name"], front["evaluations"]) == ("l2_norm", 6)
    scores = dict(zip(before.network_ids.tolist(), before.scores[:, 0].tolist(), strict=True))
    assert all(net["score"] == scores[net["network_id"]] for net in front["nets"])


def test_it_stops_while_the_networks_that_others_rank_among_are_scored(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And keeps those that are: nothing is asked of the front yet."""
    pytest.importorskip("torch")
    from hwnas.proxies.table import load_scores

    monkeypatch.setattr("hwnas.api.scores_on_demand.cores", lambda: 1)
    monkeypatch.setattr("hwnas.api.scores_on_demand.REFERENCES", 8)
    question = {**UNLISTED, "proxies": ["nn_degree+params"], "evaluations": 6}
    broken = Steps(tmp_path / "broken", question, stop=4)
    with pytest.raises(Stopped):
        broken.run()
    (kept,) = (tmp_path / "broken" / "cache" / "searches").iterdir()
    before = load_scores(kept)
    assert 0 < (~np.isnan(before.scores)).sum() < 8 == len(before.network_ids)
    whole = Steps(tmp_path / "whole", question).run().result
    assert Steps(tmp_path / "resumed", question).run(broken.checkpoint).result == whole


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_command_prints_the_same_from_a_service(
    empty: Path, site: str, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there, printed = Client(site), []
    monkeypatch.setattr("hwnas.client.Client", lambda _: there)
    where = ("--device", "raspi4", "--space", "fbnet", "--budget-ms", "60", "--proxy", "flops", "--evaluations", "60")
    for server in ((), ("--server", site)):
        monkeypatch.setattr("sys.argv", ["hwnas", "pareto", *where, *form, *server])
        with pytest.raises(SystemExit) as done:
            main()
        shown = capsys.readouterr()
        assert not done.value.code, shown.err
        printed.append(shown.out)
    there.close()
    assert printed[0] == printed[1] and "fbnet" in printed[0]


@pytest.mark.parametrize(
    "option",
    [{"truths": 20}, {"accuracies": "mine.csv"}, {"executor": "ray"}, {"workers": 2}],
    ids=lambda o: next(iter(o)),
)
def test_what_a_service_does_not_take_is_refused_and_not_sent(option: dict[str, Any]) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(UsageError, match=f"got one with {next(iter(option))};"):
        client.pareto("jetson-tx2", **option)


def test_defaults_are_not_sent() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(422, json={"type": "urn:hwnas:problem:wrong-use", "detail": "expected x, got y"})

    with Client("http://127.0.0.1:1") as client:
        client._http = httpx.Client(base_url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))
        with pytest.raises(UsageError, match="expected x"):
            client.pareto("tx2", proxies=None, method="nsga2", nets=20)
    assert sent == [{"device": "tx2", "method": "nsga2"}]
