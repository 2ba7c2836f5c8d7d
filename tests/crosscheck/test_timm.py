"""timm's nets, with random weights, of 40 families: its own transform and posteriors are ours under `published`."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from table import record, versions

import bench

timm = pytest.importorskip("timm")

from timm.data import create_transform, resolve_data_config  # noqa: E402

ALLOWED = 1e-4
SPREAD = 2  # standard deviation of the scores
CLASSES = 24
NETS = (
    "bat_resnext26ts.ch_in1k",
    "beit_base_patch16_224.in22k_ft_in22k_in1k",
    "botnet26t_256.c1_in1k",
    "caformer_s18.sail_in1k",
    "coatnet_nano_rw_224.sw_in1k",
    "convit_tiny.fb_in1k",
    "convmixer_768_32.in1k",
    "convnext_atto.d2_in1k",
    "convnextv2_atto.fcmae_ft_in1k",
    "crossvit_9_240.in1k",
    "cs3darknet_m.c2ns_in1k",
    "cspdarknet53.ra_in1k",
    "deit_tiny_patch16_224.fb_in1k",
    "densenet121.ra_in1k",
    "dla34.in1k",
    "dm_nfnet_f0.dm_in1k",
    "dpn68.mx_in1k",
    "edgenext_xx_small.in1k",
    "efficientformer_l1.snap_dist_in1k",
    "efficientnet_b0.ra_in1k",
    "efficientvit_b0.r224_in1k",
    "fastvit_t8.apple_in1k",
    "fbnetc_100.rmsp_in1k",
    "focalnet_tiny_srf.ms_in1k",
    "gernet_s.idstcv_in1k",
    "ghostnet_100.in1k",
    "hardcorenas_a.miil_green_in1k",
    "hgnet_tiny.paddle_in1k",
    "hrnet_w18_small.gluon_in1k",
    "inception_v4.tf_in1k",
    "levit_128s.fb_dist_in1k",
    "mixer_b16_224.goog_in21k_ft_in1k",
    "mobilenetv3_small_050.lamb_in1k",
    "poolformer_s12.sail_in1k",
    "pvt_v2_b0.in1k",
    "regnetx_002.pycls_in1k",
    "repvgg_a0.rvgg_in1k",
    "res2net50_14w_8s.in1k",
    "resnet10t.c3_in1k",
    "rexnet_100.nav_in1k",
    "selecsls42b.in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "tinynet_e.in1k",
    "tresnet_m.miil_in1k",
    "vgg11.tv_in1k",
    "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    "xception41.tf_in1k",
)


@pytest.fixture(scope="module")
def photographs(views):
    """Of odd sizes, so that resize and crop have something to do."""
    pictures = [Image.fromarray(each) for each in views.pixels[:4]]
    sizes = (417, 303), (303, 417), (611, 377), (350, 350)
    return [picture.resize(size) for picture, size in zip(pictures, sizes, strict=True)]


def random_net(name: str, image: torch.Tensor) -> torch.nn.Module:
    """A net whose normalisations have statistics of their own, and whose scores spread."""
    torch.manual_seed(0)
    net = timm.create_model(name, pretrained=False, num_classes=CLASSES).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    heads = net.get_classifier()
    several = heads if isinstance(heads, tuple | list) else (heads,)
    weights = [each for head in several for each in head.parameters() if each.ndim > 1]
    with torch.inference_mode():
        for weight in weights:  # some begin as zeros
            weight.normal_()
        spread = float(net(image[None]).std())
        for weight in weights:
            weight.mul_(SPREAD / spread)
    return net


@pytest.mark.parametrize("name", NETS)
def test_posteriors_are_timms_own(name, photographs, views, tmp_path):
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict(), use_test_size=True)
    transform = create_transform(**config)
    images = torch.stack([transform(each) for each in photographs])
    net = random_net(name, images[0])
    with torch.inference_mode():
        theirs = torch.cat([net(each[None]) for each in images]).softmax(1).numpy()
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, tmp_path / "net.safetensors")
    model = bench.load_model(f"timm:{name}", str(tmp_path / "net.safetensors"))
    assert model.weights.recipe is not None
    row = bench.evaluate(
        model, [(each, 0) for each in photographs], "published", store=tmp_path / "store", progress=False
    )
    worst = float(abs(row[0].posteriors.probs - theirs).max())
    record(f"timm: {name}, `published`", versions("timm"), views.about.replace("8", "4"), worst, ALLOWED)
    assert theirs.max() > 1.5 / CLASSES
    assert worst < ALLOWED
