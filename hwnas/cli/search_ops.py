"""`hwnas search-ops`: architectures by scoring the operations of a supernet."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.pareto import Budget, BudgetMs, Dataset
from hwnas.cli.proxy_option import proxy_option
from hwnas.errors import UsageError


def search_ops(
    space: Annotated[str, typer.Option(help="A space with a supernet.")] = "nasbench201",
    dataset: Dataset = None,
    proxy: Annotated[
        str, proxy_option("The proxy that scores supernets and networks, or one of your own as package.module:NAME.")
    ] = "naswot_eval",
    order: Annotated[
        str,
        typer.Option(
            help="Edges: fixed, random, global-op-iter, global-op-once, global-edge-iter, global-edge-once, joint."
        ),
    ] = "random",
    disc: Annotated[
        bool, typer.Option("--disc", help="Score an edge with one operation alone, not without it.")
    ] = False,
    proposals: Annotated[int, typer.Option(help="How often the supernet is discretised (N).")] = 10,
    validations: Annotated[int, typer.Option(help="Scores of each proposed network (V).")] = 100,
    batch_size: Annotated[int, typer.Option(help="Images of one score.")] = 64,
    device: Annotated[str | None, typer.Option(help="Propose only what meets a budget on this device.")] = None,
    budget_mj: Budget = None,
    budget_ms: BudgetMs = None,
    seed: Annotated[int, typer.Option(help="Of weights, orders and images.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Architectures by what each operation of a supernet is worth (Zero-Cost-PT), within a budget where asked for."""
    from hwnas.api.operation_forms import OperationSettings
    from hwnas.api.question import Question
    from hwnas.api.score_operations import score_operations
    from hwnas.cli.console import progress_bar
    from hwnas.cli.render_operations import print_operations
    from hwnas.search.operations import Plan

    plan = Plan(order=order, perturb=not disc)
    numbers = {"proposals": proposals, "validations": validations, "batch_size": batch_size, "seed": seed}
    if device is None and (budget_mj, budget_ms) != (None, None):
        raise UsageError("expected --device with a budget, got none; say on which device it holds")
    budget = None if device is None else Question(budget_mj=budget_mj, budget_ms=budget_ms)
    with progress_bar("scores") as progress:
        answer = score_operations(
            space,
            dataset=dataset,
            proxy=proxy,
            settings=OperationSettings(plan=plan, **numbers),
            within=None if budget is None or device is None else (device, budget),
            progress=lambda _what, done, total: progress(done, total),
        )
    print_operations(answer, as_json=as_json)
