"""What there is to choose from: proxies, combinations and spaces with their facts, as plain values. No torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hwnas.proxies import BASELINES, known_proxies
from hwnas.proxies.combinations import COMBINATIONS
from hwnas.spaces import known_spaces
from hwnas.spaces.drawings import cell_form


def list_proxies() -> list[dict[str, Any]]:
    """Each proxy: name, title, direction, what it needs, unit, source, and where it is known to fail."""
    return [
        {
            "name": proxy.name,
            "title": proxy.title,
            "direction": "max",
            "unit": proxy.unit,
            "baseline": proxy.name in BASELINES,
            "uses_data": proxy.uses_data,
            "uses_labels": proxy.uses_labels,
            "source": proxy.source,
            "fails": proxy.fails,
        }
        for proxy in known_proxies().values()
    ]


def list_combinations() -> list[dict[str, Any]]:
    """Each combination: name, title, the proxies that it is made of and how, source, and where it is known to fail."""
    return [
        {
            "name": combination.name,
            "title": combination.title,
            "direction": "max",
            "unit": combination.unit,
            "components": list(combination.components),
            "aggregation": combination.aggregation,
            "source": combination.source,
            "fails": combination.fails,
        }
        for combination in COMBINATIONS.values()
    ]


def list_spaces() -> list[dict[str, Any]]:
    """Each space: name, other names, title, number of architectures, data sets (the first is the default), source.

    enumerable: whether all of them can be looked at.
    cell: how an index reads as a cell of operations (`cell_form`); None for spaces without such cells.
    """
    return [
        {
            "name": space.name,
            "aliases": list(space.aliases),
            "title": space.title,
            "architectures": space.size,
            "enumerable": space.enumerable,
            "datasets": list(space.datasets),
            "source": space.source,
            "cell": None if (cell := cell_form(space)) is None else asdict(cell),
        }
        for space in known_spaces().values()
    ]
