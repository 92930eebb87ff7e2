"""Where kernel models lie: those of the user first, then those that are shipped."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, get_args

from hwnas.devices.registry import device_names
from hwnas.errors import DataError, UnknownNameError, UsageError
from hwnas.estimates import Target
from hwnas.folders import config_folder
from hwnas.latency.kernels.files import load_kernel_model
from hwnas.latency.kernels.model import KernelModel
from hwnas.predictors.shipped import SHIPPED_FOLDER

THIS_HOST: Final = "this-host"  # what `hwnas kernels build` calls the machine that it measures
_PREFIX: Final = "kernels_"


def kernel_model_path(device: str, target: Target) -> Path:
    """Where the user's own model of a device lies."""
    return own_models() / file_name(device, target)


def own_models() -> Path:
    """The user's folder of kernel models."""
    return config_folder() / "kernels"


def file_name(device: str, target: Target) -> str:
    """Of a kernel model."""
    return f"{_PREFIX}{device}_{target}.npz"


def find_kernel_model(device: str, target: Target) -> KernelModel | None:
    """The kernel model of a device's latency or energy; None where there is none. Raises `DataError` for a damaged one.

    device: a name or an alias. A search asks again for every generation: the file is read again where it has changed.
    """
    path = found_path(device, target)
    return _read(path, path.stat().st_mtime_ns) if path.exists() else None


def open_kernel_model(device: str, target: Target) -> KernelModel | None:
    """As `find_kernel_model`, but raises `UnknownNameError` or `DataError` for a device without any kernel model."""
    model = find_kernel_model(device, target)
    if model is not None:
        return model
    name, known = canonical(device), kernel_devices()
    if name not in known:
        if name in device_names():
            how = f"known for: {', '.join(known)}; `hwnas kernels build` or `hwnas kernels fit` makes others"
            raise DataError(f"expected a device with a kernel model, got {device!r}, which has none; {how}")
        require_built(device)
        raise UnknownNameError("device with a kernel model", device, known)
    return None


def require_built(device: str) -> None:
    """Raise `UsageError` that says how to measure this machine, where it is asked for and has no model yet."""
    if canonical(device) == THIS_HOST and THIS_HOST not in kernel_devices():
        raise UsageError(
            f"expected a kernel model of this machine, got none yet; `hwnas kernels build` measures {THIS_HOST}"
        )


def found_path(device: str, target: Target) -> Path:
    """Where the model of a device lies, the user's own before a shipped one; the user's where there is none."""
    paths = [folder / file_name(canonical(device), target) for folder in _folders()]
    return next((path for path in paths if path.exists()), paths[0])


def canonical(device: str) -> str:
    """The name that a device's card gives it; as it is where it has no card."""
    plain = device.strip().lower().replace("_", "-").replace(" ", "-")
    return device_names().get(plain, plain)


def kernel_devices() -> dict[str, tuple[Target, ...]]:
    """Devices that have a kernel model, and of what."""
    found: dict[str, set[Target]] = {}
    for device, target in _listed():
        found.setdefault(device, set()).add(target)
    order: tuple[Target, ...] = get_args(Target)
    return {device: tuple(t for t in order if t in targets) for device, targets in sorted(found.items())}


@lru_cache(maxsize=16)
def _read(path: Path, _changed_ns: int) -> KernelModel:
    return load_kernel_model(path)


def _listed() -> Iterator[tuple[str, Target]]:
    for folder in _folders():
        for path in folder.glob(f"{_PREFIX}*.npz"):
            device, _, target = path.stem.removeprefix(_PREFIX).rpartition("_")
            if target in get_args(Target):
                yield device, target  # type: ignore[misc]


def own_kernel_models() -> list[Path]:
    """The files of the user's own kernel models."""
    return sorted(own_models().glob(f"{_PREFIX}*.npz"))


def _folders() -> tuple[Path, Path]:
    return own_models(), SHIPPED_FOLDER
