"""What the shell completes beside commands and options: names of devices, proxies, objectives."""

from __future__ import annotations


def complete_device(incomplete: str) -> list[str]:
    """Names of devices, and after `@` their variants."""
    from hwnas.devices import load_devices

    cards = load_devices()
    references = [card.device(variant.name).reference for card in cards.values() for variant in card.variants]
    return [name for name in references if name.startswith(incomplete) and ("@" in incomplete or "@" not in name)]


def complete_proxy(incomplete: str) -> list[str]:
    """Names of proxies and combinations."""
    from hwnas.proxies import PROXIES
    from hwnas.proxies.combinations import COMBINATIONS

    return [name for name in (*PROXIES, *COMBINATIONS) if name.startswith(incomplete)]


def complete_objective(incomplete: str) -> list[str]:
    """Names of objectives."""
    from hwnas.api.objectives import COUNTS, DEVICE_COSTS

    return [name for name in (*DEVICE_COSTS, *COUNTS) if name.startswith(incomplete)]
