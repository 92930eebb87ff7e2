"""Heavy jobs over a Ray cluster: the service's worker asks, the cluster's processes compute, and go with the job."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hwnas import Client

ASKED = {"space": "nasbench201", "proxies": ["synflow"], "limit": 6, "workers": 2, "seed": 5}


@pytest.mark.slow
def test_a_table_over_ray_is_the_table_of_processes(processes: Any, until: Any) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("torch")
    server = processes.serve()
    tables = []
    with Client(processes.address) as client:
        for executor in ("ray", "process"):
            asked = httpx.post(f"{processes.address}/v1/score/tables", json={**ASKED, "executor": executor})
            assert asked.status_code == 202 and asked.json()["request"]["executor"] == executor
            tables.append(client.wait(asked.json()["id"]))
    assert len(tables[0]["nets"]) == 6 and tables[0] == tables[1]
    server.terminate()
    server.wait()
    until(lambda: processes.running() == [])
