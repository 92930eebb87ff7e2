"""Latency of networks on devices, in milliseconds."""

from hwnas.latency.tables import MeasuredCosts, ShippedPredictions, latency_model

__all__ = ["MeasuredCosts", "ShippedPredictions", "latency_model"]
