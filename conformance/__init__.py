"""Contract conformance suite for POST /v1/capture/charge."""

__version__ = "0.2.0"
