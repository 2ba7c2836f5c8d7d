import csv
import json

import pytest
import torch
from layouts import opened, refused
from painted import evaluated, paint

import bench
from bench.images.labels.imagenet_names import wnids
from results.corruption import ALEXNET, GROUPS

LABELS = (3, 700)


def corrupted(root, wrong=(), groups=GROUPS):
    """Two images a group; those that `wrong` names by group and label are seen as the class after their own."""
    return paint(
        root,
        {
            f"{group}/{wnids()[label]}/ILSVRC2012_val_{label:08d}.JPEG": label + ((group, label) in wrong)
            for group in groups
            for label in LABELS
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All of gaussian noise is wrong, and one of two images of brightness."""
    noise = {(f"gaussian_noise/{severity}", label) for severity in range(1, 6) for label in LABELS}
    light = {(f"brightness/{severity}", 3) for severity in range(1, 6)}
    return corrupted(tmp_path_factory.mktemp("imagenet-c"), noise | light)


def test_errors_are_counted_by_corruption_and_severity(folder, tmp_path):
    table = evaluated(f"imagenet-c:{folder}", tmp_path / "store", "centre@224")
    row = table[0]
    assert (row.n, row.wrong1) == (150, 15)
    assert row.corruptions.counts["gaussian_noise/4"] == (2, 2)
    assert row.corruptions.counts["brightness/1"] == (2, 1)
    assert row.corruptions.counts["snow/5"] == (2, 0)
    assert 100 * row.corruptions.mean_corruption_error == pytest.approx(13.42479, abs=1e-5)  # (1.12812 + 0.88560) / 15
    table.save(tmp_path / "out")
    (record,) = json.loads((tmp_path / "out" / "results.json").read_text())
    assert record["corruptions"]["brightness"]["wrong1"] == [1] * 5
    assert record["mean_corruption_error"] == pytest.approx(13.4248)
    assert record["corruptions"]["gaussian_noise"]["corruption_error"] == pytest.approx(112.8123)
    (line,) = csv.DictReader((tmp_path / "out" / "results.csv").open())
    assert "corruptions" not in line
    assert "mean of 15" in table._repr_html_()
    assert "corruptions" not in table.frame
    for text in (str(table), (tmp_path / "out" / "results.md").read_text()):
        assert next(each for each in text.splitlines() if "mean of 15" in each).split("|")[-2].strip() == "13.4"
        assert "2 images a group, not 50,000" in text


def test_the_same_images_give_the_same_posteriors_as_a_folder(folder, tmp_path):
    one = evaluated(f"imagenet-c:{folder}", tmp_path / "store", "centre@224")[0].posteriors
    other = evaluated(f"folder:{folder}/snow/3", tmp_path / "store", "centre@224")[0].posteriors
    among = [name.startswith("snow/3/") for name in one.ids]
    assert one.probs[among].tobytes() == other.probs.tobytes()
    assert one.labels[among].tolist() == other.labels.tolist() == list(LABELS)


def test_groups_are_found_in_the_folders_of_their_archives(tmp_path, folder):
    plain = opened(f"imagenet-c:{folder}")
    kinds = {
        "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
        "weather": ("snow", "frost", "fog", "brightness"),
    }
    kinds["blur"] = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur")
    kinds["digital"] = tuple(list(ALEXNET)[-4:])
    for kind, names in kinds.items():
        (tmp_path / "c" / kind).mkdir(parents=True)
        for name in names:
            (tmp_path / "c" / kind / name).symlink_to(folder / name)
    nested = opened(f"imagenet-c:{tmp_path}")
    assert nested.ids == plain.ids
    assert nested.groups == plain.groups
    assert list(dict.fromkeys(plain.groups.names)) == list(GROUPS)


def test_a_limit_takes_as_many_of_every_group_or_is_refused(folder):
    few = opened(f"imagenet-c:{folder}", limit=75)
    assert few.groups.names == GROUPS
    assert "75 groups; give at least 75" in refused(f"imagenet-c:{folder}", limit=74)


def test_groups_that_are_not_whole_are_named(tmp_path):
    groups = [*(group for group in GROUPS if group != "fog/5"), "saturate/1"]
    corrupted(tmp_path, groups=groups)
    next((tmp_path / "snow" / "2" / wnids()[3]).iterdir()).rename(tmp_path / "snow" / "2" / wnids()[3] / "other.JPEG")
    images = opened(f"imagenet-c:{tmp_path}")
    assert images.groups.lacking["fog/5"] == "is not there"
    assert images.groups.lacking["snow/2"] == "has 2 of 3 images"
    assert "saturate/1" not in images.groups.lacking
    assert "saturate are in no mean" in images.notes[0]


def test_an_image_that_is_left_out_leaves_its_group_incomplete(tmp_path):
    corrupted(tmp_path / "c")
    (tmp_path / "c" / "frost" / "1" / wnids()[3] / "ILSVRC2012_val_00000003.JPEG").write_bytes(b"")
    row = evaluated(f"imagenet-c:{tmp_path}/c", tmp_path / "store", "centre@224", skip_corrupt=True)[0]
    assert (row.n, row.result.skipped) == (149, 1)
    assert row.corruptions.mean_corruption_error is None
    assert "no mCE: frost/1 lacks 1 that cannot be decoded" in row.corruptions.notes("centre@224")


def test_folders_that_are_no_corruptions_are_refused(tmp_path):
    corrupted(tmp_path, groups=["snow/1", "snow/2", "fog/1"])
    (tmp_path / "fog" / "2").symlink_to(tmp_path / "fog" / "1")
    assert "it is fog/1 again" in refused(f"imagenet-c:{tmp_path}")
    (tmp_path / "fog" / "2").unlink()
    paint(tmp_path, {"fog/6/n01440764/a.JPEG": 1})
    assert "it holds 1, 6; give 1/ to 5/" in refused(f"imagenet-c:{tmp_path}")
    (tmp_path / "fog" / "6").rename(tmp_path / "haze")
    assert "'haze' is none" in refused(f"imagenet-c:{tmp_path}")
    (tmp_path / "haze").rename(tmp_path / "snow" / "1" / "cats")
    assert "'cats' is no WordNet id" in refused(f"imagenet-c:{tmp_path}")
    assert "is for evaluation" in refused(f"imagenet-c:{tmp_path}", "train")


def test_a_corruption_in_its_archive_and_beside_it_is_refused(tmp_path):
    """One of both would be left out without a word."""
    corrupted(tmp_path, groups=["fog/1", "snow/1", "weather/snow/2"])
    assert "a corruption is there twice; leave one folder of each" in refused(f"imagenet-c:{tmp_path}")


def test_a_row_that_ties_decide_has_no_corruption_errors(folder, tmp_path):
    class Level(torch.nn.Module):
        def forward(self, images):
            return images.mean((1, 2, 3))[:, None] * torch.zeros(1000)

    row = bench.evaluate(
        Level(), f"imagenet-c:{folder}", "centre@224", classes=wnids(), S=256, store=tmp_path, progress=False
    )[0]
    assert not row.result.clean
    assert row.corruptions is None
