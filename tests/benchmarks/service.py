"""Load on a service: `python tests/benchmarks/service.py [--requests N]` starts one and prints what its callers see.

Fifty callers ask `POST /v1/pareto` on NAS-Bench-201, each as soon as it has its answer. `repeated`: each caller has a
budget of its own, as pages and scripts do that ask again. `new`: every request has a budget that nobody asked before,
at a pace that --pace sets (requests a second in all). `bare`: an endpoint of FastAPI that gives back as many
bytes, by the same callers, in the same way. Memory is the server's, after the first thousand requests and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CALLERS = 50
BARE = """
import sys, fastapi, uvicorn
app = fastapi.FastAPI()
body = b"x" * int(sys.argv[2])
@app.post("/v1/pareto")
async def pareto(question: dict) -> fastapi.Response:
    return fastapi.Response(body, media_type="application/json")
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


async def caller(port: int, budgets: Iterator[float], ends: Callable[[], bool], pace_s: float) -> AsyncIterator[tuple]:
    """One caller on one connection: (seconds, status, bytes) of each of its requests. No client library is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not ends():
        body = f'{{"device": "jetson-tx2", "budget_mj": {next(budgets):.6f}, "proxies": ["zen"]}}'
        head = f"POST /v1/pareto HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        began = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        took = time.perf_counter() - began
        yield took, int(answer.split()[1]), length
        if pace_s:
            await asyncio.sleep(max(0.0, pace_s - took))
    writer.close()


async def load(port: int, requests: int, budgets: Callable[[int], Iterator[float]], pace_s: float = 0.0) -> np.ndarray:
    """Rows of (seconds, status, bytes) of at least so many requests by fifty callers."""
    rows: list[tuple] = []

    async def run(number: int) -> None:
        await asyncio.sleep(pace_s * number / CALLERS)
        async for row in caller(port, budgets(number), lambda: len(rows) >= requests, pace_s):
            rows.append(row)

    await asyncio.gather(*(run(number) for number in range(CALLERS)))
    return np.array(rows)


@contextmanager
def server(*command: str, port: int) -> Iterator[subprocess.Popen]:
    """A server that listens, and ends."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HWNAS_DATABASE": f"sqlite:///{folder}/jobs.sqlite", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([sys.executable, *command], env=environment)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait()


def memory_mb(process: subprocess.Popen) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def report(what: str, rows: np.ndarray, seconds: float, memory: str = "") -> None:
    """One line."""
    p50, p99 = np.quantile(rows[:, 0], [0.5, 0.99]) * 1000
    errors = int((rows[:, 1] != 200).sum())
    print(f"{what:<10} {len(rows):>8,} {len(rows) / seconds:>10.0f} {p50:>8.1f} {p99:>8.1f} {errors:>7} {memory}")


def measured(port: int, requests: int, budgets: Callable[[int], Iterator[float]], pace_s: float = 0.0) -> tuple:
    """Rows, and the seconds that they took."""
    began = time.perf_counter()
    return asyncio.run(load(port, requests, budgets, pace_s)), time.perf_counter() - began


def main() -> None:
    """Run all three and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--new", type=int, default=500, help="requests with budgets that are new")
    parser.add_argument("--pace", type=float, default=10.0, help="of those a second")
    parser.add_argument("--port", type=int, default=8799)
    asked = parser.parse_args()
    print(f"{'':<10} {'requests':>8} {'a second':>10} {'p50, ms':>8} {'p99, ms':>8} {'errors':>7} server's memory, MB")
    serve = ("-m", "hwnas", "serve", "--quiet", "--workers", "0", "--rate", "0", "--port", str(asked.port))
    with server(*serve, port=asked.port) as process:
        own = [itertools.repeat(10.0 + number / 4) for number in range(CALLERS)]
        measured(asked.port, 1000, own.__getitem__)
        before = memory_mb(process)
        rows, seconds = measured(asked.port, asked.requests, own.__getitem__)
        report("repeated", rows, seconds, f"{before:.0f} -> {memory_mb(process):.0f}")
        fresh = (10.0 + number / 997 for number in itertools.count())
        new, seconds = measured(asked.port, asked.new, lambda _: fresh, CALLERS / asked.pace)
        report("new", new, seconds, f"-> {memory_mb(process):.0f}")
    size = int(np.median(rows[:, 2]))
    with server("-c", BARE, str(asked.port + 1), str(size), port=asked.port + 1):
        bare, seconds = measured(asked.port + 1, asked.requests, lambda _: itertools.repeat(20.0))
        report("bare", bare, seconds)
    ratio = np.quantile(rows[:, 0], 0.99) / np.quantile(bare[:, 0], 0.99)
    print(f"p99 repeated / bare: {ratio:.1f}; answers of {size:,} bytes")


if __name__ == "__main__":
    main()
