"""Proxy scores of a whole space, or of a sample of it: what a service computes longest."""

from __future__ import annotations

from typing import Any

from hwnas.api.score import score_table
from hwnas.api.score_forms import ScoreSettings, reason_not_finite
from hwnas.proxies import get_proxy
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
    """The table with a row for each network; a score that JSON cannot hold is None, with its reason beside it."""
    rows = zip(table.network_ids.tolist(), table.scores.tolist(), strict=True)
    nets = [_net(int(number), dict(zip(table.proxies, row, strict=True))) for number, row in rows]
    return {"recipe": dict(table.recipe), "proxies": list(table.proxies), "nets": nets}


def _net(number: int, scores: dict[str, float]) -> dict[str, Any]:
    reasons = {name: reason_not_finite(get_proxy(name), value) for name, value in scores.items()}
    return {
        "network_id": number,
        "scores": {name: None if reasons[name] else value for name, value in scores.items()},
        "reasons": {name: reason for name, reason in reasons.items() if reason},
    }
