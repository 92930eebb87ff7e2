"""`hwnas pareto`: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwnas.cli.completion import complete_device, complete_objective
from hwnas.cli.numbers import number
from hwnas.cli.proxy_option import proxy_option
from hwnas.cli.remote import Server, client
from hwnas.cli.space_option import SpaceName
from hwnas.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from hwnas.api.question import Question
    from hwnas.results import ParetoResult

Device = Annotated[str, typer.Option(help="Device; `hwnas devices` lists them.", autocompletion=complete_device)]
Proxies = Annotated[
    list[str] | None,
    proxy_option(
        "A proxy or combination, repeatable, or a proxy of your own as package.module:NAME; "
        "without, auto where it is scored."
    ),
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="A further cost beside energy or latency of the device, repeatable: "
        "energy_mj, latency_ms, params, macs, flops or peak_memory_bytes, with [.DEVICE][=BOUND].",
        autocompletion=complete_objective,
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(help="Largest energy of one inference in mJ.", parser=number("--budget-mj"), metavar="FLOAT"),
]
BudgetMs = Annotated[
    float | None,
    typer.Option(help="Largest latency of one inference in ms.", parser=number("--budget-ms"), metavar="FLOAT"),
]
Dataset = Annotated[str | None, typer.Option(help="Data set; without, the first of the space.")]
Confidence = Annotated[
    float | None, typer.Option(help="Budgets hold on this one-sided quantile of predicted costs, such as 0.9.")
]
Truths = Annotated[
    int | None,
    typer.Option(
        help="Learn from so many networks, chosen for the front; a table of accuracies stands in for training."
    ),
]
Accuracies = Annotated[
    Path | None, typer.Option(help="Learn from networks that you trained: CSV of architecture,accuracy.")
]
Method = Annotated[
    str,
    typer.Option(help="How: auto, exhaustive, nsga2, evolution or random; auto searches what cannot be enumerated."),
]
Evaluations = Annotated[
    int | None, typer.Option(help="Networks that a search looks at for each proxy, at most; without, 1000.")
]
Workers = Annotated[int | None, typer.Option(help="Workers for scores that a search computes; without, one per core.")]
Show = Annotated[list[str] | None, typer.Option(help="Also list this front: truth, params, flops, random, or all.")]
Out = Annotated[Path | None, typer.Option(help="Also write a file: .json, .csv, .png, .svg, .pdf or .html.")]


def pareto_command(
    device: Device,
    budget_mj: Budget = None,
    budget_ms: BudgetMs = None,
    proxy: Proxies = None,
    objective: Objectives = None,
    space: SpaceName = "nasbench201",
    dataset: Dataset = None,
    nets: Annotated[int, typer.Option(help="Length K of each list.")] = 20,
    confidence: Confidence = None,
    source: Annotated[str, typer.Option(help="Costs: auto, measured or predicted.")] = "auto",
    raw: Annotated[bool, typer.Option("--raw", help="Architecture by architecture, as papers compare.")] = False,
    seed: Annotated[int, typer.Option(help="Settles ties, begins searches and draws.")] = 0,
    truths: Truths = None,
    accuracies: Accuracies = None,
    method: Method = "auto",
    evaluations: Evaluations = None,
    executor: Annotated[str, typer.Option(help="What spreads them: process or ray.")] = "process",
    workers: Workers = None,
    show: Show = None,
    out: Out = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where a kernel has no model.")] = False,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Networks with the most accuracy within a budget on a device, compared with the true front."""
    from hwnas.api.question import Question
    from hwnas.cli.choices import as_source
    from hwnas.cli.render_pareto import print_result
    from hwnas.outputs import is_drawn, save
    from hwnas.render import shown_fronts

    budgets = {"budget_mj": budget_mj, "budget_ms": budget_ms, "confidence": confidence}
    chosen = {"proxies": proxy, "objectives": objective or (), "nets": nets, "source": as_source(source)}
    learning = {"truths": truths, "accuracies": accuracies}
    if method == "exhaustive" and evaluations is not None:
        raise UsageError("expected --evaluations with a search, got it with --method exhaustive; leave one of them out")
    searching = {"method": method, "executor": executor, "workers": workers}
    searching |= {} if evaluations is None else {"evaluations": evaluations}
    question = Question().with_options(
        space=space, dataset=dataset, raw=raw, seed=seed, **budgets, **chosen, **learning, **searching
    )
    _check(show or (), question.proxies, out)
    result = _ask(device, question, server, drawn=out is not None and is_drawn(out))
    shown_fronts(result, show or ())  # only the answer knows whether there is a true front
    if out is not None:
        save(result, out)
    print_result(result, also=show or (), as_json=as_json)
    if strict and not all(cost.covered for cost in result.objectives):
        raise typer.Exit(1)


def _ask(device: str, question: Question, server: str | None, *, drawn: bool) -> ParetoResult:
    """The answer, by the service at an address or here; with its candidates where they are drawn."""
    from hwnas.api.pareto import pareto
    from hwnas.cli.console import progress_bar
    from hwnas.cli.render_pareto import search_progress

    if server:
        with progress_bar("networks") as report:
            return client(server).pareto(device, question, progress=report, candidates=drawn)
    with search_progress() as progress:
        return pareto(device, question, progress=progress)


def _check(show: Sequence[str], proxies: Sequence[str] | None, out: Path | None) -> None:
    """Refuse before the job what no answer to the question can have or be written to. Raises `UsageError`."""
    from hwnas.api.columns import AUTO, FALLBACK
    from hwnas.outputs import check_path
    from hwnas.proxies import BASELINES
    from hwnas.proxies.combinations import get_scorer

    if out is not None:
        check_path(out)
    asked = {get_scorer(name).name for name in proxies or (AUTO,)}
    known = asked | {*BASELINES, "random", "truth", "all", "learned"} | ({FALLBACK} if AUTO in asked else set())
    for name in show:
        if name not in known:
            raise UnknownNameError("front", name, known)
