"""Memory that was freed is kept for the next tensor, in processes that do nothing but score."""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_MMAP_THRESHOLD: Final = 2**25  # bytes; glibc takes no more


def keep_freed_memory() -> None:
    """Tell glibc to give nothing back to the system; with another C library nothing happens.

    By default it returns freed activations (4 MB each), and the system clears their pages anew for the next ones
    (counted in tests/proxies/test_freed_memory.py). The process then stays as large as it was at its largest.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS; Windows
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
