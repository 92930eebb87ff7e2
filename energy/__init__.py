"""Energy of networks on devices, in millijoules."""

from hwnas.energy.tables import energy_model

__all__ = ["energy_model"]
