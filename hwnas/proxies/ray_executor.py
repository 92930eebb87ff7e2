"""Tasks over a Ray cluster. The only file that imports ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import torch

from hwnas.errors import MissingExtraError, UsageError, WorkerError
from hwnas.proxies.executors import Workers

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")

ADDRESS_VARIABLE: Final = "HWNAS_RAY_ADDRESS"


def over_ray(
    function: Callable[[State, Task], Result], state: State, tasks: Sequence[Task], workers: Workers
) -> Generator[tuple[int, Result], None, None]:
    """One actor with one core (and one GPU, where asked for) per worker; closing ends the actors at once.

    The cluster: that of the address in HWNAS_RAY_ADDRESS, else one that runs on this machine, else a local one is
    started and ended. Its machines need the same hwnas and torch. Without a count, as many actors as it has cores, or
    GPUs. Raises `MissingExtraError`, `UsageError` where the address leads nowhere, and `WorkerError`.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError("the executor 'ray'", "ray") from None
    with _connected(ray, workers):
        actors = [_actor(ray, function, state, workers) for _ in range(_count(ray, workers, len(tasks)))]
        try:
            yield from _results(ray, actors, tasks)
        finally:
            for actor in actors:
                ray.kill(actor)


@contextmanager
def _connected(ray: Any, workers: Workers) -> Iterator[None]:
    """Connected to a cluster inside the block; a connection that was there before stays."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "configure_logging": False}
    address = os.environ.get(ADDRESS_VARIABLE)
    try:
        ray.init(address=address or "auto", **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address:
            raise UsageError(
                f"expected a Ray cluster at {ADDRESS_VARIABLE}={address}, got: {error}; start it, or unset the variable"
            ) from error
        ray.init(address="local", num_cpus=workers.count, include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


def _count(ray: Any, workers: Workers, tasks: int) -> int:
    """Actors to start: never more than tasks, or than the cluster can hold."""
    kind = "GPU" if workers.gpu else "CPU"
    held = int(ray.cluster_resources().get(kind, 0))
    if not held:
        raise UsageError(f"expected a Ray cluster with a {kind}, got none; add a machine that has one")
    return min(workers.count or held, held, tasks)


def _actor(ray: Any, function: Callable[[State, Task], Result], state: State, workers: Workers) -> Any:
    return ray.remote(num_cpus=1, num_gpus=int(workers.gpu))(_Worker).remote(function, state)


class _Worker:
    """Lives in a process of the cluster and holds the state that all its tasks share."""

    def __init__(self, function: Callable[[Any, Any], Any], state: Any) -> None:
        torch.set_num_threads(1)
        self._function, self._state = function, state

    def run(self, task: Any) -> Any:
        """Result of one task."""
        return self._function(self._state, task)


def _results(ray: Any, actors: Sequence[Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Each actor has one task at a time and gets the next one when it is done."""
    waiting = iter(enumerate(tasks))
    running: dict[Any, tuple[int, Any]] = {}
    idle = list(actors)
    while True:
        for actor, (number, task) in zip(idle, waiting, strict=False):
            running[actor.run.remote(task)] = (number, actor)
        if not running:
            return
        (done,), _ = ray.wait(list(running), num_returns=1)
        number, actor = running.pop(done)
        idle = [actor]
        yield number, _value(ray, done)


def _value(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayActorError as error:
        raise WorkerError(
            f"expected Ray's workers to live until their tasks are done, got: {error}; "
            "look at the cluster, or give fewer workers"
        ) from error
