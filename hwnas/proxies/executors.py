"""How tasks are spread over workers: a function over many tasks, results as they come. A new way is one line here.

The parent alone saves and decides when to stop. Whoever closes the iterator of results cancels the tasks that have not
begun; workers take no notice of Ctrl-C. Every worker computes on one thread: networks are independent, threads inside
small convolutions are not, and sums come out the same wherever they are taken.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.resource_tracker import ensure_running
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

import torch

from hwnas.errors import UnknownNameError, WorkerError
from hwnas.proxies.freed_memory import keep_freed_memory
from hwnas.proxies.kept_pool import give_back, pool_for

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Workers:
    """How many workers there are (None: as many as the executor has cores for), and what each needs.

    gpu: a GPU of its own. script: the script that the parent runs, as what it registers takes part in the work: a
    process imports it first, so that it must start nothing but under `if __name__ == "__main__"`.
    """

    count: int | None = None
    gpu: bool = False
    script: bool = False


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
    """Over processes of this machine; closing waits for the tasks under way. They are kept within `keep_pool`."""

    def start() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            workers.count, mp_context=get_context("spawn"), initializer=_start, initargs=(function, state)
        )

    digest, pool = pool_for((function, state, workers), start)
    numbers: dict[Future[Result], int] = {}
    usable = True
    try:
        with nullcontext() if workers.script else _hidden_script(), _held_interrupts():
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
        wait([future for future in numbers if not future.cancel()])
        give_back(digest, pool, usable=usable)


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


_work: tuple[Callable[[Any, Any], Any], Any]  # set once in each worker process


def _start(function: Callable[[Any, Any], Any], state: Any) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop, and saves
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()
    _work = function, state


def _end_with_parent() -> None:
    """Nobody would save what a worker computes after its parent was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(task: Any) -> Any:
    function, state = _work
    return function(state, task)
