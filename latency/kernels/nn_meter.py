"""The kernel predictors of nn-Meter (Zhang 2021, MIT): random forests on nn-Meter's own features of a kernel.

What a predictor was not made for, such as a grouped convolution or a map that is not square, has no cost here: it is
named as not covered, where nn-Meter itself adds nothing for it and says nothing. The predictors concat, split and
channelshuffle have no place: they ask for the channels of every input, or for several operators in one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from hwnas.arrays import Array, Bool, Float
from hwnas.graphs import feature_names
from hwnas.latency.kernels.features import beyond
from hwnas.predictors.trees import Trees

Columns = Mapping[str, Float[Array, " n"]]


@final
@dataclass(frozen=True, kw_only=True)
class Predictor:
    """One predictor of nn-Meter and the kernels of ours that it is for.

    name: of its file. kind: of kernels. features: nn-Meter's, in its order, from the columns of ours.
    fits: which kernels it was made for, of those without and with fused operators.
    """

    name: str
    kind: str
    features: Callable[[Columns], list[Float[Array, " n"]]]
    names: tuple[str, ...]
    fits: Callable[[Columns], Bool[Array, " n"]]


def _window(c: Columns) -> Bool[Array, " n"]:
    """Square maps, kernels and strides; one image."""
    square = (c["in_height"] == c["in_width"]) & (c["kernel_height"] == c["kernel_width"])
    return np.asarray(square & (c["stride_height"] == c["stride_width"]) & (c["dilation"] == 1) & (c["batch"] == 1))


def _map(c: Columns) -> Bool[Array, " n"]:
    """A square feature map of one image."""
    return np.asarray(
        (c["rank"] == 4) & (c["batch"] == 1) & (c["out_elements"] == c["channels"] * c["axis_length"] ** 2)
    )


def _plain(c: Columns) -> Bool[Array, " n"]:
    return np.asarray(_map(c) & (c["fused"] == 0))


def _with_relu(c: Columns) -> Bool[Array, " n"]:
    return np.asarray(_map(c) & (c["fused"] > 0))


def _sum(c: Columns) -> Bool[Array, " n"]:
    """Of two maps of one shape."""
    return np.asarray((c["inputs"] == 2) & (c["in_elements"] == 2 * c["out_elements"]))


def _pooled(c: Columns) -> Bool[Array, " n"]:
    """All pixels of a square map."""
    side = np.sqrt(c["in_elements"] / np.maximum(c["channels"], 1))
    return np.asarray((c["batch"] == 1) & (c["out_elements"] == c["channels"]) & (side == np.rint(side)))


def _one_row(c: Columns) -> Bool[Array, " n"]:
    return np.asarray((c["products"] == 1) & (c["rows"] == 1))


def _conv(c: Columns) -> list[Float[Array, " n"]]:
    """Operations and parameters as nn-Meter counts them: bias included, maps divided by the stride."""
    depthwise = c["groups"] == c["in_channels"]
    window = c["kernel_width"] ** 2 * np.where(depthwise & (c["groups"] > 1), 1, c["in_channels"])
    params = c["out_channels"] * (window + 1)
    flops = 2 * (c["in_height"] / c["stride_width"]) ** 2 * params
    sizes = [c["in_height"], c["in_channels"], c["out_channels"], c["kernel_width"], c["stride_width"]]
    return [*sizes, flops / 2e6, params / 1e6]


def _dense(c: Columns) -> list[Float[Array, " n"]]:
    flops = (2 * c["inner"] + 1) * c["columns"]
    return [c["inner"], c["columns"], flops / 2e6, flops / 1e6]


def _pool(c: Columns) -> list[Float[Array, " n"]]:
    return [c["in_height"], c["in_channels"], c["out_channels"], c["kernel_width"], c["stride_width"]]


def _map_sizes(c: Columns) -> list[Float[Array, " n"]]:
    return [c["axis_length"], c["channels"]]


def _sum_sizes(c: Columns) -> list[Float[Array, " n"]]:
    return [c["axis_length"], c["channels"], c["channels"]]


def _pooled_sizes(c: Columns) -> list[Float[Array, " n"]]:
    """The height that the predictor was trained on; nn-Meter itself always asks it for a height of 1."""
    return [np.sqrt(c["in_elements"] / np.maximum(c["channels"], 1)), c["channels"]]


_CONV: Final = ("height", "in channels", "out channels", "kernel", "stride", "operations", "parameters")
_POOL: Final = ("height", "in channels", "out channels", "kernel", "stride")
_DENSE: Final = ("in features", "out features", "operations", "parameters")
_MAP: Final = ("height", "channels")
_SUM: Final = ("height", "channels", "channels")
PREDICTORS: Final = (
    Predictor(name="conv-bn-relu", kind="conv", features=_conv, names=_CONV, fits=_window),
    Predictor(name="dwconv-bn-relu", kind="depthwise_conv", features=_conv, names=_CONV, fits=_window),
    Predictor(name="fc", kind="linear", features=_dense, names=_DENSE, fits=_one_row),
    Predictor(name="maxpool", kind="max_pool", features=_pool, names=_POOL, fits=_window),
    Predictor(name="avgpool", kind="avg_pool", features=_pool, names=_POOL, fits=_window),
    Predictor(name="global-avgpool", kind="global_avg_pool", features=_pooled_sizes, names=_MAP, fits=_pooled),
    Predictor(name="global-avgpool", kind="mean", features=_pooled_sizes, names=_MAP, fits=_pooled),
    Predictor(name="relu", kind="relu", features=_map_sizes, names=_MAP, fits=_plain),
    Predictor(name="relu", kind="clip", features=_map_sizes, names=_MAP, fits=_plain),
    Predictor(name="hswish", kind="hard_swish", features=_map_sizes, names=_MAP, fits=_plain),
    Predictor(name="bn", kind="batch_norm", features=_map_sizes, names=_MAP, fits=_plain),
    Predictor(name="bnrelu", kind="batch_norm", features=_map_sizes, names=_MAP, fits=_with_relu),
    Predictor(name="se", kind="squeeze_excitation", features=_map_sizes, names=_MAP, fits=_map),
    Predictor(name="add", kind="add", features=_sum_sizes, names=_SUM, fits=lambda c: _plain(c) & _sum(c)),
    Predictor(name="addrelu", kind="add", features=_sum_sizes, names=_SUM, fits=lambda c: _with_relu(c) & _sum(c)),
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ForestRegressor:
    """Costs of kernels of one kind by predictors of nn-Meter; `KernelRegressor` says what its members are.

    forests: by the name of the predictor, each a mean of trees over nn-Meter's features. quantiles: of logarithmic
    errors; the files bring none, so that they are a convention.
    """

    kind: str
    forests: Mapping[str, Trees]
    quantiles: Float[Array, " l"]
    rows: int = 0
    error_percent: float = float("nan")

    def predict(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """Best estimates, positive; NaN where no predictor was made for the kernel."""
        costs = np.full(len(features), np.nan)
        for forest, sizes, fits, _ in self._parts(features):
            if fits.any():
                costs[fits] = np.maximum(forest.predict(sizes[fits]), 1e-9)
        return costs

    def outside(self, features: Float[Array, "n f"]) -> Float[Array, " n"]:
        """The factor by which a kernel lies outside of the thresholds of the trees: 1 inside."""
        factors = np.ones(len(features))
        for forest, sizes, fits, _ in self._parts(features):
            factors[fits] = beyond(sizes[fits], *_thresholds(forest, sizes.shape[1]))[0]
        return factors

    def worst_feature(self, features: Float[Array, "n f"]) -> list[str]:
        """Which of nn-Meter's features lies farthest outside; "" where no predictor was made for the kernel."""
        names = [""] * len(features)
        for forest, sizes, fits, its_names in self._parts(features):
            worst = beyond(sizes, *_thresholds(forest, sizes.shape[1]))[1]
            for row in np.flatnonzero(fits).tolist():
                names[row] = its_names[int(worst[row])]
        return names

    def _parts(
        self, features: Float[Array, "n f"]
    ) -> list[tuple[Trees, Float[Array, "n s"], Bool[Array, " n"], tuple[str, ...]]]:
        """Each forest with nn-Meter's features of all kernels, and which of them it is for."""
        columns = dict(zip(feature_names(self.kind), features.T, strict=True))
        found = []
        for predictor in PREDICTORS:
            if predictor.kind == self.kind and predictor.name in self.forests:
                # scikit-learn compares single precision with its thresholds.
                sizes = np.stack(predictor.features(columns), axis=1).astype(np.float32).astype(np.float64)
                found.append((self.forests[predictor.name], sizes, predictor.fits(columns), predictor.names))
        return found


def _thresholds(forest: Trees, width: int) -> tuple[Float[Array, " s"], Float[Array, " s"]]:
    """The smallest and largest threshold of each feature, which lie between measured values; none is no bound."""
    low, high = np.zeros(width), np.full(width, np.inf)
    for feature in range(width):
        thresholds = forest.threshold[forest.feature == feature]
        if len(thresholds):
            low[feature], high[feature] = thresholds.min(), thresholds.max()
    return low, high
