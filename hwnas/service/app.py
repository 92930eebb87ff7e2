"""The application: routes behind a guard, with our errors, our OpenAPI, and pages whose every file is served by us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from hwnas.errors import HwnasError
from hwnas.service.guard import Guard
from hwnas.service.openapi import describe
from hwnas.service.problems import on_error, on_http_error, on_wrong_values
from hwnas.service.routes import adapt, devices, health, jobs, listings, networks, pages, pareto, predict, score
from hwnas.service.service import Service
from hwnas.service.settings import Settings
from hwnas.service.store import open_database
from hwnas.service.sync import DeviceFolder

_RESOURCES: Final = (pareto, predict, score, adapt, devices, listings, networks, jobs, health, pages)


def create_app(settings: Settings) -> Any:
    """The ASGI application of a service. Raises what `open_database` raises."""
    app = FastAPI(
        title="hwnas", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=_lifespan
    )
    database = open_database(settings.database_url)
    app.state.stopping, app.state.workers = asyncio.Event(), None  # beside a server, who looks after them
    app.state.service = Service(
        settings=settings, database=database, devices=DeviceFolder(database), stopping=app.state.stopping
    )
    for resource in _RESOURCES:
        app.include_router(resource.router)
    app.add_exception_handler(HwnasError, on_error)
    app.add_exception_handler(Exception, on_error)  # raised again after the answer: the guard logs it
    app.add_exception_handler(RequestValidationError, on_wrong_values)
    app.add_exception_handler(HTTPException, on_http_error)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    pages.mount(app)
    return Guard(app, settings=settings)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Streams end when the server stops, no answer is begun, and the database is closed."""
    yield
    app.state.stopping.set()
    app.state.service.close()
