"""The shipped contracts: a sound cost model passes, and each broken one fails the method that is meant for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwnas.arrays import Array, Integer
from hwnas.errors import UsageError
from hwnas.estimates import CostModel, Estimate, Provenance
from hwnas.spaces import NASBench201
from hwnas.testing import CostModelContract, ProxyContract, SpaceContract

SPACE = NASBench201()


class MacsCost(CostModel):
    """One nanosecond for a hundred MACs, with an interval of a width that grows with the confidence."""

    space, device, target = "nasbench201", "made-up", "latency"

    def predict(self, architectures: Integer[Array, "n v"], *, confidence: float = 0.9) -> Estimate:
        if not 0 < confidence < 1:
            raise UsageError(f"expected a confidence in (0, 1), got {confidence}")
        mean = SPACE.counts(architectures, dataset="cifar10")["macs"] / 1e8
        return Estimate(
            mean=mean,
            lower=mean * (1 - confidence / 2),
            upper=mean * (1 + confidence),
            confidence=confidence,
            unit=self.unit,
            provenance=Provenance(kind="computed", summary="from MACs", source="test"),
        )


class TestCostModel(CostModelContract):
    model, space = MacsCost(), SPACE


class ZeroCost(MacsCost):
    def predict(self, architectures, *, confidence=0.9):
        estimate = super().predict(architectures, confidence=confidence)
        return replace(estimate, mean=estimate.mean * 0)


class BackwardsInterval(MacsCost):
    def predict(self, architectures, *, confidence=0.9):
        estimate = super().predict(architectures, confidence=confidence)
        return replace(estimate, lower=estimate.upper, upper=estimate.lower)


class CentredCost(MacsCost):
    def predict(self, architectures, *, confidence=0.9):
        estimate = super().predict(architectures, confidence=confidence)
        return replace(estimate, mean=estimate.mean / estimate.mean.mean() if len(estimate) else estimate.mean)


class CarelessCost(MacsCost):
    def predict(self, architectures, *, confidence=0.9):
        return super().predict(architectures[:, :6], confidence=min(max(confidence, 0.1), 0.9))


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (ZeroCost(), "test_estimate"),
        (BackwardsInterval(), "test_interval"),
        (CentredCost(), "test_rows_do_not_depend_on_each_other"),
        (CarelessCost(), "test_bad_input_is_refused"),
    ],
)
def test_a_broken_cost_model_fails(model: CostModel, method: str) -> None:
    contract = CostModelContract()
    contract.model, contract.space = model, SPACE
    with pytest.raises(AssertionError):
        getattr(contract, method)()


def test_a_broken_space_fails() -> None:
    class Broken:
        def __getattr__(self, name):
            return getattr(SPACE, name)

        def strings(self, vectors):
            return ["the same"] * len(vectors)

    contract = SpaceContract()
    contract.space = Broken()
    with pytest.raises(AssertionError):
        contract.test_strings()


def test_a_proxy_that_hides_what_it_uses_fails() -> None:
    from hwnas.proxies import PROXIES

    contract = ProxyContract()
    contract.proxy = replace(PROXIES["snip"], uses_labels=False)
    with pytest.raises(AssertionError):
        contract.test_what_it_uses()


def test_a_proxy_that_gives_all_networks_the_same_fails() -> None:
    """It reads evidence that it does not name, which is then empty."""
    from hwnas.proxies import PROXIES

    contract = ProxyContract()
    contract.proxy = replace(PROXIES["l2_norm"], needs=frozenset({"graph"}))
    contract.test_score_is_a_finite_number()
    with pytest.raises(AssertionError):
        contract.test_networks_differ()
