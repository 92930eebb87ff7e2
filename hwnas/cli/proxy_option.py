"""The option `--proxy` of every command that has one."""

from __future__ import annotations

from typing import Any

import typer

from hwnas.cli.completion import complete_proxy


def proxy_name(word: str) -> str:
    """The name of a proxy or combination; `package.module:NAME`, a proxy of one's own, is made known by its name first.

    Raises `UsageError`.
    """
    if ":" not in word:
        return word
    from hwnas.proxies.registry import register_by_name

    return "+".join(register_by_name(part.strip()).name if ":" in part else part for part in word.split("+"))


def proxy_option(what: str) -> Any:
    """The option with its help."""
    return typer.Option("--proxy", help=what, parser=proxy_name, metavar="PROXY", autocompletion=complete_proxy)
