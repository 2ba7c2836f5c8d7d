"""Descriptors of images, and linear classifiers that learn from them (the paper's appendix B)."""
