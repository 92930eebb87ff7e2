"""The server of one process: the application behind uvicorn, and a worker beside it. The only importer of uvicorn."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any, Final, final

import uvicorn

from hwnas.service.app import create_app
from hwnas.service.logs import log_event, start_logging
from hwnas.service.settings import DATABASE_VARIABLE, Settings

GRACE_S: Final = 1  # for answers under way, once somebody wants the server to stop


@final
class Server(uvicorn.Server):
    """A server whose streams end when it is told to stop, and not only after them."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Ctrl-C, or a supervisor's end."""
        self.config.app.state.stopping.set()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


def serve(settings: Settings, *, workers: int = 1, verbose: bool = True) -> None:
    """Answer requests until somebody wants an end, with `workers` processes that work on jobs."""
    start_logging(verbose=verbose)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=32 * 1024,
        lifespan="on",
    )
    beside = [_start_worker(settings) for _ in range(workers)]
    log_event("listening", address=f"http://{settings.host}:{settings.port}/", workers=workers)
    try:
        with suppress(KeyboardInterrupt):
            Server(config).run()
    finally:
        for process in beside:
            _stop_worker(process)


def _start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """A worker that ends with us: its standard input is a pipe that closes when we are gone, however that happens."""
    # By the environment: a command line, which everyone on the machine can read, must not hold the password.
    environment = {**os.environ, DATABASE_VARIABLE: settings.database_url}
    command = [sys.executable, "-m", "hwnas", "worker", "--attached"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)


def _stop_worker(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=1.5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
