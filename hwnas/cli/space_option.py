"""The option `--space` of every command that has one."""

from __future__ import annotations

from typing import Annotated, Final

import typer

USUAL_SPACE: Final = "nasbench201"
_HELP: Final = "Search space, or one of your own as package.module:Class."


def space_name(word: str) -> str:
    """The name of a space; `package.module:Class`, a space of one's own, is made known by its name first.

    Raises `UsageError`.
    """
    if ":" not in word:
        return word
    from hwnas.spaces.registry import register_by_name

    return register_by_name(word).name


SpaceName = Annotated[str, typer.Option(parser=space_name, metavar="SPACE", help=_HELP)]
# Where it matters whether somebody said it: None stands for `USUAL_SPACE`.
SpaceNameIfSaid = Annotated[
    str | None, typer.Option(parser=space_name, metavar="SPACE", show_default=USUAL_SPACE, help=_HELP)
]
