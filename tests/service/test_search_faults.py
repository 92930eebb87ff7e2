"""A search whose workers are killed: it goes on from its checkpoint, and ends with the front of an undisturbed run."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hwnas.service.store import open_database
from hwnas.service.store.parts import get_part
from hwnas.service.tasks.pareto import run
from hwnas.service.tasks.task import Work

COUNTED = {"device": "raspi4", "space": "fbnet", "budget_ms": 60.0, "proxies": ["flops"], "method": "nsga2"}
SCORED = {"device": "titan-rtx", "space": "ofa", "budget_ms": 30.0, "proxies": ["l2_norm"], "evaluations": 60}


def undisturbed(question: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The result of the same job where nothing happens, with a cache of its own."""
    monkeypatch.setenv("HWNAS_DATA", str(folder / "undisturbed"))
    own = folder / "own"
    own.mkdir()
    nothing = {"payload": None, "checkpoint": None, "save": lambda _content: None}
    work = Work(request=question, folder=own, progress=lambda _done, _total: None, **nothing)
    return json.loads(json.dumps(run(work).result))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 4])
def test_a_search_by_nsga2_outlives_its_workers(
    processes: Any, until: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    question = {**COUNTED, "evaluations": 20_000}
    processes.serve("--workers", "0")
    job = httpx.post(f"{processes.address}/v1/pareto", json=question, timeout=30).json()["links"]["self"]
    for _ in range(kills):
        worker = processes.start("worker")
        before = httpx.get(processes.address + job).json()["version"]
        until(lambda before=before: working(processes.address + job, before))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    processes.start("worker")
    until(lambda: httpx.get(processes.address + job).json()["state"] == "done", seconds=300)
    result = httpx.get(f"{processes.address}{job}/result").json()
    assert result == undisturbed(question, tmp_path, monkeypatch)


def working(address: str, before: int) -> bool:
    """Whether somebody does steps of a job."""
    job = httpx.get(address).json()
    assert job["state"] in ("queued", "running")
    return job["state"] == "running" and job["version"] > before + 2 and job["progress"]["done"] > 0


@pytest.mark.slow
def test_scores_of_a_search_are_kept_where_its_worker_is_killed(
    processes: Any, until: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for all networks of a large space: after the checkpoint the next worker has them already."""
    pytest.importorskip("torch")
    processes.serve("--workers", "0")
    begun = httpx.post(f"{processes.address}/v1/pareto", json=SCORED, timeout=30).json()
    job = begun["links"]["self"]
    worker = processes.start("worker")
    kept = until(lambda: checkpoint(processes.url, begun["id"]), seconds=240)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert len(json.loads(kept)) == 1
    processes.start("worker")
    until(lambda: httpx.get(processes.address + job).json()["state"] == "done", seconds=400)
    assert httpx.get(f"{processes.address}{job}/result").json() == undisturbed(SCORED, tmp_path, monkeypatch)


def checkpoint(url: str, job: str) -> bytes | None:
    """What a job goes on from, where that holds scores."""
    database = open_database(url)
    found = get_part(database, job, "checkpoint")
    database.close()
    return found if found and found != b"{}" else None
