import pytest
import torch
from torchvision.transforms.v2.functional import resize

from protocols.view import Box, Size, View, rescaled

SIDES = [1, 2, 37, 223, 224, 225, 256, 333, 375, 480, 499, 500, 512, 640, 768, 1023, 1024, 2048, 4288]


@pytest.mark.parametrize("Q", [1, 224, 255, 256, 384, 512])
def test_rescaled_is_the_size_that_torchvision_gives(Q):
    for width in SIDES:
        for height in SIDES:
            meta = torch.empty(3, height, width, dtype=torch.uint8, device="meta")
            assert rescaled(Size(width, height), Q) == tuple(reversed(resize(meta, [Q]).shape[-2:])), (width, height)


@pytest.mark.parametrize("Q", [224, 256, 384])
def test_shorter_side_is_Q_and_longer_is_truncated(Q):
    for width in SIDES:
        for height in SIDES:
            size = rescaled(Size(width, height), Q)
            assert min(size) == Q
            short, long = sorted((width, height))
            assert max(size) * short <= Q * long < (max(size) + 1) * short


@pytest.mark.parametrize(
    ("size", "Q", "expected"),
    [
        (Size(640, 480), 256, Size(341, 256)),  # 341.33
        (Size(480, 640), 256, Size(256, 341)),
        (Size(500, 375), 224, Size(298, 224)),  # 298.67: truncated, not rounded
        (Size(224, 224), 512, Size(512, 512)),
        (Size(384, 512), 384, Size(384, 512)),
    ],
)
def test_rescaled_by_hand(size, Q, expected):
    assert rescaled(size, Q) == expected


def test_width_and_height_are_treated_alike():
    for width in SIDES:
        for height in SIDES:
            assert rescaled(Size(width, height), 256) == rescaled(Size(height, width), 256)[::-1]


def test_views_that_look_at_the_same_are_equal_and_hash_alike():
    assert View(256, Box(0, 1, 224, 225), True) == View(256, Box(0, 1, 224, 225), True)
    assert len({View(256, None, flip) for flip in (False, True, False)}) == 2
