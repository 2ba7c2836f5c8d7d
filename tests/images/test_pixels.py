import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import normalize, resize, to_dtype

from bench.images.pixels import NAMED, Pixels, cut, decode, parse_pixels, size_of
from bench.images.rescaling import rescale
from bench.images.scaling import Scaling
from protocols.view import Box, Size, View

COLOUR = np.random.RandomState(0).randint(0, 256, (30, 40, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", NAMED)
def test_named_pixels_print_and_parse_back(name):
    pixels = parse_pixels(name)
    assert parse_pixels(str(pixels)) == pixels == NAMED[name]


def test_no_digit_of_a_mean_is_lost():
    text = "BGR/255/104.00698793,116.66876762,122.67891434/1,1,1"
    assert str(parse_pixels(text)) == text


def test_caffe_is_bgr_minus_the_papers_mean():
    image = torch.tensor([200, 100, 50], dtype=torch.uint8)[:, None, None]
    expected = torch.tensor([50 - 103.939, 100 - 116.779, 200 - 123.68])
    assert torch.allclose(NAMED["caffe"].normalise(image).flatten(), expected)


def test_torchvision_is_its_own_normalisation():
    image = torch.from_numpy(COLOUR).permute(2, 0, 1)
    theirs = normalize(to_dtype(image, torch.float32, scale=True), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(NAMED["torchvision"].normalise(image), theirs, atol=1e-6)


def test_a_bgr_and_an_rgb_twin_agree():
    """A net whose first layer has its input channels swapped, given swapped pixels, is the same net."""
    torch.manual_seed(0)
    rgb = torch.nn.Conv2d(3, 8, 3)
    bgr = torch.nn.Conv2d(3, 8, 3)
    bgr.load_state_dict({"weight": rgb.weight.flip(1), "bias": rgb.bias})
    image = torch.from_numpy(COLOUR).permute(2, 0, 1)
    one = rgb(Pixels("RGB", 1, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)).normalise(image)[None])
    other = bgr(Pixels("BGR", 1, (0.3, 0.2, 0.1), (0.6, 0.5, 0.4)).normalise(image)[None])
    assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("pixels_at_once", [1, 250, 1 << 20])
def test_an_image_decodes_as_pil_converts_it_in_however_many_strips(monkeypatch, tmp_path, mode, pixels_at_once):
    monkeypatch.setattr("bench.images.pixels.STRIP", pixels_at_once)
    file = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.fromarray(COLOUR).convert(mode).save(file)
    with Image.open(file) as image:
        expected = np.array(image.convert("RGB"))
    assert np.array_equal(decode(file).permute(1, 2, 0), expected)
    assert np.array_equal(decode(file, Box(3, 2, 33, 27)).permute(1, 2, 0), expected[2:27, 3:33])


def test_grey_is_what_pil_converts_to():
    """Level by level: a sixteenth of all colours, and every grey."""
    colours = np.random.RandomState(1).randint(0, 256, (1024, 1024, 3)).astype(np.uint8)
    greys = np.arange(1024).astype(np.uint8)[None, :, None].repeat(3, 2)
    shades = np.concatenate([colours, greys])
    expected = np.asarray(Image.fromarray(shades).convert("L")).astype(np.float32)
    ours = Pixels("L", 255, (0,), (1,)).normalise(torch.from_numpy(shades).permute(2, 0, 1))
    assert ours.shape == (1, *expected.shape)
    assert np.array_equal(ours[0].numpy(), expected)


def test_mnist_is_the_grey_normalised_by_the_sets_mean_and_deviation():
    image = torch.full((2, 3, 1, 1), 255, dtype=torch.uint8)
    assert torch.allclose(NAMED["mnist"].normalise(image), torch.full((2, 1, 1, 1), (1 - 0.1307) / 0.3081))


@pytest.mark.parametrize(
    "text",
    ["", "rgb", "RGB/1/1,1,1", "RGB/2/0,0,0/1,1,1", "GBR/1/0,0,0/1,1,1", "RGB/1/0,0/1,1,1", "RGB/1/0,0,0/1,0,1",
     "RGB/1/nan,0,0/1,1,1", "RGB/1/a,b,c/1,1,1", "L/1/0,0,0/1,1,1", "L/1/0/0", "L/1/0/1,1", "L/1//1"],
)  # fmt: skip
def test_other_pixels_are_refused(text):
    with pytest.raises(ValueError, match="give torchvision, caffe, mnist, or order/range/mean/std"):
        parse_pixels(text)


def awkward() -> dict[str, Image.Image]:
    colour = Image.fromarray(COLOUR)
    alpha = colour.convert("RGBA")
    alpha.putalpha(100)
    return {
        "grey.png": colour.convert("L"),
        "cmyk.jpg": colour.convert("CMYK"),
        "palette.png": colour.convert("P"),
        "alpha.png": alpha,
        "grey-alpha.png": colour.convert("LA"),
        "bilevel.png": colour.convert("1"),
    }


@pytest.mark.parametrize("name", awkward())
def test_every_kind_of_file_becomes_what_pil_converts_it_to(name, tmp_path):
    awkward()[name].save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        expected = np.asarray(image.convert("RGB"))
    decoded = decode(tmp_path / name)
    assert decoded.dtype == torch.uint8
    assert np.array_equal(decoded.permute(1, 2, 0).numpy(), expected)


def test_exif_orientation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to view
    Image.fromarray(COLOUR).save(tmp_path / "turned.jpg", exif=exif)
    assert size_of(decode(tmp_path / "turned.jpg")) == Size(40, 30)


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (33, 33), (100, 31)])
def test_rescaling_is_torchvisions_antialiased_bilinear(size):
    image = torch.from_numpy(np.asarray(Image.fromarray(COLOUR).resize(size)).copy()).permute(2, 0, 1)
    theirs = resize(image.contiguous(), [64], antialias=True)
    assert torch.equal(rescale(image, Scaling(64)), theirs)
    assert min(size_of(theirs)) == 64


def test_a_view_is_the_part_and_then_its_mirror_image():
    image = torch.arange(48).reshape(1, 6, 8)
    part = image[:, 1:4, 2:7]
    assert torch.equal(cut(image, View(6, Box(2, 1, 7, 4), flip=False)), part)
    assert torch.equal(cut(image, View(6, Box(2, 1, 7, 4), flip=True)), part.flip(2))
    assert torch.equal(cut(image, View(6, None, flip=True)), image.flip(2))
