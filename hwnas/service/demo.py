"""Something to look at: a database of its own for a while, with a device and jobs that anybody might have asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Final

import numpy as np

from hwnas.api.adapt import AdaptSettings
from hwnas.api.predict import predict
from hwnas.service.settings import Settings, sqlite_url
from hwnas.service.store import open_database
from hwnas.service.store.jobs import Asked, submit
from hwnas.service.temporary import own_folder
from hwnas.service.uploads import pack_measurements
from hwnas.service.world import world_of_scores
from hwnas.spaces import get_space

OWNER: Final = "demo"
NAME: Final = "demo-board"
_LIKE: Final = "raspi4"
_SLOWER: Final = 1.4


@contextmanager
def demo(settings: Settings) -> Iterator[Settings]:
    """The settings with a database and a user folder that are gone afterwards, and three jobs that wait in it.

    The device is made up: a Raspberry Pi 4 that is slower by 40 %, with 2 % of noise; its title says so.
    """
    before = os.environ.get("HWNAS_HOME")
    with own_folder() as folder:
        os.environ["HWNAS_HOME"] = str(folder / "home")  # the worker's process inherits it
        found = replace(settings, database=sqlite_url(folder / "jobs.sqlite"))
        database = open_database(found.database_url)
        for asked in (_device(), _scores(), _table()):
            submit(database, asked, owner=OWNER, most=9)
        database.close()
        try:
            yield found
        finally:
            os.environ.pop("HWNAS_HOME")
            if before is not None:
                os.environ["HWNAS_HOME"] = before


def _device() -> Asked:
    space = get_space("nasbench201")
    names = [str(index) for index in space.index(space.sample(15, seed=0)).tolist()]
    known = predict(names, device=_LIKE, target="latency", source="predicted")
    noise = np.random.default_rng(0).lognormal(0, 0.02, len(names)) * _SLOWER
    rows = [
        f"{net.index},{(net.costs['latency_ms'].mean or 0.0) * factor:.4f}"
        for net, factor in zip(known.nets, noise, strict=True)
    ]
    settings = asdict(AdaptSettings(title="Made-up board of the demonstration", batch_size=1))
    request = {"name": NAME, "space": None, "dataset": None, "settings": settings, "after": None}
    payload = pack_measurements(["\n".join(["architecture,latency_ms", *rows]).encode()])
    return Asked(kind="adapt", request=request, payload=payload)


def _scores() -> Asked:
    asked = {"architectures": ["1462", "6900", "11700"], "proxies": ["synflow", "naswot"], "fresh": True}
    asked |= {"space": "nasbench201", "dataset": None, "seed": 0, "batch_size": 64}
    return Asked(kind="score", request=asked, again=world_of_scores("nasbench201", tables=False))


def _table() -> Asked:
    asked = {"space": "nasbench201", "dataset": None, "proxies": ["naswot"], "seed": 0, "limit": 200}
    asked |= {"executor": "process", "workers": 1}
    return Asked(kind="score-table", request=asked, again=world_of_scores("nasbench201", tables=False))
