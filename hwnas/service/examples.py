"""Examples of answers for the documentation, cut short."""

from __future__ import annotations

from typing import Any, Final

NET: Final[dict[str, Any]] = {
    "arch": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|none~2|",
    "index": 11700,
    "benchmark_index": None,
    "network_id": 11700,
    "rank": 1,
    "score": 48.86,
    "costs": {"energy_mj": {"mean": 8.2, "lower": 7.9, "upper": 8.7}},
    "accuracy_percent": 91.55,
}
FRONT: Final[dict[str, Any]] = {
    "id": "eyJidWRnZXRfbWoiOjIwLjAsImRldmljZSI6ImpldHNvbi10eDIiLCJwcm94aWVzIjpbInplbiJdfQ",
    "space": "nasbench201",
    "dataset": "cifar10",
    "device": "jetson-tx2",
    "seed": 0,
    "raw": False,
    "confidence": None,
    "interval_level": 0.9,
    "accuracy_source": "analog-nasbench 0.1.3, accuracy on cifar10",
    "reference_point": {"energy_mj": 20.0, "accuracy_percent": 90.41},
    "objectives": [
        {
            "id": "energy_mj",
            "device": "jetson-tx2",
            "unit": "mJ",
            "direction": "min",
            "bound": 20.0,
            "source": "predicted by MLP, trained on 10938 nets, median error 1.3 %, out of fold",
            "measured": False,
        }
    ],
    "other_costs": [],
    "fronts": [
        {
            "name": "zen",
            "role": "proxy",
            "method": "exhaustive",
            "evaluations": 15625,
            "nets": [NET],
            "comparison": {
                "k": 20,
                "relative_hypervolume": 0.669,
                "igd_plus": 0.229,
                "accuracy_lost_points": 1.69,
                "infeasible": 0.0,
                "reason_if_null": None,
            },
            "source": "Lin 2021, arXiv:2102.01063, algorithm 1",
        }
    ],
    "notes": [],
    "schema_version": 1,
    "hwnas_version": "0.1.0",
}
CANDIDATES: Final[dict[str, Any]] = {
    "id": FRONT["id"],
    "architectures": 15625,
    "index": [0, 7812, 15624],
    "feasible": [True, True, False],
    "costs": {"energy_mj": [2.1, 12.4, 33.0]},
    "scores": {"zen": [None, 70.1, 120.5]},
    "accuracy_percent": [10.0, 89.2, 93.1],
}
