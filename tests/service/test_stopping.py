"""The end of a service by signals: whatever is under way, it ends by itself, leaves nothing behind, and says no more
than it has to. That Ctrl-C takes less than two seconds is measured by `python tests/benchmarks/stopping.py`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SEARCH = {"device": "raspi4", "space": "fbnet", "budget_ms": 60.0, "proxies": ["flops"], "evaluations": 20_000}


@pytest.fixture
def temporary(processes: Any) -> Iterator[Path]:
    """The folder for temporary files of the processes, with a name that is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="hwnas-") as name:
        processes.environment["TMPDIR"] = name
        yield Path(name)


class Callers:
    """Two that are still waiting when the server stops: one for events, one whose body never arrives in full."""

    def __init__(self, port: int, job: str) -> None:
        self._events = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(f"/v1/jobs/{job}/events",))
        self._thread.start()
        self._half = socket.create_connection(("127.0.0.1", port), timeout=30)
        head = "POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99"
        self._half.sendall(f"{head}\r\n\r\n{{".encode())
        time.sleep(0.5)  # both have arrived

    def _listen(self, address: str) -> None:
        with self._events.stream("GET", address) as answer:
            for _ in answer.iter_lines():
                pass
        self.ended.set()  # not broken off

    def answer_to_half(self) -> bytes:
        """What the second one is told."""
        answer = b""
        while part := self._half.recv(4096):
            answer += part
        return answer

    def close(self) -> None:
        self._half.close()
        self._thread.join()
        self._events.close()


def tell(process: subprocess.Popen[bytes], number: int, times: int) -> None:
    """A signal for all processes, as a terminal sends it; `timeout` sends it to the first once more."""
    for _ in range(times):
        os.killpg(process.pid, number)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "times"),
    [
        (signal.SIGINT, 2),
        pytest.param(signal.SIGINT, 1, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 1, marks=pytest.mark.slow),
    ],
)
def test_a_server_that_is_told_to_stop_ends_cleanly(
    processes: Any, temporary: Path, until: Callable[..., Any], number: int, times: int
) -> None:
    server = processes.serve()
    job = httpx.post(f"{processes.address}/v1/pareto", json=SEARCH).json()["links"]["self"]
    until(lambda: httpx.get(processes.address + job).json()["state"] == "running")
    callers = Callers(processes.port, job.rpartition("/")[2])
    tell(server, number, times)
    answer = callers.answer_to_half()
    assert server.wait(timeout=20) == 0
    callers.close()
    assert callers.ended.is_set()
    assert b" 503 " in answer.split(b"\r\n")[0] and b"got one that stops" in answer
    until(lambda: processes.running() == [])
    assert list(temporary.iterdir()) == []
    log = processes.log(server)
    assert '"event": "listening"' in log and "Traceback" not in log and "Cancelled" not in log
    assert processes.states() == ["queued"]


def helpers(processes: Any) -> list[int]:
    """Processes that compute scores for a job, by our user folder: a search has a cache of its own."""
    ours, found = f"HWNAS_HOME={processes.folder / 'home'}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (
                ours in (place / "environ").read_bytes().split(b"\0")
                and b"spawn_main" in (place / "cmdline").read_bytes()
            ):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def test_processes_that_share_the_work_of_a_job_end_with_it(
    processes: Any, temporary: Path, until: Callable[..., Any]
) -> None:
    pytest.importorskip("torch")
    server = processes.serve()
    question = {**SEARCH, "proxies": ["l2_norm"]}
    httpx.post(f"{processes.address}/v1/pareto", json=question, timeout=60)
    until(lambda: helpers(processes))
    tell(server, signal.SIGINT, 1)
    assert server.wait(timeout=20) == 0
    assert helpers(processes) == []
    until(lambda: processes.running() == [])
    log = processes.log(server)
    assert "UserWarning" not in log and "Traceback" not in log, log
    assert processes.states() == ["queued"]


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.5, 2.5, 4.0, 8.0])
@pytest.mark.parametrize("arguments", [("serve", "--demo"), ("serve",), ("worker",)], ids=" ".join)
def test_whenever_it_is_interrupted_nothing_stays(
    processes: Any, temporary: Path, until: Callable[..., Any], arguments: tuple[str, ...], after_s: float
) -> None:
    """From the first imports to the first jobs."""
    port = ("--port", str(processes.port)) if "serve" in arguments else ()
    process = processes.start(*arguments, *port)
    time.sleep(after_s)
    tell(process, signal.SIGINT, 2)
    assert process.wait(timeout=20) in (0, 1)  # 1: nothing had begun yet
    until(lambda: processes.running() == [])
    assert "Traceback" not in processes.log(process)
    if left := list(temporary.iterdir()):  # of a worker that took too long to start, and was killed for it
        worker = processes.start("worker")
        until(lambda: '"event": "worker"' in processes.log(worker))
        assert not any(path.exists() for path in left)


@pytest.mark.slow
def test_an_interrupt_reaches_a_server_in_the_background_of_a_shell(processes: Any, until: Callable[..., Any]) -> None:
    """Such a shell has its children ignore SIGINT; who sends one to the server means it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = processes.serve()
    finally:
        signal.signal(signal.SIGINT, before)
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=20) == 0
    until(lambda: processes.running() == [])
    assert "Traceback" not in processes.log(server)


def test_a_port_that_is_taken_is_said(processes: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", processes.port)):
        server = processes.start("serve", "--port", str(processes.port))
        assert server.wait(timeout=60) == 2
    log = processes.log(server)
    assert f"got 127.0.0.1 with port {processes.port} (Address already in use)" in log and log.count("\n") == 1
