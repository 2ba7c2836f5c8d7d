"""How many images show a difference: what people ask when a test is silent."""

import math
from statistics import NormalDist

POWER, ALPHA = 0.8, 0.05


def images_needed(only_first: int, only_second: int, n: int, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """About how many images McNemar's two-sided test needs to see such a difference; None where there is none.

    Such a difference: the two rows would go on to differ on the same shares of images as on these n, of which
    `only_first` and `only_second` are those that only one of them got wrong. `power` is the probability that the test
    is then significant at `alpha`. By the normal approximation: on so many images the exact test's power is some points
    lower, mostly 0.75 to 0.8 in place of 0.8, and a tenth more images make up for it. Never fewer than the exact test
    needs if one row alone got all of them wrong.
    Connor, "Sample Size for Testing Differences in Proportions for the Paired-Sample Design", Biometrics 43, 1987.
    """
    if only_first == only_second:
        return None
    differing, difference = (only_first + only_second) / n, (only_first - only_second) / n
    z_alpha, z_beta = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    spread = z_alpha * math.sqrt(differing) + z_beta * math.sqrt(differing - difference**2)
    fewest = math.floor(2 - math.log2(alpha))  # 2 x 1/2^m < alpha
    return max(fewest, math.ceil((spread / difference) ** 2))
