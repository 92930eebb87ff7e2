"""Names of spaces, as they arrive from the command line, from HTTP or from files."""

from __future__ import annotations

from typing import Final

from hwnas.errors import UnknownNameError
from hwnas.spaces.accel_nasbench import AccelNASBench
from hwnas.spaces.autoformer import AutoFormer
from hwnas.spaces.darts import DARTS
from hwnas.spaces.fbnet import FBNet
from hwnas.spaces.imagenet_models import ImageNetModels
from hwnas.spaces.nasbench201 import NASBench201
from hwnas.spaces.nasbench_macro import NASBenchMacro
from hwnas.spaces.nats_size import NATSSize
from hwnas.spaces.ofa import OnceForAll
from hwnas.spaces.pit import PiT
from hwnas.spaces.space import Space
from hwnas.spaces.transnas_micro import TransNASMicro

SPACES: Final[dict[str, Space]] = {
    space.name: space
    for space in (
        NASBench201(),
        FBNet(),
        OnceForAll(),
        DARTS(),
        NASBenchMacro(),
        TransNASMicro(),
        NATSSize(),
        AccelNASBench(),
        AutoFormer(),
        PiT(),
        ImageNetModels(),
    )
}


def get_space(name: str) -> Space:
    """The space called `name` or one of its aliases, in any case. Raises `UnknownNameError`."""
    wanted = name.lower()
    for space in SPACES.values():
        if wanted in (space.name, *space.aliases):
            return space
    raise UnknownNameError("space", name, SPACES)
