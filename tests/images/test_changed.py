"""Files of many images that are written anew after these were listed: refused, for others are in their places."""

import os
import pickle
from pathlib import Path

import pytest
from layouts import opened
from painted import colour, evaluated
from parquet_sets import table_of, write
from PIL import Image
from tars import tar_of

import bench
from bench.errors import UserError

CHANGED = "it has changed since its images were listed"


def png(label: int, file: Path) -> bytes:
    Image.new("RGB", (8, 8), colour(label)).save(file, "PNG")
    return file.read_bytes()


def tar(root: Path, order: tuple[int, ...]) -> str:
    return f"tar:{tar_of(root / 'a.tar', {f'{k}/{k}.png': png(k, root / 'x.png') for k in order})}"


def shard(root: Path, order: tuple[int, ...]) -> str:
    members = [{f"{k}.png": png(k, root / "x.png"), f"{k}.cls": str(k)} for k in order]
    return f"tar:{tar_of(root / 'a.tar', {name: content for each in members for name, content in each.items()})}"


def parquet(root: Path, order: tuple[int, ...]) -> str:
    return f"parquet:{write(root, 'a.parquet', table_of(order, first=order[0]))}"


LAYOUTS = [tar, shard, parquet]


@pytest.mark.parametrize("made", LAYOUTS)
@pytest.mark.parametrize("how", ["in place", "renamed", "cut"])
def test_a_file_that_is_written_anew_is_refused(tmp_path, made, how):
    images = opened(made(tmp_path, (0, 1, 2, 3)))
    before = [source.content() for source in images.sources]
    assert [source.content() for source in pickle.loads(pickle.dumps(images.sources))] == before
    file = images.sources[0].file
    if how == "cut":
        os.truncate(file, file.stat().st_size - 1)
    elif how == "in place":
        made(tmp_path, (3, 2, 1, 0))
        os.utime(file, (1, 1))  # some clocks are coarse
    else:
        times = file.stat().st_mtime_ns
        (tmp_path / "other").mkdir()
        made(tmp_path / "other", (3, 2, 1, 0))
        (tmp_path / "other" / file.name).rename(file)
        os.utime(file, ns=(times, times))
    for source in images.sources:
        with pytest.raises(UserError, match=CHANGED):
            source.content()
    if how != "cut":
        again = opened(f"{images.name.partition(':')[0]}:{file}")
        assert all(source.content() for source in again.sources)


@pytest.mark.parametrize("made", LAYOUTS)
def test_all_images_of_a_file_share_its_stamp(tmp_path, made):
    """Millions stay small, and what was found of them holds for the stamp of the file as it is."""
    sources = opened(made(tmp_path, (0, 1, 2, 3))).sources
    assert len({id(source.stamp) for source in sources}) == 1
    assert len({id(source.stamp) for source in pickle.loads(pickle.dumps(sources))}) == 1
    os.utime(sources[0].file, (1, 1))
    assert len({*sources, *opened(made(tmp_path, (0, 1, 2, 3))).sources}) == 8


def test_images_opened_in_python_are_not_counted_by_labels_of_others(tmp_path):
    """Members of equal sizes change places: the labels are of the images that were there."""
    images = bench.open_images(tar(tmp_path, (0, 1, 2, 3)))
    table = evaluated(images, tmp_path / "store")
    assert (table[0].n, table[0].wrong1) == (4, 0)
    images = bench.open_images(tar(tmp_path, (0, 1, 2, 3)))
    tar(tmp_path, (3, 2, 1, 0))
    os.utime(tmp_path / "a.tar", (1, 1))
    with pytest.raises(UserError, match=CHANGED):
        evaluated(images, tmp_path / "other store")
    assert evaluated(f"tar:{tmp_path}/a.tar", tmp_path / "other store")[0].wrong1 == 0
