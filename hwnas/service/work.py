"""The process of a worker, and its end."""

from __future__ import annotations

import os
import sys
import threading

from hwnas.service.ending import End
from hwnas.service.logs import start_logging
from hwnas.service.settings import Settings
from hwnas.service.store import open_database
from hwnas.service.temporary import keep_temporary_files_together
from hwnas.service.worker import Worker


def work(settings: Settings, end: End, *, slots: int = 2, attached: bool = False, verbose: bool = True) -> None:
    """Work until the end is wanted. attached: or until standard input closes, with whoever started us."""
    start_logging(verbose=verbose)
    if attached:
        threading.Thread(target=_wait_for_end, args=(end,), daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by libraries when a job's process loads them
    keep_temporary_files_together()
    database = open_database(settings.database_url)
    try:
        Worker(database, settings, slots=slots).run(end.wanted)
    finally:
        database.close()


def _wait_for_end(end: End) -> None:
    sys.stdin.buffer.read()
    end.want()
