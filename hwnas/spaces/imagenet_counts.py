"""Parameters and multiply-accumulates of the named ImageNet models, shipped so that they are known without torch.

`python -m hwnas.spaces.imagenet_counts` counts them again (extras `torch` and `models`) and writes the file.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.folders import write_whole
from hwnas.spaces.imagenet_families import MODELS, ImageNetModel

IMAGE_SIZE: Final = 224
_FILE: Final = Path(__file__).with_name("imagenet_counts.json")


@cache
def shipped_counts() -> Integer[Array, "m 2"]:
    """Parameters and multiply-accumulates for one image of 224 x 224, one row per model of `MODELS`."""
    counts = json.loads(_FILE.read_text(encoding="utf-8"))
    return np.array([counts[model.name] for model in MODELS], dtype=np.int64)


def count(model: ImageNetModel) -> tuple[int, int]:
    """The same of one model, by torch's flop counter on tensors without data."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from hwnas.spaces.imagenet_module import Network

    with torch.device("meta"), torch.no_grad():
        network = Network(model).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, IMAGE_SIZE, IMAGE_SIZE))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() // 2


def main() -> None:
    """Count every model and write the file that is shipped."""
    lines = [f"{json.dumps(model.name)}: {json.dumps(count(model))}" for model in MODELS]
    write_whole(_FILE, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


if __name__ == "__main__":
    main()
