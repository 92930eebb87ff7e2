"""Devices of which nothing is known but a kernel model: a card for them, made on the spot."""

from __future__ import annotations

from typing import Final

from hwnas.devices import NOT_STATED, Card, Device, Measurement, Statement, Variant
from hwnas.devices.registry import device_names
from hwnas.estimates import Target
from hwnas.latency.kernels.store import canonical, kernel_devices, require_built

_NOTHING: Final = Statement(value=NOT_STATED, source="")


def kernel_device(reference: str) -> Device | None:
    """A device with a kernel model and without a card, as `this-host`, with one that states nothing; None for others.

    Raises `UnknownNameError` for a variant that it does not have, `UsageError` for this machine before it was measured.
    """
    name, _, variant = reference.partition("@")
    name = canonical(name)
    if name in device_names() or name not in kernel_devices():
        require_built(name)
        return None
    card = Card(
        name=name,
        aliases=(),
        title=f"{name}, by its kernel model",
        kind="not stated",
        vendor=NOT_STATED,
        evidence="measured",
        default_variant="1",
        measurement=Measurement(
            runtime=_NOTHING, precision=_NOTHING, power_mode=_NOTHING, latency=_NOTHING, energy=_NOTHING
        ),
        facts=(),
        traps=(),
        variants=(Variant(name="1", batch_size=1, columns=()),),
    )
    return card.device(variant or None)


def devices_without_card() -> list[Device]:
    """All devices of which nothing but a kernel model is known, by name."""
    found = [kernel_device(name) for name in kernel_devices() if name not in device_names()]
    return [device for device in found if device is not None]


def kernel_targets(device: Device) -> tuple[Target, ...]:
    """What the device's kernel models give of any network: of one image, so nothing where it runs several at once."""
    return kernel_devices().get(device.name, ()) if device.variant.batch_size in (1, None) else ()
