from fractions import Fraction
from math import floor

import pytest
import torch
from torchvision.transforms.v2.functional import center_crop, five_crop, hflip, ten_crop

from protocols.methods import METHODS, WITHOUT_FLIPS, centre, dense, fivecrop, grid_offsets, multicrop, tencrop
from protocols.protocol import Part, ProtocolError, parse
from protocols.view import Box, Size, View, rescaled

SIZES = [
    Size(640, 480),
    Size(480, 640),
    Size(500, 375),
    Size(500, 500),
    Size(224, 224),
    Size(1000, 300),
    Size(333, 501),
]
EVEN_AND_ODD = [Size(8 + dx, 8 + dy) for dx in (0, 1, 2, 3, 4, 5, 7) for dy in (0, 1, 2, 3, 6, 9)]


COUNTS = [
    *(("centre", 1), ("tencrop", 10), ("fivecrop", 5)),
    *(("dense", 2), ("dense-noflip", 1), ("multicrop", 50), ("multicrop-noflip", 25)),
]


def index_image(size):
    """Channels x and y: each pixel says where it lies."""
    y, x = torch.meshgrid(torch.arange(size.height), torch.arange(size.width), indexing="ij")
    return torch.stack([x, y])


def shown(image, view):
    left, top, right, bottom = view.box
    patch = image[:, top:bottom, left:right]
    return hflip(patch) if view.flip else patch


def every_view(method):
    for size in SIZES:
        for Q in (224, 225, 256, 384, 511, 512):
            yield rescaled(size, Q), list(Part(method, Q).views(size, 224))


@pytest.mark.parametrize("size", EVEN_AND_ODD)
def test_centre_is_the_center_crop_of_torchvision(size):
    (view,) = centre(size, 8, 8)
    image = index_image(size)
    assert not view.flip
    assert torch.equal(shown(image, view), center_crop(image, [8, 8]))


@pytest.mark.parametrize("size", EVEN_AND_ODD)
def test_tencrop_shows_the_ten_patches_of_torchvision(size):
    image = index_image(size)
    ours = [shown(image, view).tolist() for view in tencrop(size, 8, 8)]
    theirs = [crop.tolist() for crop in ten_crop(image, [8, 8])]
    assert ours[:5] == theirs[:5]
    assert sorted(ours[5:]) == sorted(theirs[5:])


@pytest.mark.parametrize("size", EVEN_AND_ODD)
def test_fivecrop_shows_the_five_patches_of_torchvision(size):
    image = index_image(size)
    ours = [shown(image, view).tolist() for view in fivecrop(size, 8, 8)]
    assert ours == [crop.tolist() for crop in five_crop(image, [8, 8])]


@pytest.mark.parametrize(("method", "without"), WITHOUT_FLIPS.items())
def test_without_flips_there_are_the_straight_views_and_no_others(method, without):
    for size in SIZES:
        views = Part(method, 256).views(size, 224)
        assert Part(without, 256).views(size, 224) == {view: n for view, n in views.items() if not view.flip}
        assert Part(method, 256).without_flips == Part(without, 256)
        assert Part(without, 256).without_flips is None


def test_grid_offsets_are_quarters_of_the_room_rounded_half_up():
    for length in range(224, 1400):
        exact = [Fraction(k * (length - 224), 4) for k in range(5)]
        assert grid_offsets(length, 224) == [floor(offset + Fraction(1, 2)) for offset in exact]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (224, [0, 0, 0, 0, 0]),
        (225, [0, 0, 1, 1, 1]),  # 0, 0.25, 0.5, 0.75, 1
        (226, [0, 1, 1, 2, 2]),  # 0, 0.5, 1, 1.5, 2
        (256, [0, 8, 16, 24, 32]),
        (298, [0, 19, 37, 56, 74]),  # 0, 18.5, 37, 55.5, 74
        (341, [0, 29, 59, 88, 117]),  # 0, 29.25, 58.5, 87.75, 117
    ],
)
def test_grid_offsets_by_hand(length, expected):
    assert grid_offsets(length, 224) == expected


@pytest.mark.parametrize("method", ["multicrop", "multicrop-noflip", "tencrop", "fivecrop"])
def test_edge_crops_touch_the_edges(method):
    for size, views in every_view(method):
        assert min(view.box.left for view in views) == min(view.box.top for view in views) == 0
        assert max(view.box.right for view in views) == size.width
        assert max(view.box.bottom for view in views) == size.height


@pytest.mark.parametrize("method", ["centre", "multicrop", "tencrop"])
def test_every_crop_is_a_square_inside_the_image(method):
    for size, views in every_view(method):
        for _, box, *_ in views:
            assert (box.right - box.left, box.bottom - box.top) == (224, 224)
            assert min(box) >= 0
            assert box.right <= size.width
            assert box.bottom <= size.height


@pytest.mark.parametrize(("method", "count"), COUNTS)
def test_number_of_views_at_each_Q(method, count):
    for size in SIZES:
        for Q in (224, 256, 288, 352, 384, 416, 512):
            assert Part(method, Q).views(size, 224).total() == Part(method, Q).nominal_views == count


def test_multicrop_at_three_Q_is_150_views():
    protocol = parse("multicrop@256/384/512")
    assert protocol.nominal_views == 150
    assert all(sum(part.views(size, 224).total() for part in protocol.parts) == 150 for size in SIZES)


def test_at_Q_224_a_square_image_has_one_box():
    box = Box(0, 0, 224, 224)
    assert Part("multicrop", 224).views(Size(500, 500), 224) == {View(224, box, False): 25, View(224, box, True): 25}


@pytest.mark.parametrize("size", [Size(640, 480), Size(480, 640)])
def test_at_Q_224_a_4_by_3_image_has_five_boxes(size):
    views = Part("multicrop", 224).views(size, 224)
    offsets = [(x, 0) if size.width > size.height else (0, x) for x in (0, 19, 37, 56, 74)]
    assert {(view.box.left, view.box.top) for view in views} == set(offsets)
    assert len(views) == 10
    assert set(views.values()) == {5}


def test_at_larger_Q_all_fifty_views_are_distinct():
    for size in SIZES:
        for Q in (256, 384, 512):
            assert len(Part("multicrop", Q).views(size, 224)) == 50


@pytest.mark.parametrize("method", ["dense", "multicrop"])
def test_each_view_has_its_mirror_image_with_the_same_weight(method):
    for size in SIZES:
        views = Part(method, 256).views(size, 224)
        assert all(views[view._replace(flip=not view.flip)] == count for view, count in views.items())


def test_dense_is_the_whole_image_and_its_mirror_image():
    assert dense(Size(341, 256), 256, 224) == [View(256, None, False), View(256, None, True)]


@pytest.mark.parametrize("method", METHODS)
def test_views_carry_their_Q(method):
    assert {view.Q for view in METHODS[method](Size(341, 256), 256, 224)} == {256}


def test_the_middle_of_the_grid_is_the_centre_where_the_room_divides_by_four():
    size = Size(352, 256)
    assert multicrop(size, 256, 224)[12] == centre(size, 256, 224)[0]


def test_googlenets_crops_lie_on_three_squares():
    """Szegedy et al. (2014), section 7: 4 scales x 3 squares x 6 crops x 2 mirror images are 144."""
    assert parse("googlenet-crops").nominal_views == 144
    assert str(parse("googlenet-crops")) == "googlenet-crops@256/288/320/352"
    for size, squares in ((Size(640, 480), [(0, 0), (42, 0), (85, 0)]), (Size(480, 640), [(0, 0), (0, 42), (0, 85)])):
        views = Part("googlenet-crops", 256).views(size, 224)
        assert sum(views.values()) == 36
        wholes = {view.box for view in views if view.side == 224}
        assert wholes == {Box(left, top, left + 256, top + 256) for left, top in squares}
        crops = {view.box[:2] for view in views if view.side is None}
        inside = [(0, 0), (32, 0), (0, 32), (32, 32), (16, 16)]
        assert crops == {(x + left, y + top) for x, y in squares for left, top in inside}
        assert {view.flip for view in views} == {False, True}
        assert {view.shown(size) for view in views} == {Size(224, 224)}
    square = Part("googlenet-crops", 256).views(Size(500, 500), 224)
    assert set(square.values()) == {3}


def test_a_square_image_shows_all_of_it():
    """Caffe's ImageData layer makes every image 256 x 256, then takes the centre; courses resize to 224 x 224."""
    for size in SIZES:
        assert Part("squash", 224).views(size, 224) == {View(224, Box(0, 0, 224, 224), False): 1}
        assert Part("squash-centre", 256).views(size, 224) == {View(256, Box(16, 16, 240, 240), False): 1}
        assert Part("squash-centre", 256).rescaled(size) == (256, 256)
    assert str(parse("squash")) == "squash@224"
    assert str(parse("squash-centre", side=112)) == "squash-centre@128"


def test_resnets_scales():
    """He et al. (2015), section 3.4."""
    assert parse("resnet-dense") == parse("dense@224/256/384/480/640")


def test_published_is_what_the_weights_say():
    assert parse("published", published=Part("published", 232)).parts == (Part("published", 232),)
    assert str(parse("published+dense@256", published=Part("published", 232))) == "dense@256+published@232"
    with pytest.raises(ProtocolError, match="these weights say no recipe"):
        parse("published")
    with pytest.raises(ProtocolError, match="the weights say its Q; write published"):
        parse("published@256", published=Part("published", 232))
