"""Answers that are computed: few at a time, and what takes long is a job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import hwnas
from hwnas import Client
from hwnas.service.long_costs import AT_ONCE
from hwnas.service.service import COMPUTING
from hwnas.service.settings import Limits
from hwnas.spaces import get_space

WHERE = {"space": "nas-bench-macro", "device": "gtx-1080-ti"}


def networks(number: int, *, seed: int) -> list[str]:
    space = get_space("nas-bench-macro")
    return space.strings(space.sample(number, seed=seed))


def test_costs_of_many_networks_kernel_by_kernel_are_a_job_with_the_same_answer(site: str) -> None:
    asked, told = networks(AT_ONCE + 9, seed=3), list[tuple[int, int]]()
    first = httpx.post(f"{site}/v1/predict", json={**WHERE, "architectures": asked}, timeout=60)
    assert first.status_code == 202 and first.json()["kind"] == "predict"
    with Client(site) as client:
        client.wait(first.json()["id"], progress=lambda *at: told.append(at))
        expected = hwnas.predict(asked, device="gtx-1080-ti", space="nas-bench-macro")
        found = client.predict(asked, **WHERE)
    assert (found.notes, found.sources) == (expected.notes, expected.sources)
    for one, other in zip(found.nets, expected.nets, strict=True):
        mine, theirs = one.costs["latency_ms"], other.costs["latency_ms"]
        assert one.arch == other.arch and mine.mean == pytest.approx(theirs.mean)  # sums in another process
        assert (mine.lower, mine.upper) == (pytest.approx(theirs.lower), pytest.approx(theirs.upper))
    assert told[-1] == (len(asked), len(asked))
    again = httpx.post(f"{site}/v1/predict", json={**WHERE, "architectures": asked}, timeout=60)
    assert again.status_code == 200 and again.headers["location"] == first.headers["location"]
    table = httpx.get(f"{site}{first.headers['location']}/result?format=csv").text.splitlines()
    assert len(table) == 1 + len(asked) and "costs.latency_ms.mean" in table[0]


@pytest.mark.parametrize(
    "body",
    [
        {**WHERE, "architectures": networks(AT_ONCE, seed=4)},
        {**WHERE, "architectures": networks(2, seed=5) * AT_ONCE},
        {"space": "nasbench201", "device": "jetson-tx2", "architectures": [str(n) for n in range(200)]},
    ],
    ids=["few", "the same", "by a table"],
)
def test_costs_that_take_no_time_are_answered_at_once(client: Any, body: dict[str, Any]) -> None:
    answer = client.post("/v1/predict", json=body)
    assert answer.status_code == 200 and len(answer.json()["nets"]) == len(body["architectures"])
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_what_cannot_be_predicted_is_refused_before_there_is_a_job(client: Any) -> None:
    for changes, said in (({"device": "gtx"}, "did you mean"), ({"dataset": "mnist"}, "mnist")):
        body = {**WHERE, "architectures": networks(AT_ONCE + 1, seed=6), **changes}
        answer = client.post("/v1/predict", json=body)
        assert answer.status_code == 422 and said in answer.json()["detail"]
    assert client.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("place", "address", "body"),
    [
        ("hwnas.service.routes.predict.costs_now", "/v1/predict", {**WHERE, "architectures": ["0"]}),
        ("hwnas.service.routes.score._known", "/v1/score", {"architectures": ["0"]}),
    ],
)
def test_few_answers_are_computed_at_a_time_also_of_callers_who_gave_up(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, place: str, address: str, body: dict[str, Any]
) -> None:
    begun, go_on = list[int](), threading.Event()

    def compute(_: object) -> bytes:
        begun.append(1)
        go_on.wait(60)
        return b"{}"

    monkeypatch.setattr(place, compute)
    client = client_of(limits=Limits(request_seconds=0.3))
    try:
        for said in (*["ask for less"] * COMPUTING, *["computes answers of others; ask again later"] * COMPUTING):
            answer = client.post(address, json=body)
            assert answer.status_code == 503 and said in answer.json()["detail"]
        assert len(begun) == COMPUTING, "who gave up still computes, and others who gave up never began"
        assert client.get("/v1/spaces").status_code == 200
    finally:
        go_on.set()
    end = time.monotonic() + 60
    while client.post(address, json=body).status_code == 503:  # until the threads are free
        assert time.monotonic() < end


def test_a_job_of_costs_goes_on_where_a_part_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hwnas.errors import DataError
    from hwnas.service.tasks import Work, get_task

    asked: list[int] = []

    class Answer:
        def to_dict(self) -> dict[str, Any]:
            return {"nets": asked[-1]}

    def predict(architectures: list[str], **_: Any) -> Answer:
        asked.append(len(architectures))
        if asked == [20]:
            raise DataError("expected a model of most kernels, got none")
        return Answer()

    monkeypatch.setattr("hwnas.service.tasks.predict.predict", predict)
    told: list[tuple[int, int]] = []
    nothing = {"payload": None, "checkpoint": None, "folder": tmp_path, "save": lambda _: None}
    work = Work(request={"architectures": ["0"] * 45}, progress=lambda *at: told.append(at), **nothing)
    assert get_task("predict")(work).result == {"nets": 45}
    assert asked == [20, 20, 5, 45] and told == [(0, 45), (20, 45), (40, 45), (45, 45)]
