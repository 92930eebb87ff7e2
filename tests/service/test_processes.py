"""Real processes of server and workers: jobs from question to answer, and everything that may happen in between.

The long campaign: `python -m pytest -m slow tests/service`.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from hwnas import Client
from hwnas.api.adapt import adapt
from hwnas.errors import UsageError
from hwnas.remote_errors import ServiceError
from hwnas.service.store import open_database
from hwnas.service.store.devices import added_devices
from hwnas.service.store.jobs import Asked, list_jobs, submit
from hwnas.service.store.parts import get_part
from hwnas.service.uploads import pack_measurements
from hwnas.spaces import get_space

DONE = ("done", "failed", "cancelled")
Until = Callable[..., Any]


def expected(folder: Path, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What adapting gives where nothing disturbs it, without the address of the card."""
    home = folder / f"undisturbed-{name}"
    home.mkdir()
    (home / "measurements-1.csv").write_bytes(content)
    with monkeypatch.context() as patch:
        patch.setenv("HWNAS_HOME", str(home))
        answer = json.loads(json.dumps(adapt([home / "measurements-1.csv"], name=name).to_dict()))
    return {key: value for key, value in answer.items() if key != "card"}


def put(processes: Any, tables: Sequence[bytes]) -> list[str]:
    """Ask for an adaptation of each of the tables, straight in the database; ids of the jobs."""
    database, ids = open_database(processes.url), []
    settings = {"method": "auto", "unit": None, "power_w": None, "power_error": 0.1, "batch_size": None}
    settings |= {"kind": None, "title": None, "replace": False, "add": False}
    for number, content in enumerate(tables):
        asked = {"name": f"board-{number}", "space": None, "dataset": None, "settings": settings, "after": None}
        job, _ = submit(
            database,
            Asked(kind="adapt", request=asked, payload=pack_measurements([content])),
            owner="test",
            most=99,
        )
        ids.append(job.id)
    database.close()
    return ids


def results(processes: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Results in the database, without the address of the card."""
    database = open_database(processes.url)
    found = [json.loads(get_part(database, job, "result") or b"null") for job in ids]
    database.close()
    return [{key: value for key, value in answer.items() if key != "card"} for answer in found]


def all_done(processes: Any) -> bool:
    found = processes.states()
    assert "failed" not in found
    return set(found) == {"done"}


def test_a_service_from_start_to_stop(processes: Any, until: Until, table: Any, tmp_path: Path) -> None:
    """One command starts it; a device is added, asked about, and removed; Ctrl-C ends all within two seconds."""
    server = processes.serve()
    (tmp_path / "board.csv").write_bytes(table())
    with Client(processes.address) as client:
        answer = client.adapt(tmp_path / "board.csv", name="board-0")
        assert answer.device == "board-0@batch-not-stated" or answer.device == "board-0"
        assert client.adapt(tmp_path / "board.csv", name="board-0") == answer  # the same question, the first's result
        (device,) = [device for device in client.list_devices() if device["name"] == "board-0"]
        assert device["added"]["by"] == "127.0.0.1"
        assert client.describe_device("board-0").card.name == "board-0"
        front = client.pareto("board-0", budget_ms=1e6, proxies=["zen"])
        assert front.device == answer.device and len(front.front("zen").nets) == 20
        kept = httpx.get(f"{processes.address}/v1/devices/board-0/measurements").json()
        assert kept == {"measurements-1.csv": table().decode()}
        with pytest.raises(UsageError, match="expected a new device, got 'board-0'"):
            (tmp_path / "other.csv").write_bytes(table(7))
            client.adapt(tmp_path / "other.csv", name="board-0")
        (job,) = [job for job in client.jobs() if job["state"] == "done"]
        events = httpx.get(f"{processes.address}{job['links']['events']}").text
        assert events.startswith(f"id: {job['version']}\nevent: job\ndata: ") and events.endswith("\n\n")
        with pytest.raises(ServiceError, match="got one that is done"):
            client.resume(job["id"])
        client.remove_device("board-0")
        with pytest.raises(UsageError, match="device 'board-0' is not known"):
            client.pareto("board-0", budget_ms=1e6)
        until(lambda: not (tmp_path / "home" / "devices" / "board-0.toml").exists())
        began = time.monotonic()
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)
        took = time.monotonic() - began
    assert server.returncode == 0 and took < 10, took  # two seconds on a machine that does nothing else
    until(lambda: processes.running() == [])


def test_a_worker_that_is_killed_loses_nothing(
    processes: Any, until: Until, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign(processes, until, [table(seed) for seed in range(3)], tmp_path, monkeypatch, kills=1)


@pytest.mark.slow
def test_workers_that_are_killed_at_random_points_in_thirty_jobs(
    processes: Any, until: Until, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign(processes, until, [table(seed) for seed in range(30)], tmp_path, monkeypatch, kills=12)


def campaign(
    processes: Any,
    until: Until,
    tables: Sequence[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    kills: int,
) -> None:
    """Two workers on one database; one of them is killed again and again, and another takes its place."""
    ids, rng = put(processes, tables), random.Random(0)
    workers = [processes.start("worker") for _ in range(2)]
    until(lambda: "running" in processes.states())
    for _ in range(kills):
        time.sleep(rng.uniform(0.0, 1.0))
        victim = workers.pop(rng.randrange(len(workers)))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        workers.append(processes.start("worker"))
    until(lambda: all_done(processes), seconds=300)
    assert results(processes, ids) == [
        expected(tmp_path, f"board-{number}", content, monkeypatch) for number, content in enumerate(tables)
    ]
    database = open_database(processes.url)
    assert [device.name for device in added_devices(database)] == sorted(f"board-{n}" for n in range(len(tables)))
    assert all(job.finished_at is not None for job in list_jobs(database, before=None, limit=500))
    database.close()


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing(
    processes: Any, until: Until, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker ends with it; the next server's worker goes on."""
    server = processes.serve()
    tables = [table(seed) for seed in range(6)]
    ids = put(processes, tables)
    until(lambda: "running" in processes.states() or "done" in processes.states())
    server.send_signal(signal.SIGKILL)
    server.wait()
    processes.port += 1
    processes.address = f"http://127.0.0.1:{processes.port}"
    processes.serve()
    until(lambda: all_done(processes), seconds=180)
    assert results(processes, ids) == [
        expected(tmp_path, f"board-{number}", content, monkeypatch) for number, content in enumerate(tables)
    ]


@pytest.mark.slow
def test_a_database_that_somebody_else_locks_delays_and_loses_nothing(
    processes: Any, until: Until, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [table(seed) for seed in range(3)]
    ids = put(processes, tables)
    processes.start("worker")
    until(lambda: "running" in processes.states())
    other = sqlite3.connect(processes.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    time.sleep(9)  # longer than the busy timeout, and than a lease
    other.execute("ROLLBACK")
    other.close()
    until(lambda: all_done(processes), seconds=180)
    assert results(processes, ids) == [
        expected(tmp_path, f"board-{number}", content, monkeypatch) for number, content in enumerate(tables)
    ]


@pytest.mark.slow
def test_two_servers_on_one_database(processes: Any, until: Until, table: Any, tmp_path: Path) -> None:
    """What one is asked, the other knows; the same question to both is one job."""
    first = processes.address
    processes.serve()
    processes.port += 1
    second = processes.address = f"http://127.0.0.1:{processes.port}"
    processes.serve()
    (tmp_path / "board.csv").write_bytes(table())
    with Client(first) as one, Client(second) as other:
        assert one.adapt(tmp_path / "board.csv", name="board-0") == other.adapt(tmp_path / "board.csv", name="board-0")
        assert len(list(one.jobs())) == 1
        time.sleep(0.5)
        for client in (one, other):
            assert client.pareto("board-0", budget_ms=1e6, proxies=["zen"]).device.startswith("board-0")


@pytest.mark.slow
def test_a_client_that_goes_in_the_middle_leaves_its_job(processes: Any, until: Until, table: Any) -> None:
    processes.serve()
    files, data = {"measurements": table()}, {"name": "board-0"}
    with pytest.raises(httpx.TimeoutException):
        httpx.post(f"{processes.address}/v1/adapt", files=files, data=data, timeout=httpx.Timeout(5, read=0.05))
    until(lambda: processes.states() == ["done"])
    assert processes.answers()


@pytest.mark.slow
def test_a_score_job_goes_on_from_its_checkpoint(
    processes: Any, until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled, resumed, its worker killed: the scores are those of an undisturbed run."""
    pytest.importorskip("torch")
    from hwnas.service.tasks import get_task
    from hwnas.service.tasks.task import Work

    space = get_space("nasbench201")
    networks = [str(index) for index in space.index(space.sample(20, seed=3)).tolist()]
    server = processes.serve("--workers", "0")
    worker = processes.start("worker")
    with Client(processes.address) as client:
        body = {"architectures": networks, "proxies": ["synflow", "naswot"], "fresh": True}
        job = httpx.post(f"{processes.address}/v1/score", json=body).json()["id"]
        until(lambda: client.job(job)["progress"]["done"] >= 2)
        client.cancel(job)
        until(lambda: client.job(job)["state"] == "cancelled")
        done = client.job(job)["progress"]["done"]
        client.resume(job)
        until(lambda: client.job(job)["progress"]["done"] > done)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        processes.start("worker")
        answer = client.wait(job)
        lines = httpx.get(f"{processes.address}/v1/jobs/{job}/result?format=csv").text.splitlines()
    assert len(lines) == 21 and "scores.synflow" in lines[0]
    server.kill()
    monkeypatch.setenv("HWNAS_DATA", str(tmp_path / "empty"))  # no images here either
    request = {**body, "space": "nasbench201", "dataset": None}
    nothing = {"payload": None, "checkpoint": None, "folder": tmp_path, "save": lambda _content: None}
    undisturbed = Work(request={**request, "seed": 0, "batch_size": 64}, progress=lambda _done, _all: None, **nothing)
    assert answer["nets"] == json.loads(json.dumps(get_task("score")(undisturbed).result["nets"]))


def test_an_upload_that_wants_too_much_is_refused_and_the_worker_lives(processes: Any, until: Until) -> None:
    """What is no network, and what no limit allows: a problem each, and the next one is served."""
    onnx = pytest.importorskip("onnx")
    processes.serve()
    address = f"{processes.address}/v1/predict/onnx"

    def ask(content: bytes) -> tuple[int, str]:
        answer = httpx.post(address, files={"model": content}, data={"device": "raspi4"}, timeout=30)
        if answer.status_code == 202:
            job = answer.json()["links"]["self"]
            until(lambda: httpx.get(processes.address + job).json()["state"] in DONE)
            answer = httpx.post(address, files={"model": content}, data={"device": "raspi4"}, timeout=30)
            error = httpx.get(processes.address + job).json()["error"]
            return error["status"], error["detail"]
        return answer.status_code, answer.json()["detail"]

    assert ask(b"no network at all") == (422, ask(b"no network at all")[1]) and "ONNX" in ask(b"no network at all")[1]
    helper = onnx.helper
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 4)) for name in "xy"]
    many = helper.make_model(helper.make_graph([node] * 20_001, "g", ends[:1], ends[1:]))
    assert ask(many.SerializeToString())[0] == 422
    tensor = helper.make_tensor("w", onnx.TensorProto.FLOAT, (1,), [1.0])
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    node = helper.make_node("Mul", ["x", "w"], ["y"])
    outside = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [tensor]))
    status, detail = ask(outside.SerializeToString())
    assert status in (409, 422) and "root:" not in detail and "passwd" not in detail
