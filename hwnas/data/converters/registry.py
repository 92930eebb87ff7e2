"""Which function makes tables of the files of a source, by the name that sources.json gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hwnas.data.converters.accel_nasbench import convert_accel_nasbench
from hwnas.data.converters.analog_nasbench import convert_analog_nasbench
from hwnas.data.converters.auto_prox import convert_auto_prox
from hwnas.data.converters.help import convert_help_fbnet, convert_help_nasbench201, convert_help_ofa
from hwnas.data.converters.hw_nas_bench import convert_hw_nas_bench
from hwnas.data.converters.hw_nas_bench_pickle import convert_hw_nas_bench_pickle
from hwnas.data.converters.images import convert_images
from hwnas.data.converters.jetson_nano import convert_jetson_nano
from hwnas.data.converters.nas_bench_macro import convert_nas_bench_macro
from hwnas.data.converters.nats_bench import convert_nats_bench, convert_validation
from hwnas.data.converters.nats_bench_size import convert_nats_bench_size
from hwnas.data.converters.phone_kernels import convert_phone_kernels
from hwnas.data.converters.timm import convert_timm
from hwnas.data.converters.transnas101 import convert_transnas101
from hwnas.data.table_files import Contents

# A converter takes the checked bytes of the files of one part, by path, and the names of the tables to make.
Files = Mapping[str, bytes]
Converter = Callable[[Files, tuple[str, ...]], Iterator[tuple[str, Contents]]]

CONVERTERS: Final[Mapping[str, Converter]] = {
    "hw-nas-bench": convert_hw_nas_bench,
    "hw-nas-bench-pickle": convert_hw_nas_bench_pickle,
    "nats-bench": convert_nats_bench,
    "nasbench201-validation": convert_validation,
    "help-nasbench201": convert_help_nasbench201,
    "help-fbnet": convert_help_fbnet,
    "help-ofa": convert_help_ofa,
    "images": convert_images,
    "analog-nasbench": convert_analog_nasbench,
    "nas-bench-macro": convert_nas_bench_macro,
    "transnas101": convert_transnas101,
    "autoprox-vit": convert_auto_prox,
    "accel-nasbench": convert_accel_nasbench,
    "jetson-nano-cnn": convert_jetson_nano,
    "phone-kernels": convert_phone_kernels,
    "timm-imagenet": convert_timm,
    "nats-bench-size": convert_nats_bench_size,
    "nats-bench-size-pickle": convert_nats_bench_size,
}
