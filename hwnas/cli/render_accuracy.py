"""How `hwnas accuracy plan` shows which networks to train."""

from __future__ import annotations

from hwnas.api.plan_training import TrainingPlan
from hwnas.cli.console import print_json, print_table
from hwnas.render import short_architecture


def print_training_plan(answer: TrainingPlan, *, as_json: bool) -> None:
    """The networks that were added to the file, and what to do with them."""
    if as_json:
        print_json(answer.to_dict())
        return
    ids = list(answer.nets[0].costs) if answer.nets else []
    rows = [
        (
            str(net.index),
            short_architecture(net.arch),
            *(f"{net.costs[name]:.4g}" for name in ids),
            "-" if net.predicted_percent is None else f"{net.predicted_percent:.2f}",
        )
        for net in answer.nets
    ]
    title = f"to train: {len(rows)} networks of {answer.space} on {answer.dataset}, for {answer.device}"
    print_table(
        ("index", "cell", *ids, "accuracy expected, %"), rows, numeric=(0, *range(2, 3 + len(ids))), title=title
    )
    waiting = answer.waiting + len(answer.nets)
    print(f"added to {answer.file}, which has {answer.trained} trained networks and {waiting} that wait")
    print(f"fill in the column accuracy (%), then run this again, or `hwnas pareto --accuracies {answer.file} ...`")
