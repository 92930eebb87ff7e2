"""Regressors of latency and energy on architectures. Importing this package does not import torch; see README.md."""
