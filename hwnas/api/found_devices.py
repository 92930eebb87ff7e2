"""Devices by name: those with a card, and those of which nothing but a kernel model is known."""

from __future__ import annotations

from hwnas.devices import Device, get_device
from hwnas.errors import UnknownNameError, UsageError
from hwnas.estimates import Target


def find_device(reference: str) -> Device:
    """As `get_device`; a device without a card that has a kernel model, as `this-host`, gets one that states nothing.

    Raises `UnknownNameError` and `DataError`, and `UsageError` for what is no name and for `this-host` before it was
    measured.
    """
    if not isinstance(reference, str):
        raise UsageError(
            f"expected the name of a device, got {reference!r}; `hwnas devices` lists them, such as jetson-tx2"
        )
    try:
        return get_device(reference)
    except UnknownNameError:
        from hwnas.latency.kernels.cards import kernel_device  # devices with a card do not wait for it

        device = kernel_device(reference)
        if device is None:
            raise
        return device


def known_targets(device: Device, *, space: str, dataset: str) -> tuple[Target, ...]:
    """Energy and latency, as far as the device was measured so; else those that it has kernel models of."""
    both: tuple[Target, ...] = ("energy", "latency")
    known = tuple(target for target in both if device.knows(space=space, dataset=dataset, target=target))
    if known:
        return known
    from hwnas.latency.kernels.cards import kernel_targets

    return tuple(target for target in both if target in kernel_targets(device))
