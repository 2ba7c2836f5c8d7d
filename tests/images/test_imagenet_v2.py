"""ImageNet-V2: folders named by index, whose order as text is another, and whatever a folder of it may lack."""

import pytest
from layouts import opened, refused
from painted import evaluated, paint

MATCHED = "imagenetv2-matched-frequency-format-val"  # as its archive names it
NAMES = {
    MATCHED: "imagenet-v2/matched-frequency",
    "imagenetv2-threshold0.7-format-val": "imagenet-v2/threshold-0.7",
    "imagenetv2-top-images-format-val": "imagenet-v2/top-images",
    "imagenetv2-top-images": "imagenet-v2/top-images",
    "v2": "imagenet-v2",
}


def test_a_folders_name_is_the_index_of_all_thousand_classes(tmp_path):
    # as everyone sees them but class 10, which text sorts behind class 1, to be class 2
    paint(tmp_path / MATCHED, {f"{k}/{k:040x}.jpeg": 2 if k == 10 else k for k in range(1000)})
    for data in (f"imagenet-v2:{tmp_path}", f"imagenet-v2:{tmp_path}/{MATCHED}"):
        row = evaluated(data, tmp_path / "store")[0]
        assert (row.n, row.wrong1, row.wrong5) == (1000, 1, 1)
        assert row.result.data == "imagenet-v2/matched-frequency"
    as_folders = evaluated(f"folder:{tmp_path}/{MATCHED}", tmp_path / "store")[0]
    assert as_folders.wrong1 == 1
    assert as_folders.posteriors.probs.tobytes() == row.posteriors.probs.tobytes()


@pytest.mark.parametrize("folder", NAMES)
def test_variants_are_told_apart_by_their_folders_and_what_is_missing_is_said(tmp_path, folder):
    paint(tmp_path / folder, {f"{k}/a.jpeg": k for k in (0, 2, 10, 999)})
    (tmp_path / folder / ".DS_Store").write_bytes(b"x")
    (tmp_path / folder / "10" / "._a.jpeg").write_bytes(b"x")
    images = opened(f"imagenet-v2:{tmp_path}")
    assert dict(zip(images.ids, images.labels, strict=True)) == {f"{k}/a.jpeg": k for k in (0, 2, 10, 999)}
    assert images.name == NAMES[folder]
    assert "4 of the 1000 classes have folders: the others have no image" in images.notes
    assert "4 images, not the 10,000 of imagenet-v2" in images.notes
    assert any("which of its variants" in note for note in images.notes) == (folder == "v2")


@pytest.mark.parametrize("name", ["1000", "007", "n01440764", "-1", "tench"])
def test_folders_beyond_0_to_999_are_refused(tmp_path, name):
    paint(tmp_path, {f"{each}/a.jpeg": 0 for each in ("0", "1", name)})
    assert f"{name!r} is none of them" in refused(f"imagenet-v2:{tmp_path}")


def test_what_is_not_one_variant_for_evaluation_is_refused(tmp_path):
    assert "no such folder" in refused(f"imagenet-v2:{tmp_path}/none")
    (tmp_path / "a.tar.gz").touch()
    assert "'a.tar.gz' must be unpacked" in refused(f"imagenet-v2:{tmp_path}")
    for variant in (MATCHED, "imagenetv2-top-images"):
        paint(tmp_path / variant, {"0/a.jpeg": 0})
    assert f"give one, such as imagenet-v2:{tmp_path}/imagenetv2-top-images" in refused(f"imagenet-v2:{tmp_path}")
    assert "is for evaluation" in refused(f"imagenet-v2:{tmp_path}/{MATCHED}", "train")
    assert "no numbers from 1" in refused(f"imagenet-v2:{tmp_path}/{MATCHED}", labels_from=1)
