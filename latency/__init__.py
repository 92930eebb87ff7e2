"""Latency of networks on devices, in milliseconds."""

from hwnas.latency.tables import MeasuredCosts, MeasuredSample, ShippedPredictions, latency_model

__all__ = ["MeasuredCosts", "MeasuredSample", "ShippedPredictions", "latency_model"]
