"""What every cost model keeps."""

from __future__ import annotations

import math

import numpy as np

from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError
from hwnas.estimates import UNITS, CostModel
from hwnas.spaces import Space
from hwnas.testing.refusals import refused


class CostModelContract:
    """What every `CostModel` keeps. A subclass sets `model` and `space`."""

    model: CostModel
    space: Space

    def _vectors(self) -> Integer[Array, "n v"]:
        return self.space.sample(min(50, self.space.size), seed=0)

    def test_facts(self) -> None:
        """Space, device, target and unit fit together."""
        assert self.model.space == self.space.name and self.model.device
        assert self.model.unit == UNITS[self.model.target]

    def test_estimate(self) -> None:
        """One positive value per architecture, NaN (never 0) where there is none, with unit and source."""
        vectors = self._vectors()
        estimate = self.model.predict(vectors)
        assert len(estimate) == len(vectors) and estimate.unit == self.model.unit and estimate.confidence == 0.9
        assert estimate.provenance.summary and estimate.provenance.source
        known = estimate.mean[~np.isnan(estimate.mean)]
        assert len(known) and np.isfinite(known).all() and (known > 0).all()

    def test_interval(self) -> None:
        """Both bounds or none; they enclose the mean, and more confidence never narrows them."""
        narrow, wide = (self.model.predict(self._vectors(), confidence=level) for level in (0.5, 0.9))
        assert (wide.lower is None) == (wide.upper is None) == (narrow.lower is None)
        if wide.lower is None or wide.upper is None or narrow.lower is None or narrow.upper is None:
            return
        known = ~np.isnan(wide.mean)
        order = np.stack([wide.lower, narrow.lower, wide.mean, narrow.upper, wide.upper])[:, known]
        assert (np.diff(order, axis=0) >= 0).all()

    def test_rows_do_not_depend_on_each_other(self) -> None:
        """An architecture costs the same alone and among others, and each time."""
        vectors = self._vectors()
        together = self.model.predict(vectors).mean
        alone = self.model.predict(vectors[2:3]).mean
        np.testing.assert_allclose(alone, together[2:3], rtol=1e-5)
        np.testing.assert_array_equal(self.model.predict(vectors).mean, together)

    def test_nothing_in_nothing_out(self) -> None:
        """No architectures, an empty estimate."""
        assert len(self.model.predict(self._vectors()[:0])) == 0

    def test_bad_input_is_refused(self) -> None:
        """Vectors of another space, and confidences outside (0, 1)."""
        vectors = self._vectors()
        assert refused(lambda: self.model.predict(vectors[:, :-1]), UsageError)
        for confidence in (0.0, 1.0, -0.5, math.nan):
            assert refused(lambda c=confidence: self.model.predict(vectors, confidence=c), UsageError), confidence
