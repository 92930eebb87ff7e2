"""Proxy scores of single networks, one network a step."""

from __future__ import annotations

import json
from typing import Any

from hwnas.api.score import score
from hwnas.api.score_forms import ScoreSettings
from hwnas.service.tasks.task import Made, Work


def run(work: Work) -> Made:
    """Score each network on its own, so that it scores the same whatever was asked beside it or done before."""
    import torch

    torch.set_num_threads(1)  # sums come out the same on any machine's number of cores
    asked = work.request
    settings = ScoreSettings(seed=asked["seed"], batch_size=asked["batch_size"], device="cpu", workers=1)
    architectures: list[str] = asked["architectures"]
    done: list[dict[str, Any]] = json.loads(work.checkpoint) if work.checkpoint else []
    where = {name: asked[name] for name in ("space", "dataset", "proxies", "fresh")}
    references = 0  # networks that a combination ranks among, scored once and kept in the cache

    def step(scored: int, networks: int) -> None:
        nonlocal references
        references = networks
        work.progress(scored + len(done), networks + len(architectures))

    for architecture in architectures[len(done) :]:
        work.progress(references + len(done), references + len(architectures))
        done.append(score([architecture], settings=settings, progress=step, **where).to_dict())
        work.save(lambda: json.dumps(done).encode())
    work.progress(references + len(done), references + len(architectures))
    return Made(result={**done[0], "nets": [net for answer in done for net in answer["nets"]]})
