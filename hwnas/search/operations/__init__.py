"""Operation scoring (Xiang et al. 2023): what each operation of a supernet is worth, and architectures made of it."""

from hwnas.search.operations.completions import Completions
from hwnas.search.operations.discretise import ORDERS, Plan, discretise
from hwnas.search.operations.proposals import Proposal, propose, validate

__all__ = ["ORDERS", "Completions", "Plan", "Proposal", "discretise", "propose", "validate"]
