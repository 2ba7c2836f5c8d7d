"""Nets and weights: from what was named to a `Model`."""
