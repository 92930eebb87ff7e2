"""How `hwnas search-ops` shows what was proposed."""

from __future__ import annotations

from hwnas.api.operation_forms import OperationResult
from hwnas.cli.console import print_json, print_table
from hwnas.render import short_architecture


def print_operations(answer: OperationResult, *, as_json: bool) -> None:
    """The proposed architectures, the chosen one first."""
    if as_json:
        print_json(answer.to_dict())
        return
    ids = list(answer.nets[0].costs)
    rows = [
        (
            "" if net.index is None else str(net.index),
            short_architecture(net.arch),
            str(net.count),
            "-" if net.score is None else f"{net.score:.6g}",
            *(f"{net.costs[name]:.4g}" for name in ids),
            "-" if net.accuracy_percent is None else f"{net.accuracy_percent:.2f}",
        )
        for net in answer.nets
    ]
    heading = ("index", "cell", "proposed", f"{answer.proxy}\nsum", *ids, "accuracy\ntrue, %")
    numeric = (0, *range(2, len(heading)))
    within = [f"{name} <= {bound:g}" for name, bound in answer.budgets.items() if bound is not None]
    title = " ".join([f"{answer.space} on {answer.dataset}", *(["with", *within] if within else [])])
    print_table(heading, rows, numeric=numeric, title=title)
    settings = answer.settings
    print(
        f"{answer.supernet_scores} scores of the supernet, {settings.validations} of each network, the first is chosen"
    )
    print(
        f"{answer.images}, {settings.batch_size} of them at a time; {settings.plan.order} order, seed {settings.seed}"
    )
    print(f"accuracy: {answer.accuracy_source}")
