"""A protocol is a value: `dense@256/384/512+multicrop@256/384/512` parses, prints back, compares and hashes."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

from protocols.methods import FEATURES, GRIDS, METHODS, SQUARE, WHOLE, WITHOUT_FLIPS
from protocols.scales import SIDE, TrainingScale, assumed_S, in_proportion, multi_scale, single_scale
from protocols.view import Size, View, rescaled

LARGEST_Q = 4096

Rule = Callable[[TrainingScale, int], tuple[int, ...]]  # from S and the crops' side to Q


def _crop_scale(S: TrainingScale, side: int) -> tuple[int, ...]:
    """Krizhevsky et al. (2012) take their crops of 224 pixels from images of 256."""
    return (in_proportion(256, side),)


def _googlenet_scales(S: TrainingScale, side: int) -> tuple[int, ...]:
    """Szegedy et al. (2014), section 7."""
    return tuple(in_proportion(Q, side) for Q in (256, 288, 320, 352))


def _resnet_scales(S: TrainingScale, side: int) -> tuple[int, ...]:
    """He et al. (2015), section 3.4."""
    return tuple(in_proportion(Q, side) for Q in (224, 256, 384, 480, 640))


# What may be written: name -> (method, the rule that gives Q where none is written).
METHOD_NAMES: dict[str, tuple[str, Rule]] = {
    "centre": ("centre", _crop_scale),
    "tencrop": ("tencrop", _crop_scale),
    "dense": ("dense", multi_scale),
    "multicrop": ("multicrop", multi_scale),
    "single-scale": ("dense", lambda S, side: single_scale(S)),
    "multi-scale": ("dense", multi_scale),
    "resnet-dense": ("dense", _resnet_scales),
    "googlenet-crops": ("googlenet-crops", _googlenet_scales),
    "squash": ("squash", lambda S, side: (side,)),
    "squash-centre": ("squash-centre", _crop_scale),
    "dense-noflip": ("dense-noflip", multi_scale),
    "multicrop-noflip": ("multicrop-noflip", multi_scale),
    "fivecrop": ("fivecrop", _crop_scale),
}
PUBLISHED = "published"  # its Q belongs to the weights
DESCRIPTIONS = {  # by the paper that a protocol is of
    "VGG (Simonyan and Zisserman 2014)": {
        "dense": "the convolutional net on the whole image, at the paper's three Q for the weights' S unless written",
        "multicrop": "5x5 grid with flips, 50 crops a Q, at the paper's three Q unless written",
        "dense+multicrop": "any sum: the methods' posteriors averaged (Table 5)",
        "single-scale": "dense at the paper's one Q for the weights' S (Table 3)",
        "multi-scale": "another name for dense (Table 4)",
        "dense-noflip": "dense without the mirror image: what flips bring",
        "multicrop-noflip": "multicrop without mirror images: 25 crops a Q",
    },
    "AlexNet (Krizhevsky et al. 2012)": {
        "tencrop": "four corners and centre with flips, Q as for centre",
        "fivecrop": "tencrop without mirror images (torchvision's FiveCrop)",
        "centre": "the centre crop of the net's own side, Q=256 unless written (for 224 px; else in proportion)",
    },
    "GoogLeNet (Szegedy et al. 2014)": {
        "googlenet-crops": "144 crops: four Q, three squares of each, six crops of each, with flips (section 7)",
    },
    "ResNet (He et al. 2015)": {
        "resnet-dense": "dense at Q=224/256/384/480/640 (section 3.4; the paper averages scores, here posteriors)",
    },
    "the weights' makers": {
        "published": "one view as the weights' makers evaluate them: their resize, interpolation and crop, by PIL",
    },
    "Caffe, and courses' code": {
        "squash": "the whole image as a square of Q x Q, the net's own side unless written",
        "squash-centre": "the image as a square of Q x Q, then its centre crop, Q as for centre (Caffe's)",
    },
}
METHOD_ORDER = list(METHODS)


class ProtocolError(ValueError):
    """A protocol that cannot be read: one line saying what came and what is allowed."""


@dataclass(frozen=True)
class Part:
    """One method at one Q: what costs network time, is computed once and kept."""

    method: str
    Q: int

    def __str__(self) -> str:
        return f"{self.method}@{self.Q}"

    def views(self, size: Size, side: int) -> dict[View, int]:
        """The distinct views of an image of this (original) size, with how often each counts.

        `side` is the crop's side in pixels, 224 in the paper; it must not exceed Q.
        """
        return Counter(METHODS[self.method](self.rescaled(size), self.Q, side))

    def rescaled(self, size: Size) -> Size:
        """The size that an image of this (original) one gets."""
        return rescaled(size, self.Q, self.square)

    @property
    def published(self) -> bool:
        """Whether it is the weights' makers' own."""
        return self.method.startswith(PUBLISHED)

    @property
    def whole(self) -> bool:
        """Whether its views are whole images, which the convolutional net sees."""
        return self.method in WHOLE

    @property
    def features(self) -> bool:
        """Whether it gives descriptors: what the net's last layer sees, in place of posteriors."""
        return self.method == FEATURES

    @property
    def grid(self) -> bool:
        """Whether its views are the crops of a grid, which have early features in common."""
        return self.method in GRIDS

    @property
    def flips(self) -> bool:
        """Whether mirror images are among its views."""
        return any(view.flip for view in METHODS[self.method](Size(self.Q, self.Q), self.Q, self.Q))

    @property
    def without_flips(self) -> "Part | None":
        """The part of its straight views alone; None where it has no such, or no mirror images."""
        method = WITHOUT_FLIPS.get(self.method)
        return Part(method, self.Q) if method else None

    @property
    def square(self) -> bool:
        """Whether images are squashed to Q x Q."""
        return self.method in SQUARE

    @property
    def nominal_views(self) -> int:
        """Views per image as the paper counts them: 50 for multicrop, 2 for dense."""
        return len(METHODS[self.method](Size(self.Q, self.Q), self.Q, self.Q))


@dataclass(frozen=True)
class Protocol:
    """Methods, each a tuple of parts over Q; posteriors are averaged over Q, then over methods."""

    methods: tuple[tuple[Part, ...], ...]

    def __str__(self) -> str:
        return "+".join(f"{parts[0].method}@{'/'.join(str(part.Q) for part in parts)}" for parts in self.methods)

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for parts in self.methods for part in parts)

    @property
    def weights(self) -> dict[Part, Fraction]:
        """Each part's share in the average; they add up to 1."""
        return {part: Fraction(1, len(self.methods) * len(parts)) for parts in self.methods for part in parts}

    @property
    def Q(self) -> tuple[int, ...]:
        """All test scales, ascending."""
        return tuple(sorted({part.Q for part in self.parts}))

    @property
    def nominal_views(self) -> int:
        return sum(part.nominal_views for part in self.parts)


def parse(
    text: str,
    S: TrainingScale | None = None,
    Q: Sequence[int] | None = None,
    side: int = SIDE,
    published: Part | None = None,
) -> Protocol:
    """Read a sum of methods. Where a method names no Q, `Q` holds; without that, the paper's rule for `S`.

    `published` is what this word means for the weights at hand.

    The paper's scales belong to crops of 224 pixels; those of another `side` get them in proportion.
    Raises ProtocolError.
    """
    methods = [
        (_published(published),) if term.strip() == PUBLISHED else _parse_method(term, S or assumed_S(side), Q, side)
        for term in text.split("+")
    ]
    names = [parts[0].method for parts in methods]
    for name in names:
        if names.count(name) > 1:
            raise ProtocolError(f"protocol {text!r}: each method once; write several Q as {name}@256/384/512")
    return Protocol(tuple(sorted(methods, key=lambda parts: METHOD_ORDER.index(parts[0].method))))


def parse_Q(text: str) -> tuple[int, ...]:
    """Read `384` or `256/384/512`, ascending in the result. Raises ProtocolError."""
    numbers = re.split(r"[/,]", text)
    if not all(re.fullmatch(r"\d{1,9}", number) and 0 < int(number) <= LARGEST_Q for number in numbers):
        raise ProtocolError(f"Q {text!r}: give whole numbers of pixels up to {LARGEST_Q}, such as 384 or 256/384/512")
    scales = sorted(int(number) for number in numbers)
    if len(set(scales)) < len(scales):
        raise ProtocolError(f"Q {text!r}: each Q once")
    return tuple(scales)


def _published(part: Part | None) -> Part:
    if part is None:
        raise ProtocolError(
            "protocol 'published': these weights say no recipe of their makers; give weights of torchvision's or "
            "timm's, or centre@Q"
        )
    return part


def _parse_method(term: str, S: TrainingScale, Q: Sequence[int] | None, side: int) -> tuple[Part, ...]:
    name, at, written = term.strip().partition("@")
    if name == PUBLISHED:
        raise ProtocolError(f"protocol {term!r}: the weights say its Q; write published")
    if name not in METHOD_NAMES:
        near = get_close_matches(name.lower(), (*METHOD_NAMES, PUBLISHED), n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ProtocolError(f"protocol {term!r}: the methods are {', '.join((*METHOD_NAMES, PUBLISHED))}{hint}")
    method, rule = METHOD_NAMES[name]
    scales = parse_Q(written) if at else tuple(sorted(set(Q or rule(S, side))))
    if not 0 < scales[0] <= scales[-1] <= LARGEST_Q:
        listed = "/".join(str(scale) for scale in scales)
        raise ProtocolError(f"protocol {term!r}: Q {listed} is not within 1 to {LARGEST_Q}; write {name}@Q")
    if name == "single-scale" and len(scales) > 1:
        raise ProtocolError(f"protocol {term!r}: single-scale takes one Q; multi-scale takes several")
    return tuple(Part(method, scale) for scale in scales)
