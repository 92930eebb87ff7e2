"""The process of a worker: its signals, and its end."""

from __future__ import annotations

import os
import signal
import sys
import threading

from hwnas.service.logs import start_logging
from hwnas.service.settings import Settings
from hwnas.service.store import open_database
from hwnas.service.worker import Worker


def work(settings: Settings, *, slots: int = 2, attached: bool = False, verbose: bool = True) -> None:
    """Work until Ctrl-C or a supervisor's end. attached: or until standard input closes, with whoever started us."""
    start_logging(verbose=verbose)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if attached:
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by libraries when a job's process loads them
    database = open_database(settings.database_url)
    try:
        Worker(database, settings, slots=slots).run(stop.is_set)
    finally:
        database.close()


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()
