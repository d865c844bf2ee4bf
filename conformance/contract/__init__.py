"""The contract as data: reads `spec/` and imports no other part of this project."""

from conformance.contract.explanation import Explanation, Reference, references
from conformance.contract.load import Contract, Place, Requirement, StringRule, default_spec, load_contract

__all__ = [
    "Contract",
    "Explanation",
    "Place",
    "Reference",
    "Requirement",
    "StringRule",
    "default_spec",
    "load_contract",
    "references",
]
