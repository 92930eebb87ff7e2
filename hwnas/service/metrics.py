"""Counters and durations in the form of Prometheus. The only importer of prometheus_client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

from fastapi import Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@final
class Metrics:
    """What one process counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("hwnas_requests", "Requests by route and status.", labels, registry=self._registry)
        self._seconds = Histogram(
            "hwnas_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=self._registry
        )
        self._jobs = Gauge("hwnas_jobs", "Jobs by state.", ("state",), registry=self._registry)

    def count(self, request: Request, status: int, seconds: float) -> None:
        """A request that was answered; its route, not its path, which callers could make many of."""
        route = getattr(request.scope.get("route"), "path", "other")
        self._requests.labels(request.method if len(request.method) < 8 else "OTHER", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, jobs: Mapping[str, int]) -> bytes:
        """Everything, with how many jobs there are in each state."""
        for state in ("queued", "running", "done", "failed", "cancelled"):
            self._jobs.labels(state).set(jobs.get(state, 0))
        return generate_latest(self._registry)


METRICS: Final = Metrics()
