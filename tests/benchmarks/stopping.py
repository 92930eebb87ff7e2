"""How long Ctrl-C takes: `python tests/benchmarks/stopping.py [--times N] [--demo]` starts a service and stops it.

Each time with a job under way (a search that takes minutes) and a caller who listens to its events; the seconds from
the signal, which goes to every process as a terminal sends it, to the end of the server's process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SEARCH = {"device": "raspi4", "space": "fbnet", "budget_ms": 60, "proxies": ["flops"], "evaluations": 20_000}


def ask(address: str, body: dict | None = None) -> dict:
    """What the service answers."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def patiently(address: str, body: dict | None = None) -> dict:
    """The same of a service that may not listen yet."""
    for _ in range(600):
        try:
            return ask(address, body)
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def listen(address: str) -> None:
    """Take all events of a job."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        answer.read()


def seconds_to_stop(folder: str, *options: str) -> tuple[float, int]:
    """One start and stop: seconds, and the exit code."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "hwnas", "serve", "--quiet", "--port", str(port), *options]
    kept = {"HWNAS_HOME": f"{folder}/home", "HWNAS_DATABASE": f"sqlite:///{folder}/jobs.sqlite"}
    server = subprocess.Popen(command, start_new_session=True, env={**os.environ, **kept})
    job = patiently(f"http://127.0.0.1:{port}/v1/pareto", SEARCH)["links"]["self"]
    while ask(f"http://127.0.0.1:{port}{job}")["state"] != "running":
        time.sleep(0.1)
    caller = threading.Thread(target=listen, args=(f"http://127.0.0.1:{port}{job}/events",))
    caller.start()
    time.sleep(0.5)
    began = time.monotonic()
    os.killpg(server.pid, signal.SIGINT)
    code = server.wait()
    took = time.monotonic() - began
    caller.join()
    return took, code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--demo", action="store_true")
    wanted = parser.parse_args()
    found = []
    for _ in range(wanted.times):
        with tempfile.TemporaryDirectory() as folder:
            took, code = seconds_to_stop(folder, *(["--demo"] if wanted.demo else []))
        found.append(took)
        print(f"{took:.2f} s, exit code {code}", flush=True)
    print(f"median {statistics.median(found):.2f} s, longest {max(found):.2f} s; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
