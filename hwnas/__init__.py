"""Hardware-aware neural architecture search."""
from hwnas.version import __version__

__all__ = ["__version__"]
