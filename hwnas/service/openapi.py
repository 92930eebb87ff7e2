"""The description of the service: what FastAPI finds in the routes, and the forms that routes name by reference."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hwnas.api.adapt_forms import AdaptResult
from hwnas.api.predict import PredictResult
from hwnas.results import ParetoResult, form_schemas
from hwnas.service.job_forms import JobForm
from hwnas.service.problems import Problem
from hwnas.version import __version__

_ABOUT = "Networks with the most accuracy within a time and energy budget on a real device."


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI of the application; made once."""
    if app.openapi_schema:
        return app.openapi_schema
    found = get_openapi(title="hwnas", version=__version__, summary=_ABOUT, routes=app.routes)
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(form_schemas(ParetoResult, PredictResult, AdaptResult, JobForm, Problem))
    schemas["Front"] = _front(schemas["ParetoResult"])
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}, {}]
    app.openapi_schema = found
    return found


def _front(result: dict[str, Any]) -> dict[str, Any]:
    """An answer with its id; every field is always there."""
    about = {"type": "string", "description": "The question as text: `GET /v1/fronts/{id}` answers it again."}
    properties = {"id": about, **result["properties"]}
    return {**result, "title": "Front", "properties": properties, "required": list(properties)}
