"""A search whose workers are killed: it goes on from its checkpoint, and ends with the front of an undisturbed run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hwnas.service.store import open_database
from hwnas.service.store.parts import get_part

COUNTED = {"device": "raspi4", "space": "fbnet", "budget_ms": 60.0, "proxies": ["flops"], "method": "nsga2"}
SCORED = {"device": "titan-rtx", "space": "ofa", "budget_ms": 30.0, "proxies": ["l2_norm"], "evaluations": 40}


def undisturbed(processes: Any, question: dict[str, Any]) -> Any:
    """What the command prints to the same question, where nothing happens, with a cache of its own."""
    names = {"proxies": "--proxy", "budget_ms": "--budget-ms"}
    command = [sys.executable, "-m", "hwnas", "pareto", "--json"]
    for name, value in question.items():
        command += [names.get(name, f"--{name}"), value[0] if isinstance(value, list) else str(value)]
    environment = {**processes.environment, "HWNAS_DATA": str(processes.folder / "undisturbed")}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 4])
def test_a_search_by_nsga2_outlives_its_workers(processes: Any, until: Callable[..., Any], kills: int) -> None:
    question = {**COUNTED, "evaluations": 6_000}
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
    assert result_of(processes, job) == undisturbed(processes, question)


def result_of(processes: Any, job: str) -> Any:
    """The front that a job found, without the name that the service gives it."""
    result = httpx.get(f"{processes.address}{job}/result").json()
    assert result.pop("id")
    return result


def working(address: str, before: int) -> bool:
    """Whether somebody does steps of a job."""
    job = httpx.get(address).json()
    assert job["state"] in ("queued", "running")
    return job["state"] == "running" and job["version"] > before + 2 and job["progress"]["done"] > 0


@pytest.mark.slow
def test_scores_of_a_search_are_kept_where_its_worker_is_killed(processes: Any, until: Callable[..., Any]) -> None:
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
    assert result_of(processes, job) == undisturbed(processes, SCORED)


def checkpoint(url: str, job: str) -> bytes | None:
    """What a job goes on from, where that holds scores."""
    database = open_database(url)
    found = get_part(database, job, "checkpoint")
    database.close()
    return found if found and found != b"{}" else None
