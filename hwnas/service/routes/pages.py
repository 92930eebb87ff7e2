"""The page, the documentation of the API, and its description. Every file comes from here, none from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from hwnas.service.answers import plain_json, tagged
from hwnas.service.openapi import describe

router: Final = APIRouter(include_in_schema=False)
HERE: Final = Path(__file__).parents[1]


@router.get("/")
def index() -> Response:
    """The page."""
    return FileResponse(HERE / "page" / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/docs")
def docs() -> Response:
    """The documentation of the API, by Swagger UI."""
    return FileResponse(HERE / "docs" / "index.html", headers={"Cache-Control": "no-cache"})


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The description of the API."""
    return tagged(request, plain_json(describe(request.app)))


def mount(app: FastAPI) -> None:
    """Serve the files of the page and of the documentation."""
    app.mount("/page", StaticFiles(directory=HERE / "page"), name="page")
    app.mount("/docs/assets", StaticFiles(directory=HERE / "docs"), name="docs")
