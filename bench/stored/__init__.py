"""Runs that were written, read again without their nets."""
