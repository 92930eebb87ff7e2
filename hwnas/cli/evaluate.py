"""`hwnas evaluate`: how well proxies order a space whose accuracies are known."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.completion import complete_proxy

Proxies = Annotated[
    list[str] | None,
    typer.Option("--proxy", help="Proxy, repeatable; all scored ones by default.", autocompletion=complete_proxy),
]
_HEADING = ("proxy", "nets", "Spearman", "Kendall", "Spearman top 5 %", "Kendall top 5 %", "accuracy picked %")


def evaluate(
    space: Annotated[str, typer.Option(help="Search space.")] = "nasbench201",
    dataset: Annotated[str | None, typer.Option(help="Data set; the space's first by default.")] = None,
    proxy: Proxies = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rank correlation of proxies with true accuracy, and the accuracy of the net that each would pick."""
    from hwnas.api.evaluate import evaluate as ask
    from hwnas.cli.console import print_json, print_table

    answer = ask(space=space, dataset=dataset, proxies=proxy or ())
    if as_json:
        print_json(answer.to_dict())
        return
    rows = [
        (p.name, str(p.n), *(f"{value:.3f}" for value in (p.spearman, p.kendall, p.spearman_top5, p.kendall_top5)),
         f"{p.picked_percent:.2f}")
        for p in answer.proxies
    ]  # fmt: skip
    print_table(_HEADING, rows, numeric=range(1, 7), title=f"{answer.space}, {answer.dataset}")
    print(f"best {answer.best_percent:.2f} %; truth: {answer.accuracy_source}")
    for source in dict.fromkeys(p.source for p in answer.proxies):
        print(f"{', '.join(p.name for p in answer.proxies if p.source == source)}: {source}")
    for note in dict.fromkeys(p.note for p in answer.proxies if p.note):
        print(f"note: {', '.join(p.name for p in answer.proxies if p.note == note)}: {note}")
