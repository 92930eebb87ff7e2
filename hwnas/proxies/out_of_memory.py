"""Smaller batches where memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import torch

from hwnas.proxies.batches import Batch

Result = TypeVar("Result")

# The CPU allocator raises a plain RuntimeError, and libraries on CUDA one of their own words.
_WORDS: Final = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on a GPU or on the CPU."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def with_smaller_batches(call: Callable[[Batch], Result], batch: Batch) -> tuple[Result, int]:
    """`call` of the batch, or of its first half, quarter, ... where memory does not suffice; and the images it took.

    What `call` raises for one image is raised.
    """
    size = len(batch.images)
    while True:
        try:
            return call(first(batch, size)), size
        except Exception as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        # Here the error is gone, and with it the frames that held the tensors.
        size //= 2
        if batch.images.is_cuda:
            torch.cuda.empty_cache()


def first(batch: Batch, size: int) -> Batch:
    """The first `size` images of a batch."""
    if size == len(batch.images):
        return batch
    return replace(batch, images=batch.images[:size], labels=batch.labels[:size])
