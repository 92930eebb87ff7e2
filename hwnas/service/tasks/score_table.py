"""Proxy scores of a whole space, or of a sample of it: what a service computes longest."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings
from hwnas.proxies.table import ScoreTable
from hwnas.service.tasks.task import Made, Work


def run(work: Work) -> Made:
    """Score the networks, resuming from the table as it was saved last."""
    asked = work.request
    path = work.folder / "table.npz"
    if work.checkpoint:
        path.write_bytes(work.checkpoint)
    settings = ScoreSettings(
        seed=asked["seed"], limit=asked["limit"], executor=asked["executor"], workers=asked["workers"], device="cpu"
    )

    def step(done: int, total: int) -> None:
        if path.exists():
            work.save(path.read_bytes)
        work.progress(done, total)

    where = {name: asked[name] for name in ("space", "dataset", "proxies")}
    saved = score_table(settings=settings, out=path, progress=step, **where)
    return Made(result=_plain(saved.table))


def _plain(table: ScoreTable) -> dict[str, Any]:
    """The table with a row for each network; a score that JSON cannot hold is None."""
    nets = [
        {"network_id": int(number), "scores": dict(zip(table.proxies, map(_number, row), strict=True))}
        for number, row in zip(table.network_ids.tolist(), table.scores.tolist(), strict=True)
    ]
    return {"recipe": dict(table.recipe), "proxies": list(table.proxies), "nets": nets}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
