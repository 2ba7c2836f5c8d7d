"""Selective classification: how wrong a row is on the images that it is surest of."""

import numpy as np
import pandas as pd


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """The risk-coverage curve: `coverage`, the share of images kept, surest first, and `risk`, the error among them.

    `confidence` (N,), `right` (N,) bool, N at least 1. A threshold keeps all images of one confidence or none, so those
    are one line together, with the least `confidence` kept. Coverage ascends; at 1 the risk is the row's top-1 error.
    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010.
    """
    groups = pd.DataFrame({"confidence": confidence, "wrong": ~np.asarray(right, bool)}).groupby("confidence")["wrong"]
    found = groups.agg(["size", "sum"]).iloc[::-1].cumsum()
    risk = found["sum"] / found["size"]
    return pd.DataFrame({"coverage": found["size"] / len(right), "risk": risk}).reset_index()


def area_under_risk_coverage(curve: pd.DataFrame) -> float:
    """AURC of the whole curve: the mean of the risk over all images, each in turn the last to be kept, in [0, 1].

    Lower is better.
    Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", NIPS 2017; Geifman, Uziel and El-Yaniv,
    ICLR 2019, equation 2. Images of one confidence, which have no order, all count with the risk of keeping them all.
    """
    return float((curve["risk"] * np.diff(curve["coverage"], prepend=0)).sum())
