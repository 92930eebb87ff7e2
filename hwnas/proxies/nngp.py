"""`nngp`: how well a Gaussian process with the network's kernel tells the classes apart (Park 2020)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.errors import ProxyError
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

NNGP_NETWORKS: Final = 4
RIDGES: Final = 20  # from 1e-7 to 1e2 times the mean of the diagonal, as in the paper's code


def score(evidence: Evidence) -> float:
    """-(smallest mean squared error over ridges of the leave-one-out predictions of the labels).

    The kernel is the mean over random networks of F Fᵀ, F being the features before the classifier; targets are one-hot
    labels less 1 / classes. Park 2020 predicts a validation set and counts hits; of a single batch each image is
    predicted from all others, and hits would take no more values than there are images.
    """
    assert evidence.labels is not None
    if evidence.labels.is_floating_point() or evidence.labels.ndim != 1:
        raise ProxyError("nngp predicts classes: expected one integer label for each image; use another proxy")
    features = [layer.double().cpu().numpy() for layer in evidence.random_features]
    if not all(np.isfinite(layer).all() for layer in features):
        return math.nan
    if not any((layer != layer[0]).any() for layer in features):
        return -math.inf
    kernel = sum(layer @ layer.T for layer in features) / len(features)
    labels = evidence.labels.cpu().numpy()
    targets = (labels[:, None] == np.unique(labels)) - 1.0 / len(np.unique(labels))
    return -min(
        float(np.square(left_out_errors(kernel, targets, ridge)).sum(axis=1).mean()) for ridge in _ridges(kernel)
    )


def left_out_errors(kernel: Float[Array, "b b"], targets: Float[Array, "b c"], ridge: float) -> Float[Array, "b c"]:
    """Target less the prediction of the process that saw all other images, in closed form: [A y]_i / A_ii, where A is
    the inverse of kernel + ridge."""
    inverse = np.linalg.inv(kernel + ridge * np.eye(len(kernel)))
    errors: Float[Array, "b c"] = inverse @ targets / np.diagonal(inverse)[:, None]
    return errors


def _ridges(kernel: Float[Array, "b b"]) -> Float[Array, " r"]:
    ridges: Float[Array, " r"] = np.logspace(-7, 2, num=RIDGES) * np.trace(kernel) / len(kernel)
    return ridges


PROXY = Proxy(
    name="nngp",
    title="leave-one-out error of the network's Gaussian process (Monte Carlo), turned",
    needs=frozenset({"random_features"}),
    score=score,
    source="Park 2020, arXiv:2011.06006, section 2 and its code; here leave-one-out error instead of accuracy",
    fails="small batches: so few images are fitted best by shallow networks (Spearman -0.5 on 64 of CIFAR-10)",
    uses_data=True,
    uses_labels=True,
    least_images=2,
    turned=True,
    constants={"networks": NNGP_NETWORKS, "ridges": RIDGES},
    minus_infinity="all images have the same features",
)
