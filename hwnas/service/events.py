"""Progress of a job as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from hwnas.service.job_forms import job_form
from hwnas.service.service import require_job, service_of
from hwnas.service.store import FINAL, Job, StoreError
from hwnas.service.store.jobs import find_job

INTERVAL_S: Final = 0.25
QUIET_S: Final = 10.0  # a comment now and then tells proxies and us that both ends are there


async def job_events(request: Request, job: str) -> Response:
    """An event whenever the job changes. Raises `NotFoundError`."""
    first = await run_in_threadpool(require_job, request, job)
    return StreamingResponse(
        _stream(request, first), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _stream(request: Request, job: Job) -> AsyncIterator[str]:
    database, stopping, known, quiet = service_of(request).database, request.app.state.stopping, -1, 0.0
    while True:
        if job.version != known:
            known, quiet = job.version, 0.0
            yield f"id: {job.version}\nevent: job\ndata: {json.dumps(asdict(job_form(job)))}\n\n"
        if job.state in FINAL or stopping.is_set() or await request.is_disconnected():
            return
        await asyncio.sleep(INTERVAL_S)
        quiet += INTERVAL_S
        if quiet >= QUIET_S:
            quiet = 0.0
            yield ": still here\n\n"
        try:
            found = await run_in_threadpool(find_job, database, job.id)
        except StoreError:  # locked for a moment: the next look will tell
            continue
        if found is None:  # pruned
            return
        job = found
