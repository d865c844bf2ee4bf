"""`python -m conformance` is `capture-conformance`."""

from conformance.cli import main

main()
