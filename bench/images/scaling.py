"""How an image gets its test scale: to which size, by which filter, and by whose arithmetic."""

from typing import Literal, NamedTuple

Interpolation = Literal["bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("bilinear", "bicubic", "lanczos")


class Scaling(NamedTuple):
    """One way to rescale: the shorter side to Q, or with `square` both; each filter is antialiased.

    `pil` says that PIL computes it, as published recipes have it; else torch does, which has no Lanczos filter.
    """

    Q: int
    square: bool = False
    interpolation: Interpolation = "bilinear"
    pil: bool = False

    @property
    def rule(self) -> str:
        """In words, for keys and signatures."""
        by_pil = self.pil or self.interpolation == "lanczos"
        return f"antialiased {self.interpolation} {'by PIL' if by_pil else 'on uint8'}"
