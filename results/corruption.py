"""ImageNet-C: errors by corruption and severity, and the mean corruption error (Hendrycks and Dietterich, 2019)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from results.formatting import number

SEVERITIES = (1, 2, 3, 4, 5)
ALEXNET = {  # its mean top-1 error over the five severities, as the authors give it: what errors are divided by
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")  # for validation, and in no mean
GROUPS = tuple(f"{corruption}/{severity}" for corruption in ALEXNET for severity in SEVERITIES)
IMAGES = 50_000  # of each group
PROTOCOL = "centre@224"  # the authors': the images are 224 pixels wide and high already


@dataclass(frozen=True)
class CorruptionErrors:
    """Images and wrong ones at top-1 of every group, such as `snow/3`; what groups that are not whole lack."""

    counts: Mapping[str, tuple[int, int]]
    lacking: Mapping[str, str] = field(default_factory=dict)

    @property
    def corruptions(self) -> list[str]:
        """Those of the mean, whether they are there or not, then others that are there."""
        return [*ALEXNET, *(name for name in EXTRA if any(f"{name}/{each}" in self.counts for each in SEVERITIES))]

    def error(self, corruption: str, severity: int) -> float | None:
        """The share of wrong images, None where there are no images."""
        n, wrong = self.counts.get(f"{corruption}/{severity}", (0, 0))
        return wrong / n if n else None

    def mean(self, corruption: str) -> float | None:
        """The mean error over the severities, None unless all five are there and whole."""
        errors = [self.error(corruption, severity) for severity in SEVERITIES]
        found = [error for error in errors if error is not None]
        whole = not any(f"{corruption}/{severity}" in self.lacking for severity in SEVERITIES)
        return sum(found) / len(SEVERITIES) if whole and len(found) == len(SEVERITIES) else None

    def corruption_error(self, corruption: str) -> float | None:
        """The errors summed over the severities as a share of AlexNet's, None where it has none."""
        mean = self.mean(corruption)
        return mean / ALEXNET[corruption] if mean is not None and corruption in ALEXNET else None

    @property
    def mean_corruption_error(self) -> float | None:
        """The mean of the corruption errors of the 15 corruptions, None unless all are known."""
        return _mean([self.corruption_error(corruption) for corruption in ALEXNET])

    @property
    def mean_error(self) -> float | None:
        """The mean error over the 15 corruptions, None unless all are known."""
        return _mean([self.mean(corruption) for corruption in ALEXNET])

    def record(self) -> dict[str, Any]:
        """For `results.json`, in %."""
        return {
            "mean_corruption_error": _percent(self.mean_corruption_error),
            "mean_corrupted_top1": _percent(self.mean_error),
            "corruptions": {
                corruption: {
                    "n": [self.counts.get(f"{corruption}/{severity}", (0, 0))[0] for severity in SEVERITIES],
                    "wrong1": [self.counts.get(f"{corruption}/{severity}", (0, 0))[1] for severity in SEVERITIES],
                    "top1": _percent(self.mean(corruption)),
                    "corruption_error": _percent(self.corruption_error(corruption)),
                }
                for corruption in self.corruptions
            },
        }

    def cells(self) -> list[dict[str, str]]:
        """A row per corruption, and the mean of the 15."""
        rows = [
            {
                "corruption": corruption if corruption in ALEXNET else f"({corruption})",
                **{str(each): _shown(self.error(corruption, each)) for each in SEVERITIES},
                "mean": _shown(self.mean(corruption)),
                "corruption error": _shown(self.corruption_error(corruption)),
            }
            for corruption in self.corruptions
        ]
        by_severity = [_mean([self.error(corruption, each) for corruption in ALEXNET]) for each in SEVERITIES]
        severities = {str(each): _shown(mean) for each, mean in zip(SEVERITIES, by_severity, strict=True)}
        means = {"mean": _shown(self.mean_error), "corruption error": _shown(self.mean_corruption_error)}
        return [*rows, {"corruption": "mean of 15", **severities, **means}]

    def notes(self, protocol: str) -> list[str]:
        """What is to be said beneath the cells of a row under this protocol."""
        notes = ["top-1 error in % by severity, 1 to 5; corruption error: as a share of AlexNet's, mean: mCE"]
        if self.lacking:
            group, lacks = next(iter(self.lacking.items()))
            more = f", and {len(self.lacking) - 1} more groups are not whole" if len(self.lacking) > 1 else ""
            notes.append(f"no mCE: {group} {lacks}{more}")
        sizes = sorted({n for n, _ in self.counts.values()})
        if sizes != [IMAGES]:
            notes.append(f"{'-'.join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))} images a group, not {IMAGES:,}")
        if protocol != PROTOCOL:
            notes.append(f"under {protocol}; published mCE are under {PROTOCOL}")
        if any(name in EXTRA for name in self.corruptions):
            notes.append("corruptions in brackets are in no mean")
        return notes


def corruption_errors(
    groups: Sequence[str], wrong: np.ndarray, lacking: Mapping[str, str], skipped: Sequence[str] = ()
) -> CorruptionErrors:
    """From the group of each image that was counted, and whether it is wrong, (N,) bool.

    `lacking` says what groups lack; those of the images that were `skipped` lack these.
    """
    images, bad = Counter(groups), Counter(group for group, each in zip(groups, wrong, strict=True) if each)
    left_out = {group: f"lacks {count} that cannot be decoded" for group, count in Counter(skipped).items()}
    absent = {group: "is not there" for group in GROUPS if group not in images}
    counts = {group: (n, bad[group]) for group, n in images.items()}
    return CorruptionErrors(counts, {**left_out, **absent, **lacking})


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if len(found) == len(values) else None


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)


def _shown(share: float | None) -> str:
    return number(None if share is None else 100 * share, ".1f")
