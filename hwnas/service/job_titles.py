"""What a job does, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hwnas.errors import HwnasError
from hwnas.service.forms import ParetoBody
from hwnas.service.searches import needs_search
from hwnas.service.store import Kind

_DECIDES: Final = ("space", "dataset", "method")  # whether a front needs a search


def job_title(kind: Kind, request: Mapping[str, Any]) -> str:
    """Such as "a search of fbnet for raspi4 by params"; of requests of earlier versions what they have."""
    return " ".join(part for part in (_what(kind, request), _by(request)) if part)


def _what(kind: Kind, request: Mapping[str, Any]) -> str:
    device, dataset = request.get("device"), request.get("dataset")
    of = f"of {request.get('space')}{f' on {dataset}' if dataset else ''}"
    if kind == "pareto":
        return f"{_front(request)} {of} for {device}"
    if kind == "adapt":
        what = "more measurements of" if (request.get("settings") or {}).get("add") else "a model of the device"
        return f"{what} {request.get('name')}"
    if kind == "predict-onnx":
        return f"costs of a model on {device}"
    if kind == "score-table":
        limit = request.get("limit")
        return f"scores of {'all' if limit is None else f'{limit:,}'} networks {of}"
    networks = len(request.get("architectures") or ())
    many = f"{networks:,} network{'' if networks == 1 else 's'} {of}"
    return f"costs of {many} for {device}" if kind == "predict" else f"scores of {many}"


def _front(request: Mapping[str, Any]) -> str:
    """A search, or no more than the costs of a list of networks."""
    try:
        searches = needs_search(ParetoBody(device="-", **{name: request[name] for name in _DECIDES}))
    except (HwnasError, KeyError):  # its space is known no more, or the request is of an earlier version
        return "a front"
    return "a search" if searches else "costs of the networks"


def _by(request: Mapping[str, Any]) -> str:
    return f"by {', '.join(request['proxies'])}" if request.get("proxies") else ""
