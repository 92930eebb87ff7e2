"""Routes that may have to wait, for a database or a file, each in one of a bounded number of threads.

FastAPI's own threads are not bounded: an answer whose time is over gives its place away while its thread goes on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Final, final

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from hwnas.service.service import service_of


@final
class _ThreadRoute(APIRoute):
    """A route whose function, unless it is a coroutine, runs in a thread of the service."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        waits = not inspect.iscoroutinefunction(endpoint)
        super().__init__(path, _in_thread(endpoint) if waits else endpoint, **options)


def new_router(tag: str) -> APIRouter:
    """A router of one resource; functions of its routes have a parameter `request`."""
    return APIRouter(tags=[tag], route_class=_ThreadRoute)


def _in_thread(endpoint: Callable[..., Response]) -> Callable[..., Any]:
    async def answer(request: Request, **values: Any) -> Response:
        return await service_of(request).in_thread(partial(endpoint, request=request, **values))

    copied: Final = ("__module__", "__name__", "__qualname__", "__doc__")
    for name in copied:
        setattr(answer, name, getattr(endpoint, name))
    # With the types themselves: as texts they would be looked up in this module.
    answer.__signature__ = inspect.signature(endpoint, eval_str=True)  # type: ignore[attr-defined]
    return answer
