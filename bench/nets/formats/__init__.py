"""Weights as torch and other frameworks keep them, a file each."""
