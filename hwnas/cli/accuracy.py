"""`hwnas accuracy`: which networks to train, where a few dozen can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.pareto import Budget, BudgetMs, Dataset, Device, Objectives
from hwnas.cli.space_option import SpaceName

app = typer.Typer(
    no_args_is_help=True, help="A little truth: which networks to train, for `hwnas pareto --accuracies`."
)


@app.callback()
def group() -> None:
    """A group, though it has one command: what is learned is asked for by `hwnas pareto --accuracies`."""


@app.command("plan")
def plan_command(
    file: Annotated[Path, typer.Argument(help="CSV of architecture,accuracy; made or added to.")],
    device: Device,
    nets: Annotated[int, typer.Option("-n", "--nets", help="How many networks to train next.")] = 5,
    budget_mj: Budget = None,
    budget_ms: BudgetMs = None,
    objective: Objectives = None,
    space: SpaceName = "nasbench201",
    dataset: Dataset = None,
    seed: Annotated[int, typer.Option(help="Of the first draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Add the networks to train next to FILE: by chance at first, then those that promise most for the front."""
    from hwnas.api.plan_training import plan_training
    from hwnas.api.question import Question
    from hwnas.cli.render_accuracy import print_training_plan
    from hwnas.cli.render_pareto import search_progress

    budgets = {"budget_mj": budget_mj, "budget_ms": budget_ms, "objectives": objective or ()}
    question = Question().with_options(space=space, dataset=dataset, seed=seed, proxies=("flops",), **budgets)
    with search_progress() as progress:
        plan = plan_training(file, device, question, nets=nets, progress=progress)
    print_training_plan(plan, as_json=as_json)
