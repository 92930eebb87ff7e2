"""How `hwnas adapt` shows how far a new device can be trusted."""

from __future__ import annotations

from hwnas.api.adapt_forms import AdaptResult, EnergyAnswer, Figures
from hwnas.cli.console import print_json, print_table
from hwnas.latency.fewshot import FOLDS
from hwnas.latency.methods import ALONE
from hwnas.render import short_architecture

_HEADING = ("judged by", "nets", "Spearman", "median error", "mean error", "within 10 %", "in 90 % interval")
_BASELINES = {"flops": "a line in FLOPs", "lookup": "lookup by layer", "ridge": "ridge regression"}
_FEW = 20  # below, one net more or less moves a leave-one-out figure a lot


def print_adapted(answer: AdaptResult, *, as_json: bool) -> None:
    """The figures, what looks wrong, what to measure next, energy, and where the device now is."""
    if as_json:
        print_json(answer.to_dict())
        return
    verb = "adapted again" if answer.replaced else "adapted"
    print(
        f"{answer.device}: {verb} from {answer.nets} measurements on {answer.dataset} ({answer.space}), "
        f"method {answer.method}, "
        + (f"taught by {answer.known_devices} known devices" if answer.known_devices else "from these alone")
    )
    each = answer.nets <= FOLDS or answer.method == ALONE
    left_out = "leaving one net out" if each else f"leaving 1/{FOLDS} out"
    rows = [_row(left_out, answer.left_out)]
    rows += [_row("nets measured as checks", answer.checked)] if answer.checked else []
    rows += [_row("energy, leaving one out", answer.energy.left_out)] if answer.energy.left_out else []
    print_table(_HEADING, rows, numeric=range(1, len(_HEADING)))
    for line in [*_trust(answer), *_suspects(answer), *energy_lines(answer.energy)]:
        print(line)
    for note in answer.notes:
        print(f"{'DOUBT' if note in answer.doubts else 'note'}: {note}")
    _print_next(answer)
    print(f"written to {answer.card}; try `hwnas pareto --device {answer.device}` or `hwnas predict`")


def energy_lines(energy: EnergyAnswer) -> list[str]:
    """What the energy rests on."""
    public = f"{len(energy.public_devices)} public devices ({', '.join(energy.public_devices)})"
    if energy.source == "measured":
        return [
            f"energy: {energy.model}, from {energy.nets} measured energies",
            f"that power hardly differs between nets was seen on {public}; no more of energy is learned from others",
        ]
    if energy.source == "given power":
        return [
            f"energy: {energy.model}; not measured ({energy.reason}), so its error is what was stated, not found out"
        ]
    return [
        f"energy: not measured ({energy.reason}); energy from latency needs a power: --power-w W, with its error as "
        f"--power-error. That it hardly differs between nets was seen on {public}",
    ]


def _row(name: str, found: Figures) -> tuple[str, ...]:
    order = "-" if found.spearman is None else f"{found.spearman:.2f}"
    covered = "-" if found.coverage_percent is None else f"{found.coverage_percent:.0f} %"
    errors = (f"{found.median_error_percent:.1f} %", f"{found.mape_percent:.1f} %", f"{found.within_10_percent:.0f} %")
    return name, str(found.nets), order, *errors, covered


def _trust(answer: AdaptResult) -> list[str]:
    lines = []
    if answer.nets < _FEW and answer.checked is None:
        lines.append(
            f"leave-one-out figures of {answer.nets} nets are rough; `hwnas plan --check 20` measures nets to judge by"
        )
    without = ", ".join(f"{_BASELINES.get(name, name)} {error:.0f} %" for name, error in answer.baselines.items())
    lines.append(f"median error without known devices, from the same nets: {without}")
    if answer.repeat_error_percent is not None:
        some = answer.repeat_error_nets < answer.nets
        whose = f"of the {answer.repeat_error_nets} of {answer.nets} nets with several rounds" if some else ""
        lines.append(
            f"repeat error of the measurements: {answer.repeat_error_percent:.1f} %"
            + (f", {whose}" if some else "; no model gets below it")
        )
    lines.append(f"90 % intervals are {answer.width_percent:.0f} % of the latency wide, at the median over the space")
    return lines


def _suspects(answer: AdaptResult) -> list[str]:
    energies = [
        f"looks wrong: {short_architecture(one.arch)} measured {one.energy_mj:.4g} mJ, a power of {one.power_w:.3g} W "
        f"where the others have {one.expected_w:.3g} W; it is left out of the energy; measure it again"
        for one in answer.energy.suspects
    ]
    if not answer.suspects:
        right = "no single measurement looks wrong" if answer.doubts else "no measurement looks wrong"
        return energies or [right]
    lines = [
        f"looks wrong: {short_architecture(one.arch)} measured {one.measured_ms:.4g} ms, the others expect "
        f"{one.expected_ms:.4g} ms; probability that it is right: {_chance(1 - one.probability)}"
        for one in answer.suspects
    ]
    end = "a latency that looks wrong counts less in the model, but fully in the figures above; measure it again"
    return [*lines, end, *energies]


def _chance(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "below 1 %"


def _print_next(answer: AdaptResult) -> None:
    print(f"to reduce the uncertainty most, measure {len(answer.next_nets)} more:")
    for arch in answer.next_nets:
        print(f"  {arch}")
    for command in answer.next_commands:
        print(f"    {command}")
