"""Evaluation and benchmarks under the test protocols of the VGG paper."""

__version__ = "0.2.0"
