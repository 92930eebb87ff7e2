"""What one regressor predicts: a device, a data set and a target, with the nets that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from hwnas.arrays import Array, Float
from hwnas.estimates import Target
from hwnas.predictors.shipped import head_id


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class HeadData:
    """Costs of one head.

    device: reference, `gtx-1080-ti@32` for example. costs: ms or mJ in index order, NaN where not measured.
    """

    device: str
    dataset: str
    target: Target
    costs: Float[Array, " n"]

    @property
    def id(self) -> str:
        """`<device>/<dataset>/<target>`."""
        return head_id(self.device, self.dataset, self.target)

    @property
    def measured(self) -> int:
        """Number of nets with a value."""
        return int((~np.isnan(self.costs)).sum())
