"""Contract conformance suite for POST /v1/capture/charge."""

__version__ = "0.1.0"
