"""How the verdict on two operators is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwnas.cli.console import print_table

if TYPE_CHECKING:
    from hwnas.api.fusion import FusionResult


def print_fusion(answer: FusionResult) -> None:
    """A row for each network, then the verdict and what the rules say."""
    rows = [
        (answer.first, f"{answer.first_ms:.3f}"),
        (answer.second, f"{answer.second_ms:.3f}"),
        (f"{answer.first} + {answer.second}", f"{answer.both_ms:.3f}"),
    ]
    print_table(("network", "latency (ms)"), rows, numeric=(1,))
    if answer.saved is None:
        print("undecided: the cheaper one cannot be told from noise; take a larger --size, or an idle machine")
    else:
        print(
            f"{answer.verdict}: together they save {answer.saved:.0%} of the cheaper one "
            f"({answer.lower:.0%} to {answer.upper:.0%}, 90 % interval over {answer.rounds} rounds)"
        )
    print(f"the rules of {answer.runtime} make {answer.by_rules} kernel{'s' * (answer.by_rules != 1)} of them")
