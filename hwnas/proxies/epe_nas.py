"""`epe_nas`: how the images' gradients resemble one another within each class (Lopes 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hwnas.errors import ProxyError
from hwnas.proxies.correlations import row_correlations, without_correlations
from hwnas.proxies.proxy import Proxy

if TYPE_CHECKING:
    from hwnas.proxies.evidence import Evidence

EPSILON: Final = 1e-5
MANY_CLASSES: Final = 100


def score(evidence: Evidence) -> float:
    """With E_c = sum over pairs of class c of log(|correlation| + k): the sum of |E_c| over classes.

    With more than 100 classes: E_c divided by the images of the class, for classes with several, and the sum over
    pairs of classes of |E_c - E_d|, divided by their number. Raises `ProxyError` where no class has several images.
    """
    jacobian, labels = evidence.jacobian, evidence.labels
    assert jacobian is not None and labels is not None
    if (without := without_correlations(jacobian)) is not None:
        return without
    logs = (row_correlations(jacobian).abs() + EPSILON).log().cpu().numpy()
    classes = labels.cpu().numpy()
    members = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    if max(map(len, members)) < 2:  # the sum would be a constant
        raise ProxyError("epe_nas expected a class with several images in the batch, got none; give a larger batch")
    if evidence.classes <= MANY_CLASSES:
        return float(sum(abs(logs[np.ix_(rows, rows)].sum()) for rows in members))
    sums = np.array([logs[np.ix_(rows, rows)].sum() / len(rows) for rows in members if len(rows) > 1])
    return float(np.abs(sums[:, None] - sums[None, :]).sum() / len(sums))


PROXY = Proxy(
    name="epe_nas",
    title="how the images' gradients are correlated within each class",
    needs=frozenset({"jacobian"}),
    score=score,
    source="Lopes 2021, arXiv:2102.08099, eqs. 4 to 8",
    fails="batches with fewer images than classes, where most classes say nothing",
    uses_data=True,
    least_images=2,
    uses_labels=True,
    constants={"epsilon": EPSILON, "many_classes": MANY_CLASSES},
    minus_infinity="the logits of an image do not depend on it",
)
