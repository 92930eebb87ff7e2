"""`hwnas pareto`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwnas.cli.completion import complete_device, complete_objective, complete_proxy
from hwnas.cli.numbers import number

Device = Annotated[str, typer.Option(help="Device; `hwnas devices` lists them.", autocompletion=complete_device)]
Proxies = Annotated[
    list[str], typer.Option("--proxy", help="A zero-cost proxy, repeatable.", autocompletion=complete_proxy)
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        help="A further cost, repeatable: energy_mj, latency_ms, params, macs or flops, with [.DEVICE][=BOUND].",
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
Show = Annotated[list[str] | None, typer.Option(help="Also list this front: truth, params, flops, random, or all.")]
Out = Annotated[Path | None, typer.Option(help="Also write a file: .json, .csv, .png, .svg or .pdf.")]


def pareto_command(
    device: Device,
    budget_mj: Budget = None,
    budget_ms: BudgetMs = None,
    proxy: Proxies = ["zen"],  # noqa: B006 - typer copies it
    objective: Objectives = None,
    space: Annotated[str, typer.Option(help="Search space.")] = "nasbench201",
    dataset: Dataset = None,
    nets: Annotated[int, typer.Option(help="Length K of each list.")] = 20,
    confidence: Confidence = None,
    source: Annotated[str, typer.Option(help="Costs: auto, measured or predicted.")] = "auto",
    raw: Annotated[bool, typer.Option("--raw", help="Architecture by architecture, as papers compare.")] = False,
    seed: Annotated[int, typer.Option(help="Settles ties.")] = 0,
    show: Show = None,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Networks with the most accuracy within a budget on a device, compared with the true front."""
    from hwnas.api.pareto import pareto
    from hwnas.api.question import Question
    from hwnas.cli.choices import as_source
    from hwnas.cli.render_pareto import print_result
    from hwnas.outputs import save

    budgets = {"budget_mj": budget_mj, "budget_ms": budget_ms, "confidence": confidence}
    chosen = {"proxies": proxy, "objectives": objective or (), "nets": nets, "source": as_source(source)}
    question = Question().with_options(space=space, dataset=dataset, raw=raw, seed=seed, **budgets, **chosen)
    result = pareto(device, question)
    if out is not None:
        save(result, out)
    print_result(result, also=show or (), as_json=as_json)
