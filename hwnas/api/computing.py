"""What there is to compute with."""

from __future__ import annotations

import importlib.util
import os

from hwnas.errors import MissingExtraError, UsageError


def has_torch() -> bool:
    """Whether torch is installed; it is not imported."""
    return importlib.util.find_spec("torch") is not None


def require_torch(what: str = "scoring networks") -> None:
    """Raise `MissingExtraError` without torch."""
    if not has_torch():
        raise MissingExtraError(what, "torch")


def require_executor(name: str) -> None:
    """Raise `MissingExtraError` for Ray where it is not installed; it is not imported."""
    if name == "ray" and importlib.util.find_spec("ray") is None:
        raise MissingExtraError("the executor 'ray'", "ray")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def torch_device(device: str) -> str:
    """ "cpu" or "cuda", of these or "auto". Raises `UsageError` where it is not there."""
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"expected device 'auto', 'cpu' or 'cuda', got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("expected a CUDA device that torch can use, got none; use device 'cpu' or 'auto'")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
