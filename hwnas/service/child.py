"""The process that does one job: with limits on its memory and time, and gone as soon as its worker is gone."""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, final

from hwnas.errors import HwnasError
from hwnas.service.logs import facts_of
from hwnas.service.problems import problem_of, refusal
from hwnas.service.store import Kind
from hwnas.service.tasks import Stopped, Work, get_task

REPORT_S: Final = 0.2  # progress is told so often
SAVE_S: Final = 3.0  # checkpoints are kept so often


@final
@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to do, in which empty folder, and what it may use: bytes of address space (None: no limit),
    seconds of processor time. seen: revision of the device that it is about to change, 0 where there is none."""

    kind: Kind
    request: dict[str, Any]
    payload: bytes | None
    checkpoint: bytes | None
    folder: Path
    memory: int | None
    seconds: int
    seen: int = 0


def work(channel: Connection, order: Order) -> None:
    """Do the job and tell how it went: ("progress", done, total), ("saved", bytes), and last one of ("done", Made),
    ("failed", problem), ("fault", what the worker logs of it) or ("stopped", checkpoint or None)."""
    with suppress(PermissionError):  # a session of its own has it already
        os.setsid()  # processes that share the work end with it, see `end_with_helpers`
    stop = threading.Event()
    threading.Thread(target=_listen, args=(channel, stop), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when to stop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    report = _Report(channel, stop)
    os.chdir(order.folder)
    _limit(order)
    channel.send(_outcome(order, report))


def _outcome(order: Order, report: _Report) -> tuple[str, Any]:
    try:
        made = get_task(order.kind)(
            Work(
                request=order.request,
                payload=order.payload,
                checkpoint=order.checkpoint,
                folder=order.folder,
                progress=report.progress,
                save=report.save,
            )
        )
        json.dumps(made.result, allow_nan=False)  # what JSON cannot hold is a fault of ours, told here and not later
        return "done", made
    except Stopped:
        return "stopped", report.last()
    except HwnasError as error:
        return "failed", problem_of(error)
    except MemoryError:
        return "failed", refusal(422, f"expected work within {(order.memory or 0) / 1024**3:.3g} GiB; ask for less")
    except Exception as error:
        return "fault", facts_of(error)


@final
class _Report:
    """Tells the worker now and then."""

    def __init__(self, channel: Connection, stop: threading.Event) -> None:
        self._channel, self._stop = channel, stop
        self._told, self._saved = 0.0, time.monotonic()
        self._content: Callable[[], bytes] | None = None

    def progress(self, done: int, total: int) -> None:
        """A step. Raises `Stopped`."""
        if self._stop.is_set():
            raise Stopped
        if time.monotonic() - self._told > REPORT_S or done == total:
            self._told = time.monotonic()
            self._channel.send(("progress", done, total))

    def save(self, content: Callable[[], bytes]) -> None:
        """A checkpoint, written out where the last one is some seconds old."""
        self._content = content
        if time.monotonic() - self._saved > SAVE_S:
            self._saved = time.monotonic()
            self._channel.send(("saved", content()))

    def last(self) -> bytes | None:
        """The newest checkpoint."""
        return None if self._content is None else self._content()


def _limit(order: Order) -> None:
    if order.memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (order.memory, order.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (order.seconds, order.seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _listen(channel: Connection, stop: threading.Event) -> None:
    """Wait for the worker's word; where it is gone nobody would keep what is done here."""
    try:
        while channel.recv() != "stop":
            pass
        stop.set()
        channel.recv()
    except (EOFError, OSError):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def end_with_helpers(process: BaseProcess) -> None:
    """End a process that works, and those that share its work; nothing where it has ended."""
    if process.is_alive() and process.pid is not None:
        with suppress(ProcessLookupError):  # it has no session of its own yet, nor helpers
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
