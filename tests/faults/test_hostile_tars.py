"""Tars from strangers: cut, altered, or with headers that lie: one line, or images that are named."""

import os
import random
import tarfile
import tracemalloc
from pathlib import Path

import outcomes
import pytest
from PIL import Image

from bench.errors import UserError
from bench.images.containers import tar_files
from bench.images.containers.tar_files import MOST_GLOBAL, MOST_HEADER
from bench.images.decoding import UndecodableError, read
from bench.images.sources import DataSpec, open_data

BLOCK = tarfile.BLOCKSIZE
LONG = "x" * 120  # a name that takes a header of its own
END = bytes(2 * BLOCK)


def block(name: str = "a/1.png", kind: bytes = tarfile.REGTYPE, size: int = 0, content: bytes = b"", **fields) -> bytes:
    """A member as it stands in a tar, of a `size` that need not be its content's."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size or len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % BLOCK)


def leading_back() -> bytes:
    """A sparse member as GNU writes it: its size in the tar leads back to itself, its size unpacked is one byte."""
    header = bytearray(block(kind=tarfile.GNUTYPE_SPARSE, size=-BLOCK))
    header[483:495] = b"00000000001\0"
    header[148:156] = b" " * 8  # which the checksum counts in its own place
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.fixture(autouse=True)
def no_endless_tar(monkeypatch):
    """Headers that are read again and again fail here, instead of for ever."""
    following = tarfile.TarFile.next

    def counted(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
        tar.steps = getattr(tar, "steps", 0) + 1
        assert tar.steps < 1000, "headers without an end"
        return following(tar)

    monkeypatch.setattr(tarfile.TarFile, "next", counted)


def written(folder: Path, form: int) -> bytes:
    """A tar of six images in two classes, a long name among them."""
    for number in range(3):
        for name in ("a", "b"):
            file = folder / "set" / name / f"{number}{LONG if number == 1 else ''}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 7), (number, 50, 90)).save(file)
    with tarfile.open(folder / "whole.tar", "w", format=form) as tar:
        tar.add(folder / "set", "set")
    return (folder / "whole.tar").read_bytes()


def outcome(file: Path) -> str:
    return outcomes.outcome(f"tar:{file}")


def refused(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        open_data(DataSpec(f"tar:{file}"))
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_cut_tar_is_refused_wherever_it_was_cut(tmp_path, form, every, tried):
    """Also between members, where nothing but the end mark is missing: no image is lost without a word."""
    whole = written(tmp_path, form)
    (tmp_path / "whole.tar").write_bytes(whole)
    assert outcome(tmp_path / "whole.tar") == "6 images, 0 undecodable"
    end = len(whole.rstrip(b"\0")) // BLOCK * BLOCK
    end += 2 * BLOCK  # of the last member's block, and of the mark
    lengths = sorted({*range(0, end, 97 if every else 997), *range(0, end, BLOCK)})
    for length in lengths:
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        assert outcome(tmp_path / "cut.tar") == "refused", length
    tried("tars", "cut anywhere", len(lengths), "one line")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("place", ["anywhere", "in headers"])
def test_altered_bytes_are_refused_or_named(tmp_path, form, place, every, tried):
    whole = written(tmp_path, form)
    rng = random.Random(0)
    with tarfile.open(tmp_path / "whole.tar") as tar:
        headers = [member.offset_data - BLOCK for member in tar]
    count = 2000 if every else 50
    for _ in range(count):
        altered = bytearray(whole)
        for _ in range(rng.choice((1, 2, 8))):
            at = rng.randrange(len(whole)) if place == "anywhere" else rng.choice(headers) + rng.randrange(BLOCK)
            altered[at] = rng.randrange(256)
        (tmp_path / "altered.tar").write_bytes(altered)
        assert outcome(tmp_path / "altered.tar").endswith(("refused", "undecodable"))
    tried("tars", f"bytes altered {place}", count, "one line, or named images")


LIES = {
    "a size beyond the tar": block(size=1 << 40) + END,
    "the largest size": block(size=(1 << 63) - 1) + END,
    "more than any size": block(size=1 << 80) + END,
    "a size below zero": block(size=-(1 << 40)) + block() + END,
    "a size that leads back": block("a/0.png", content=b"x") + block(size=-BLOCK) + END,
    "a sparse member that leads back": block("a/0.png", content=b"x") + leading_back() + END,
    "a long name beyond the tar": block("././@LongLink", tarfile.GNUTYPE_LONGNAME, 1 << 40) + block() + END,
    "a long name of no end": block("././@LongLink", tarfile.GNUTYPE_LONGNAME, -1) + block() + END,
    "long names of long names": block("././@LongLink", tarfile.GNUTYPE_LONGNAME, content=b"x\0") * 5000 + block() + END,
    "PAX words with a size that lies": block("x", tarfile.XHDTYPE, content=b"999999 path=x\n") + block() + END,
    "a PAX size below zero": block("x", tarfile.XHDTYPE, content=b"12 size=-99\n") + block() + END,
    "a PAX size beyond the tar": block("x", tarfile.XHDTYPE, content=b"20 size=99999999999\n") + block() + END,
    "a PAX name with a zero": block("x", tarfile.XHDTYPE, content=b"13 path=a\0b.\n") + block() + END,
    "a PAX sparse map that is none": block(
        "x", tarfile.XHDTYPE, content=b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    )
    + block(content=b"9\nx\n")
    + END,
    "no end mark": block("a/0.png") + block("b/0.png"),
    "one tar behind another": block("a/0.png") + END + block("b/0.png") + END,
    "words behind the end": block("a/0.png") + END + b"more",
    "folders in folders": block("././@LongLink", tarfile.GNUTYPE_LONGNAME, content=b"a/" * 5000 + b"1.png\0")
    + block()
    + END,
}


@pytest.mark.parametrize("lie", LIES)
def test_headers_that_lie_are_one_line(tmp_path, lie, tried):
    tracemalloc.start()
    refused(tmp_path / "lie.tar", LIES[lie])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
    tried("tars", "headers that lie: sizes, names, PAX words, end marks", 1, "one line, within 100 MB")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_of_gigabytes_is_not_read(tmp_path, kind, tried):
    file = tmp_path / "large.tar"
    file.write_bytes(block("x", kind, size=8 << 30))
    os.truncate(file, 9 << 30)
    tracemalloc.start()
    with pytest.raises(UserError, match="a header is too long"):
        open_data(DataSpec(f"tar:{file}"))
    assert tracemalloc.get_traced_memory()[1] < 2 * MOST_HEADER
    tracemalloc.stop()
    tried("tars", "headers of gigabytes", 1, "one line, without reading them")


def test_words_for_all_members_are_few(tmp_path, tried):
    """Each member gets a copy of them."""
    words = b"".join(b"15 word%04d=xx\n" % number for number in range(MOST_GLOBAL + 1))
    content = block("g", tarfile.XGLTYPE, content=words) + block("a/1.png") * 2 + END
    assert "a header that makes no sense" in refused(tmp_path / "words.tar", content)
    tried("tars", "thousands of words for all members", 1, "one line")


def test_members_are_as_many_as_any_set_has(tmp_path, monkeypatch, tried):
    """However little each of them takes, their names are kept."""
    monkeypatch.setattr(tar_files, "MOST_MEMBERS", 3)
    members = [block(f"{name}/1.png") for name in "abcd"]
    (tmp_path / "few.tar").write_bytes(b"".join(members[:3]) + END)
    assert outcome(tmp_path / "few.tar") == "3 images, 3 undecodable"  # they are empty
    assert "a header that makes no sense" in refused(tmp_path / "many.tar", b"".join(members) + END)
    tried("tars", "more members than any set has", 1, "one line")


def test_a_large_member_is_named_without_reading_it(tmp_path, tried):
    file = tmp_path / "large.tar"
    file.write_bytes(block("a/1.png", size=4 << 30))
    with file.open("r+b") as opened:
        opened.seek(4 << 30)
        opened.seek(BLOCK, 1)
        opened.write(block("b/1.png") + END)
    assert outcome(file) == "2 images, 2 undecodable"  # the other is empty
    tried("tars", "an image of gigabytes", 1, "named, without reading it")


def test_sparse_members_are_named(tmp_path, tried):
    sparse = tarfile.TarInfo("a/1.png")
    content = block(
        "x", tarfile.XHDTYPE, content=b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n28 GNU.sparse.realsize=1000\n"
    )
    content += block(sparse.name, content=b"1\n900\n100\n".ljust(BLOCK, b"\0") + bytes(100)) + block("b/1.png") + END
    (tmp_path / "sparse.tar").write_bytes(content)
    images = open_data(DataSpec(f"tar:{tmp_path}/sparse.tar"))
    with pytest.raises(UndecodableError, match="a sparse file"):
        read(images.sources[0])
    tried("tars", "sparse members", 1, "named")


def test_a_tar_that_shrinks_or_goes_is_one_line(tmp_path, tried):
    (tmp_path / "set.tar").write_bytes(written(tmp_path, tarfile.GNU_FORMAT))
    images = open_data(DataSpec(f"tar:{tmp_path}/set.tar"))
    os.truncate(tmp_path / "set.tar", BLOCK)
    for source in images.sources:
        with pytest.raises(UserError, match="it has changed since its images were listed"):
            read(source)
    (tmp_path / "set.tar").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        read(images.sources[0])
    tried("tars", "cut or removed after it was opened", 2, "one line")
