"""Digests are kept as long as files stay as they are, and never longer."""

import os
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bench.images import known_files, survey
from bench.images.known_files import KnownFiles
from bench.images.survey import HOW, Found


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(survey, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path, cache) -> Path:
    """An image that nobody has changed for an hour."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    return path


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files of this test may have been changed a moment ago, as if it were long ago."""
    monkeypatch.setattr(known_files, "LATEST", 0)


@pytest.fixture
def reads(monkeypatch) -> list[object]:
    """The files that were read in full."""
    found, encoded = [], survey.encoded

    def noting(source):
        found.append(source)
        return encoded(source)

    monkeypatch.setattr(survey, "encoded", noting)
    return found


def test_a_file_is_read_in_full_once(file, reads):
    first = survey.survey([file], exif=False)
    assert survey.survey([file, file], exif=False) == first * 2
    assert reads == [file]


def test_what_is_found_of_a_header_is_kept_too(tmp_path, cache, reads):
    deep = tmp_path / "deep.png"
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(deep)
    first = survey.survey([deep], exif=False)
    assert first[0].header.deep
    assert survey.survey([deep], exif=False) == first
    assert reads == [deep]


@pytest.mark.parametrize("change", ["content", "time", "replaced"])
def test_a_file_that_changed_is_read_again(file, reads, change):
    """Content: of the same size, with its modification time put back, which the time of the change outlives."""
    first = survey.survey([file], exif=False)
    about, content = file.stat(), bytearray(file.read_bytes())
    content[-20] ^= 1
    time.sleep(0.02)  # the kernel's clock has ticked
    if change == "replaced":
        other = file.with_name("other")
        other.write_bytes(content)
        other.replace(file)
    elif change == "content":
        file.write_bytes(content)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + (change == "time")))
    again = survey.survey([file], exif=False)
    assert len(reads) == 2
    assert (again == first) == (change == "time")


@pytest.mark.parametrize("field", ["st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"])
def test_size_times_and_inode_each_make_another_file(file, reads, monkeypatch, field):
    """Some file systems keep no time of change, others make up inodes: the rest must tell."""
    fields = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
    about = {each: getattr(file.stat(), each) for each in fields}
    for _ in range(2):
        stat = SimpleNamespace(**about)
        monkeypatch.setattr(known_files, "os", SimpleNamespace(path=os.path, stat=lambda _, stat=stat: stat))
        survey.survey([file], exif=False)
        survey.survey([file], exif=False)
        about[field] -= 1
    assert reads == [file, file]


def test_a_file_changed_a_moment_ago_is_not_known(file, reads, monkeypatch):
    """It may change again within the same tick of its file system's clock."""
    monkeypatch.setattr(known_files, "LATEST", 1 << 60)
    survey.survey([file], exif=False)
    survey.survey([file], exif=False)
    assert len(reads) == 2


def _plant(cache: Path, file: Path, text: str, how: str = HOW) -> None:
    with KnownFiles(cache, how) as known:
        known.find([file])
        known.keep(file, text)


def test_verifying_reads_anew_and_tells_what_changed_without_its_times(file, cache, reads, capsys):
    (true,) = survey.survey([file], exif=False)
    _plant(cache, file, '["%s", [false, false, 1, false]]' % ("0" * 64))
    assert survey.survey([file], exif=False)[0].sha256 == "0" * 64
    assert survey.survey([file], exif=False, anew=True) == [true]
    assert "1 images have changed" in capsys.readouterr().err
    assert survey.survey([file], exif=False) == [true]
    assert len(reads) == 2


@pytest.mark.parametrize("text", ["", "[]", '["ab", [false, false, 1, false]]', '["%s", [0, 0, 1, 0]]' % ("0" * 64)])
def test_what_the_cache_cannot_mean_is_not_taken(file, cache, text):
    _plant(cache, file, text)
    (found,) = survey.survey([file], exif=False)
    assert isinstance(found, Found)
    assert found.sha256 != "0" * 64


def test_findings_of_another_version_are_not_taken(file, cache, reads):
    _plant(cache, file, '["%s", [false, false, 1, false]]' % ("0" * 64), how="another")
    assert survey.survey([file], exif=False)[0].sha256 != "0" * 64


@pytest.mark.parametrize("broken", [b"no database at all, but text that is long enough", b""])
def test_a_broken_cache_is_made_anew(file, cache, reads, broken):
    cache.mkdir()
    (cache / "files.sqlite").write_bytes(broken * 100)
    for _ in range(3):
        survey.survey([file], exif=False)
    assert len(reads) <= 2


def test_a_cache_without_rights_or_sqlite_is_done_without(file, cache, reads, monkeypatch):
    cache.write_text("a file, and no folder")
    survey.survey([file], exif=False)
    cache.unlink()
    monkeypatch.setattr(known_files, "sqlite3", None)
    survey.survey([file], exif=False)
    assert len(reads) == 2


def test_a_cache_that_another_process_writes_is_waited_for_or_done_without(file, cache, reads, monkeypatch):
    survey.survey([file], exif=False)
    with sqlite3.connect(cache / "files.sqlite") as other:
        other.execute("BEGIN EXCLUSIVE")
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda place, timeout: connect(place, timeout=0))
        assert len(survey.survey([file], exif=False)) == 1
    assert (cache / "files.sqlite").exists()
    assert len(reads) == 2
