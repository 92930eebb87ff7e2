"""Kernel models fitted to whole networks, judged on networks that were held out; which energy is the better one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.energy.kernels import choose_energy, times_power
from hwnas.estimates import Target
from hwnas.latency.kernels import KernelModel
from hwnas.latency.kernels.networks import Networks
from hwnas.latency.kernels.totals import AdditiveFit, TotalsSettings, fit_totals
from hwnas.latency.kernels.whole_networks import HeldOut, held_out_totals, total_figures
from hwnas.predictors.conformal import LEVELS, residual_quantiles


def totals_models(
    networks: Networks,
    costs: dict[Target, Float[Array, " n"]],
    *,
    device: str,
    runtime: str,
    source: str,
    settings: TotalsSettings | None = None,
) -> Iterator[KernelModel]:
    """The model of each cost that was measured. Rows with NaN or 0 are left out."""
    known = np.flatnonzero(np.all([np.isfinite(values) & (values > 0) for values in costs.values()], axis=0))
    networks, costs = networks.take(known), {target: values[known] for target, values in costs.items()}
    held = {target: held_out_totals(networks, values, settings=settings) for target, values in costs.items()}
    fits = {target: fit_totals(networks, values, settings=settings) for target, values in costs.items()}
    about = {"device": device, "runtime": runtime, "source": f"{len(networks)} networks of {source}"}
    if "latency" in costs:
        yield _model("latency", fits["latency"], held["latency"], costs["latency"], about=about)
    if "energy" not in costs:
        return
    if "latency" not in costs:
        yield _model("energy", fits["energy"], held["energy"], costs["energy"], about=about)
        return
    choice = choose_energy(
        costs["energy"],
        by_sum=held["energy"].predicted,
        latency_ms=costs["latency"],
        predicted_latency_ms=held["latency"].predicted,
    )
    fit, out = fits["energy"], held["energy"]
    if choice.method == "power times latency":
        latency, power = fits["latency"], choice.power_w
        scaled = {kind: times_power(regressor, power) for kind, regressor in latency.regressors.items()}
        fit = AdditiveFit(regressors=scaled, overhead=power * latency.overhead)
        predicted = power * held["latency"].predicted
        out = HeldOut(predicted=predicted, figures=total_figures(costs["energy"], predicted))
    yield _model("energy", fit, out, costs["energy"], about=about, method=choice.text)


def _model(
    target: Target,
    fit: AdditiveFit,
    held: HeldOut,
    costs: Float[Array, " n"],
    *,
    about: dict[str, str],
    method: str = "",
) -> KernelModel:
    known = np.isfinite(held.predicted)
    errors = np.log(costs[known] / held.predicted[known])
    figure = f"median held-out error of a network {held.figures['median_ape']:.1f} %"
    summary = f"kernel model fitted to the totals of {about['source']}; {figure}" + (f"; {method}" if method else "")
    facts: dict[str, Any] = {"summary": summary, "source": about["source"], "held_out": held.figures, "method": method}
    return KernelModel(
        device=about["device"],
        runtime=about["runtime"],
        target=target,
        regressors=fit.regressors,
        overhead=fit.overhead,
        network_quantiles=residual_quantiles(errors, np.array(LEVELS)),
        facts=facts,
    )
