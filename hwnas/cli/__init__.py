"""The command `hwnas`."""

from hwnas.cli.app import main

__all__ = ["main"]
