"""Few-shot latency models in HELP's protocol: `python tests/benchmarks/fewshot.py --folder DIR [--draws 20]`.

DIR holds HELP's files of NAS-Bench-201 (`latency/*.pt`, `str_arch2idx.pt`, `hardware_embedding_index.pt`), as
`help/nasbench201` of the mirror does; the nine devices that teach must be there, any others may. The protocol (Lee et
al. 2021, arXiv:2106.08630): models learn from nine devices; the first 900 networks in the benchmark's order teach, the
next 1,000 are queries, of which those in the outer deciles of a device's latency are left out; ten networks that are
not queries are measured on a device that no model saw.

Two settings. *inductive*: of known devices only the first 900 networks are used, nothing of the queries is known on any
device; this is what HELP does. *tabular*: known devices' measurements of all networks are used, as a user of a table
may. Three choices of the ten: HELP's reference networks, random ones of the first 900, and those that `plan` chooses
out of 2,000 that are not queries. Baselines see the random ten and no known device.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hwnas import metrics
from hwnas.arrays import Array, Float, Integer
from hwnas.data.pickles import load_torch
from hwnas.latency.fewshot import AdaptedModel
from hwnas.latency.observations import check_observations
from hwnas.predictors.design import before_measuring, most_informative
from hwnas.predictors.fewshot_baselines import BASELINES
from hwnas.predictors.fewshot_model import FewShotModel, KnownColumn, learn
from hwnas.spaces import get_space

SPACE: Final = get_space("nasbench201")
PHYSICAL: Final = {
    "1080ti": "gtx-1080-ti",
    "silver_4114": "xeon-silver-4114",
    "silver_4210r": "xeon-silver-4210r",
    "samsung_a50": "samsung-a50",
    "pixel3": "pixel3",
    "essential_ph_1": "essential-ph-1",
    "samsung_s7": "samsung-s7",
}
TRAINING: Final = (
    *("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r"),
    *("samsung_a50", "pixel3", "essential_ph_1", "samsung_s7"),
)
VALIDATION: Final = ("titanx_1", "titanx_32", "titanx_256", "gold_6240")
# Spearman on unseen devices as HELP's paper reports it (ten reference networks and ten to fine-tune on).
PUBLISHED: Final = {
    **{"raspi4": 0.890, "eyeriss": 0.940, "fpga": 0.985},
    **{"pixel2": 0.802, "gold_6226": 0.989, "titan_rtx_256": 0.987},
}
TAUGHT: Final = np.arange(900)
QUERIES: Final = np.arange(900, 1900)
SETTINGS: Final = ("inductive", "tabular")
CHOICES: Final = ("reference", "random", "plan")
SIZES: Final = (5, 10, 20, 50, 100)
Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Help:
    """HELP's files: networks in the benchmark's order, latency (ms) by the name of its file, the reference networks."""

    vectors: Integer[Array, "n 6"]
    latencies: Mapping[str, Float[Array, " n"]]
    reference: Integer[Array, " r"]


def read_folder(folder: Path) -> Help:
    """The files of `folder`, read as plain data; ends the script where one is not there."""
    names = ["str_arch2idx.pt", "hardware_embedding_index.pt", *(f"latency/{name}.pt" for name in TRAINING)]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SystemExit(
            f"expected HELP's files of NAS-Bench-201 in {folder} (of the mirror it is help/nasbench201), "
            f"got no {missing[0]} ({len(missing)} of {len(names)} files are missing)"
        )
    numbered = load_torch((folder / "str_arch2idx.pt").read_bytes())
    paths = sorted((folder / "latency").glob("*.pt"))
    return Help(
        vectors=SPACE.parse(sorted(numbered, key=numbered.__getitem__)),
        latencies={path.stem: np.array(load_torch(path.read_bytes()), dtype=np.float64) for path in paths},
        reference=np.array(load_torch((folder / "hardware_embedding_index.pt").read_bytes())),
    )


def queries(latency_ms: Float[Array, " n"]) -> Integer[Array, " q"]:
    """The 800 queries of a device: those between the 10th and the 90th percentile of its latency."""
    order = np.argsort(latency_ms[QUERIES], kind="stable")
    return np.sort(QUERIES[order[100:900]])


def learned(source: Help, setting: str) -> FewShotModel:
    """The model that the training devices teach."""
    rows = TAUGHT if setting == "inductive" else np.arange(len(source.vectors))
    columns = [
        KnownColumn(name=name, physical=physical_device(name), costs=source.latencies[name][rows]) for name in TRAINING
    ]
    return learn(SPACE, source.vectors[rows], columns, facts={"learned_from": f"HELP's protocol, {setting}"})


def physical_device(name: str) -> str:
    return PHYSICAL.get(name) or PHYSICAL[name.rsplit("_", 1)[0]]


def measured_nets(
    source: Help, model: FewShotModel, choice: str, *, count: int, draws: int
) -> Iterator[Integer[Array, " k"]]:
    """Which networks are measured, once for each draw; HELP's reference networks are the same each time."""
    if choice == "reference":
        yield source.reference[:count]
        return
    others = np.setdiff1d(np.arange(len(source.vectors)), QUERIES)
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        if choice == "random":
            yield rng.choice(TAUGHT, count, replace=False)
            continue
        pool = rng.choice(others, 2000, replace=False)
        features = model.features(SPACE, source.vectors[pool])
        belief = before_measuring(model.prior)
        yield pool[most_informative(model.prior, belief, features, features[:, :1000], count=count)]


def few_shot(model: FewShotModel, source: Help, device: str, nets: Integer[Array, " k"]) -> Figures:
    """Figures of one adaptation on the device's queries."""
    true, rows = source.latencies[device], queries(source.latencies[device])
    observations = check_observations(SPACE, source.vectors[nets], true[nets])
    adapted = AdaptedModel(space=SPACE, device=device, target="latency", observations=observations, model=model)
    estimate = adapted.predict(source.vectors[rows])
    assert estimate.lower is not None and estimate.upper is not None
    return point_figures(true[rows], estimate.mean) | {
        "coverage": metrics.coverage(true[rows], estimate.lower, estimate.upper),
        "width": metrics.relative_width(true[rows], estimate.lower, estimate.upper),
    }


def point_figures(true: Float[Array, " q"], predicted: Float[Array, " q"]) -> Figures:
    """Rank correlations; errors and shares in percent."""
    return {
        "spearman": metrics.spearman(true, predicted),
        "kendall": metrics.kendall(true, predicted),
        "mape": metrics.mape(true, predicted),
        "within_10": metrics.within(true, predicted),
    }


def mean_figures(rows: list[Figures]) -> Figures:
    """Mean over draws."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def protocol(source: Help, *, draws: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Figures by device, then by setting and choice of networks, or by baseline."""
    unseen = [name for name in source.latencies if name not in TRAINING]
    results: dict[str, Any] = {name: {} for name in unseen}
    for setting in SETTINGS:
        progress(f"learning, {setting}")
        model = learned(source, setting)
        for choice in CHOICES:
            progress(f"{setting}, {choice}")
            nets = list(measured_nets(source, model, choice, count=10, draws=draws))
            for name in unseen:
                rows = [few_shot(model, source, name, own) for own in nets]
                results[name][f"{setting} {choice}"] = mean_figures(rows)
    nets = list(measured_nets(source, model, "random", count=10, draws=draws))
    for name in unseen:
        true, rows = source.latencies[name], queries(source.latencies[name])
        for baseline, fit in BASELINES.items():
            figures = [
                point_figures(true[rows], fit(SPACE, source.vectors[own], true[own], source.vectors[rows]))
                for own in nets
            ]
            results[name][f"{baseline} random"] = mean_figures(figures)
    return results


def by_size(source: Help, *, draws: int, progress: Callable[[str], None]) -> dict[str, dict[int, Figures]]:
    """Inductive figures on test devices by number of random measurements, mean over draws."""
    model = learned(source, "inductive")
    results: dict[str, dict[int, Figures]] = {}
    for name in test_devices(source):
        progress(f"5 to 100 measurements, {name}")
        results[name] = {
            size: mean_figures(
                [
                    few_shot(model, source, name, own)
                    for own in measured_nets(source, model, "random", count=size, draws=draws)
                ]
            )
            for size in SIZES
        }
    return results


def test_devices(source: Help) -> list[str]:
    """Devices that neither teach nor choose."""
    return [name for name in source.latencies if name not in (*TRAINING, *VALIDATION)]


def table(results: Mapping[str, Mapping[str, Figures]]) -> str:
    """The figures as text, test devices last; `-` where a baseline has no interval."""
    names = ("spearman", "kendall", "mape", "within_10", "coverage", "width")
    lines = [f"{'device':14s} {'setting':22s}" + "".join(f"{name:>10s}" for name in names) + f"{'HELP':>8s}"]
    for device in sorted(results, key=lambda name: (name not in VALIDATION, name)):
        for setting, figures in results[device].items():
            digits = [3, 3, 1, 1, 1, 1]
            values = [
                f"{figures[name]:10.{digit}f}" if name in figures else f"{'-':>10s}"
                for name, digit in zip(names, digits, strict=True)
            ]
            published = f"{PUBLISHED[device]:8.3f}" if device in PUBLISHED else f"{'':8s}"
            lines.append(f"{device:14s} {setting:22s}" + "".join(values) + published)
    return "\n".join(lines)


def picture(results: Mapping[str, Mapping[int, Figures]], path: Path) -> None:
    """Error and rank correlation against the number of measurements, a line for each device."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, sizes in results.items():
        for axis, key in zip(axes, ("mape", "spearman"), strict=True):
            axis.plot(list(sizes), [figures[key] for figures in sizes.values()], marker="o", label=name)
    for axis, label in zip(axes, ("mean absolute error, % of the latency", "Spearman"), strict=True):
        axis.set(xscale="log", xlabel="measured networks", ylabel=label)
        axis.set_xticks(SIZES, [str(size) for size in SIZES], minor=False)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main() -> None:
    """Read the arguments, run the protocol, print the table, write what was asked for."""
    parser = argparse.ArgumentParser(description="Few-shot latency models in HELP's protocol.")
    parser.add_argument("--folder", type=Path, required=True, help="folder with HELP's files of NAS-Bench-201")
    parser.add_argument("--draws", type=int, default=20, help="draws of the measured networks (20)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--picture", type=Path, help="draw error against 5 to 100 measurements into this file")
    arguments = parser.parse_args()
    source = read_folder(arguments.folder)

    def progress(text: str) -> None:
        print(f"... {text}", flush=True)

    results: dict[str, Any] = {"protocol": protocol(source, draws=arguments.draws, progress=progress)}
    print(table(results["protocol"]))
    if arguments.picture:
        results["by_size"] = by_size(source, draws=arguments.draws, progress=progress)
        picture(results["by_size"], arguments.picture)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
