"""What keeps a worker from beginning a job, or ends it: no job is lost by that, and none waits for ever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from hwnas.errors import DataError
from hwnas.service.settings import Settings
from hwnas.service.store import Database
from hwnas.service.store.jobs import Asked, find_job, submit
from hwnas.service.worker import Worker

Until = Callable[..., Any]
SCORES = {"space": "nasbench201", "proxies": ["zen"], "limit": 2}


def refuse(error: Exception) -> Callable[..., Any]:
    """A function that raises."""

    def raises(*_: Any, **__: Any) -> None:
        raise error

    return raises


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("hwnas.service.worker.DeviceFolder.refresh", DataError("expected to write .lock, got: Read-only")),
        ("hwnas.service.worker.tempfile.mkdtemp", OSError(28, "No space left on device")),
    ],
    ids=["cards", "disk"],
)
def test_a_job_that_cannot_be_begun_waits_again(
    database: Database, url: str, place: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(kind="predict", request={"architectures": ["1462"], "device": "jetson-tx2"})
    job, _ = submit(database, asked, owner="a", most=9)
    monkeypatch.setattr(place, refuse(error))
    worker = Worker(database, Settings(database=url))
    for _ in range(3):  # and it is not tried at every turn
        worker.turn()
    found = find_job(database, job.id)
    assert found is not None and (found.state, found.attempts) == ("queued", 0)
    assert found.version == job.version + 2, "taken and given back, once"


def test_a_card_that_cannot_be_written_ends_no_worker(processes: Any, until: Until, table: Any) -> None:
    home = processes.folder / "home"
    home.mkdir()
    (home / "devices").touch()  # where the folder would be
    server = processes.serve("--workers", "0")
    worker = processes.start("worker")
    data, files = {"name": "e-board"}, [("measurements", ("m.csv", table()))]
    httpx.post(f"{processes.address}/v1/adapt", data=data, files=files, timeout=60)
    httpx.post(f"{processes.address}/v1/score/tables", json=SCORES, timeout=60)
    until(lambda: processes.states() == ["done", "done"])
    assert worker.poll() is None and server.poll() is None
    assert '"event": "card not written"' in processes.log(worker)


def worker_of(processes: Any) -> Sequence[int]:
    """Numbers of the processes of workers that a server started."""
    return [number for number in processes.running() if b"--attached" in _command(number)]


def _command(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_server_begins_another_worker_in_place_of_one_that_ended(processes: Any, until: Until) -> None:
    server = processes.serve()
    (first,) = until(lambda: worker_of(processes))
    assert httpx.get(f"{processes.address}/readyz").json()["workers"] == {"wanted": 1, "alive": 1}
    os.kill(first, signal.SIGKILL)
    until(lambda: httpx.get(f"{processes.address}/readyz").json()["workers"] == {"wanted": 1, "alive": 0})
    (second,) = until(lambda: [number for number in worker_of(processes) if number != first])
    assert httpx.get(f"{processes.address}/readyz").json()["workers"]["alive"] == 1
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=20) == 0
    until(lambda: processes.running() == [])
    assert '"event": "worker ended", "status": -9' in processes.log(server) and second


def test_a_worker_goes_on_after_trouble_of_the_machine(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, turns = Worker(database, Settings(database=url)), list[float]()

    def turn() -> None:
        turns.append(time.monotonic())
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(worker, "turn", turn)
    worker.run(lambda: len(turns) > 2)
    assert len(turns) == 3
