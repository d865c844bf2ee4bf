"""The reference server: its own strict reading of the contract, and a collection of named faults.

Imports nothing from the rest of the package, so that the two cannot share mistakes.
"""
