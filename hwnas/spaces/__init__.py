"""Search spaces. A new space is one file here and one line in `SPACES`; see README.md."""

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
from hwnas.spaces.registry import SPACES, get_space, known_spaces, register
from hwnas.spaces.space import CellGraphs, Space
from hwnas.spaces.transnas_micro import TransNASMicro

__all__ = [
    "DARTS",
    "SPACES",
    "AccelNASBench",
    "AutoFormer",
    "CellGraphs",
    "FBNet",
    "ImageNetModels",
    "NASBench201",
    "NASBenchMacro",
    "NATSSize",
    "OnceForAll",
    "PiT",
    "Space",
    "TransNASMicro",
    "get_space",
    "known_spaces",
    "register",
]
