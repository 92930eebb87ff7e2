"""How tasks are spread over workers: a function over many tasks, results as they come. A new way is one line here.

The parent alone saves and decides when to stop. Whoever closes the iterator of results cancels the tasks that have not
begun; workers take no notice of Ctrl-C. Every worker computes on one thread: networks are independent, threads inside
small convolutions are not, and sums come out the same wherever they are taken.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context, parent_process
from multiprocessing.resource_tracker import ensure_running
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

import torch

from hwnas.errors import HwnasError, UnknownNameError, UsageError, WorkerError, tell_once
from hwnas.proxies.freed_memory import keep_freed_memory
from hwnas.proxies.kept_pool import give_back, pool_for
from hwnas.user_code import told

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")
PATIENCE_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How many workers there are (None: as many as the executor has cores for), and what each needs.

    gpu: a GPU of its own.
    """

    count: int | None = None
    gpu: bool = False


@runtime_checkable
class Executor(Protocol):
    """Yields (number of a task, `function(state, task)`) as tasks are done, in any order.

    `function` can be imported by its name; `state` travels once to each worker. What `function` raises is raised here.
    Raises `WorkerError` where a worker dies.
    """

    def __call__(
        self, function: Callable[[State, Task], Result], state: State, tasks: Sequence[Task], workers: Workers
    ) -> Generator[tuple[int, Result], None, None]:
        """Start the workers, hand out the tasks."""


def over_processes(
    function: Callable[[State, Task], Result], state: State, tasks: Sequence[Task], workers: Workers
) -> Generator[tuple[int, Result], None, None]:
    """Over processes of this machine; closing waits for the tasks under way. They are kept within `keep_pool`.

    The script that runs is not run by them: what `function` and `state` need can be imported from elsewhere. Raises
    `UsageError` too where it cannot.
    """

    def start() -> ProcessPoolExecutor:
        work = pickle.dumps((function, state))
        return ProcessPoolExecutor(workers.count, mp_context=get_context("spawn"), initializer=_start, initargs=(work,))

    digest, pool = pool_for((function, state, workers), start)
    numbers: dict[Future[Result], int] = {}
    usable = True
    try:
        with _hidden_script(), _held_interrupts():
            numbers = {pool.submit(_run, task): number for number, task in enumerate(tasks)}  # starts the processes
        for future in as_completed(numbers):
            yield numbers[future], future.result()
    except BrokenProcessPool as error:
        usable = False
        raise WorkerError(
            "expected worker processes to live until their tasks are done, got one that ended at once (killed, or out "
            "of memory); give fewer workers or smaller batches"
        ) from error
    finally:
        _wait_for([future for future in numbers if not future.cancel()])
        give_back(digest, pool, usable=usable)


def _wait_for(under_way: Sequence[Future[Any]]) -> None:
    """Until they are done; who waits long after Ctrl-C is told what for."""
    if wait(under_way, timeout=PATIENCE_SECONDS).not_done:
        tell_once("note: stopping; what the worker processes have under way is finished first")
        wait(under_way)


@contextmanager
def _hidden_script() -> Iterator[None]:
    """Processes that start within do not import what their parent runs: a script that asks for scores in its first
    line would ask again in each of them, and one that is read from the standard input is nowhere to be found."""
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in hidden:
        del main.__file__
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


@contextmanager
def _held_interrupts() -> Iterator[None]:
    """Processes that start within take no notice of Ctrl-C from their first moment on; it reaches this one afterwards.

    `_start` comes after the import of torch, seconds that would end in a traceback for each of them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    ensure_running()  # it unblocks Ctrl-C where it has yet to start
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def over_ray(
    function: Callable[[State, Task], Result], state: State, tasks: Sequence[Task], workers: Workers
) -> Generator[tuple[int, Result], None, None]:
    """Over a Ray cluster, see `ray_executor.py`. Raises `MissingExtraError` without the extra `ray`."""
    from hwnas.proxies.ray_executor import over_ray as run

    return run(function, state, tasks, workers)


EXECUTORS: Final[dict[str, Executor]] = {"process": over_processes, "ray": over_ray}


def get_executor(name: str) -> Executor:
    """The executor called `name`. Raises `UnknownNameError`."""
    if name not in EXECUTORS:
        raise UnknownNameError("executor", name, EXECUTORS)
    return EXECUTORS[name]


_packed: bytes | None = None  # in a worker process alone, where it is set once


def in_worker() -> bool:
    """Whether this process is a worker of `over_processes`."""
    return _packed is not None


def _start(work: bytes) -> None:
    global _packed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop, and saves
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()
    _packed = work


def _end_with_parent() -> None:
    """Nobody would save what a worker computes after its parent was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(task: Any) -> Any:
    function, state = _unpacked()
    return function(state, task)


@cache
def _unpacked() -> tuple[Callable[[Any, Any], Any], Any]:
    """Function and state; with the first task, as an error while a worker starts would reach nobody."""
    assert _packed is not None
    try:
        return pickle.loads(_packed)  # type: ignore[no-any-return]
    except HwnasError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"expected worker processes to import what they compute with, got {told(error)}; mend it there, or give "
            "one worker"
        ) from error
