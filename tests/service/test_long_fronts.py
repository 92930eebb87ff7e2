"""Fronts of a list whose costs are computed network by network: a job, and nobody waits for them. A space of 81."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import hwnas
import hwnas.spaces
from hwnas import Client
from hwnas.latency.kernels.files import save_kernel_model
from hwnas.latency.kernels.store import find_kernel_model, kernel_model_path
from hwnas.service.forms import ParetoBody
from hwnas.service.fronts import Front, Fronts, front_id
from hwnas.spaces import SPACES, registry

README = Path(hwnas.spaces.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = next(text for text in re.findall(r"```python\n(.*?)```", README, re.S) if "class Plain" in text)
QUESTION = {"device": "gtx-1080-ti", "space": "plain-convs", "budget_ms": 1.0, "nets": 5}


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The README's space, known here and in processes that start here; its folder. Nothing of it is known later."""
    (tmp_path / "my_space.py").write_text(EXAMPLE, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(registry.VARIABLE, "my_space:Plain")
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HWNAS_HOME", str(tmp_path / "own"))
    before, named = dict(SPACES), dict(registry._named)
    yield tmp_path
    for known, kept in ((SPACES, before), (registry._named, named)):
        known.clear()
        known.update(kept)
    sys.modules.pop("my_space", None)


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_it_is_a_job_with_the_same_front_and_columns(plain: Path, processes: Any) -> None:
    paths = (str(plain), os.environ.get("PYTHONPATH", ""))
    processes.environment |= {registry.VARIABLE: "my_space:Plain", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    processes.serve()
    expected = hwnas.pareto(**QUESTION)
    assert all(front.method == "exhaustive" for front in expected.fronts)
    with Client(processes.address) as client, httpx.Client(base_url=processes.address) as http:
        assert client.pareto(**QUESTION).to_dict() == expected.to_dict()
        (job,) = client.jobs()
        assert (job["kind"], job["state"]) == ("pareto", "done")
        front = front_id(ParetoBody(**QUESTION))
        assert http.get(f"/v1/fronts/{front}").json() == {"id": front, **as_json(expected.to_dict())}
        for most in (9, 3000):
            columns = http.get(f"/v1/fronts/{front}/candidates?most={most}").json()
            assert columns == as_json(Front(id=front, result=expected).candidates(most))


def test_it_computes_nothing_in_the_server(plain: Path, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("hwnas.latency.kernels.censuses.Census.networks", never)
    asked = client.post("/v1/pareto", json=QUESTION)
    assert (asked.status_code, asked.json()["kind"]) == (202, "pareto")
    assert asked.json()["title"] == "costs of the networks of plain-convs for gtx-1080-ti", "no search"
    front = front_id(ParetoBody(**QUESTION))
    for place in (f"/v1/fronts/{front}", f"/v1/fronts/{front}/candidates"):
        answer = client.get(place)
        assert answer.status_code == 404 and f"is queued; GET /v1/jobs/{asked.json()['id']}" in answer.json()["detail"]
    wrong = client.post("/v1/pareto", json={**QUESTION, "objectives": ["latency_ms=5"]})
    assert wrong.status_code == 422 and "expected one bound for latency_ms" in wrong.json()["detail"]
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_networks_that_were_taken_apart_once_are_answered_at_once(plain: Path, client: Any) -> None:
    assert client.post("/v1/pareto", json=QUESTION).status_code == 202
    expected = hwnas.pareto(**{**QUESTION, "budget_ms": 2.0})
    answer = client.post("/v1/pareto", json={**QUESTION, "budget_ms": 2.0})
    assert answer.status_code == 200
    assert answer.json()["fronts"] == as_json(expected.to_dict())["fronts"]


def test_a_device_that_has_a_kernel_model_and_no_card_is_known(plain: Path, client: Any) -> None:
    model = find_kernel_model("gtx-1080-ti", "latency")
    assert model is not None
    path = kernel_model_path("my-board", "latency")
    path.parent.mkdir(parents=True)
    save_kernel_model(path, replace(model, device="my-board"))
    for more in ({}, {"method": "nsga2", "proxies": ["params"]}):
        assert client.post("/v1/pareto", json={**QUESTION, "device": "my-board", **more}).status_code == 202


def test_graphs_that_were_read_once_are_answered_at_once(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    question = {"device": "jetson-tx2", "proxies": ["zen"], "objectives": ["energy_mj", "peak_memory_bytes"]}
    assert client.post("/v1/pareto", json=question).status_code == 202
    monkeypatch.setattr("hwnas.service.long_costs.unknown_peaks", lambda *_: 0)
    monkeypatch.setattr(
        "hwnas.api.activation_peaks.activation_peaks", lambda space, vectors, _: 1 + space.index(vectors)
    )
    assert client.post("/v1/pareto", json=question).status_code == 200


def test_another_kernel_model_is_another_answer(plain: Path) -> None:
    """Of a process that lives on: `hwnas kernels fit` writes while a service answers."""
    fronts, body = Fronts(), ParetoBody(device="gtx-1080-ti", space="plain-convs")
    before = fronts.answer(body).result.fronts[0].nets[0].costs["latency_ms"].mean
    model = find_kernel_model("gtx-1080-ti", "latency")
    assert model is not None and before is not None
    path = kernel_model_path("gtx-1080-ti", "latency")
    path.parent.mkdir(parents=True)
    save_kernel_model(path, replace(model, overhead=model.overhead + 100))
    assert fronts.known(body) is None
    after = fronts.answer(body).result.fronts[0].nets[0].costs["latency_ms"].mean
    assert after == pytest.approx(before + 100)


def test_who_waits_for_devices_keeps_nobody_else_waiting(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, looking = threading.Event(), threading.Event()

    def look(*_: object) -> tuple[int, int]:
        looking.set()
        assert go_on.wait(60)
        return 0, 0

    client = client_of()
    monkeypatch.setattr("hwnas.service.sync.revision", look)
    slow = threading.Thread(target=client.post, args=("/v1/pareto",), kwargs={"json": {"device": "jetson-tx2"}})
    slow.start()
    try:
        assert looking.wait(60)
        answered: list[int] = []
        healthy = threading.Thread(target=lambda: answered.append(client.get("/healthz").status_code), daemon=True)
        healthy.start()
        healthy.join(30)
        assert answered == [200]
    finally:
        go_on.set()
        slow.join()
