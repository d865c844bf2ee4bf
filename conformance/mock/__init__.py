"""The reference server: an own strict reading of the contract, and a shelf of faults with names.

Imports nothing from the rest of the package, so that it cannot share its mistakes.
"""
