"""Parquet files from strangers: cut, altered, of too much, or none at all: one line, or images that are named."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, environment
from outcomes import outcome
from parquet_sets import ASKED, IMAGE, NAMES, Shades, png, table_of, write

import bench
from bench.errors import UserError
from bench.images.containers import parquet_rows
from bench.images.decoding import UndecodableError
from bench.images.image_source import Stamp
from bench.images.memory_budget import Room
from bench.images.sets import parquet, table_labels
from bench.images.sets.parquet import read_parquet
from bench.run.__main__ import main as run

WRITTEN = (
    {"compression": "snappy"},
    {"compression": "zstd", "use_dictionary": False},
    {"compression": "none", "write_page_checksum": True},
    {"compression": "gzip", "data_page_version": "2.0"},
)
BOUNDED = """
import resource, sys
from io import BytesIO
from pathlib import Path
import pyarrow.parquet, bench.images.sources
from bench.errors import UserError
from bench.images.sets.parquet import read_parquet
pyarrow.set_cpu_count(1), pyarrow.set_io_thread_count(1)  # each thread takes room of its own
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[2]),) * 2)
try:
    print(len(read_parquet(Path(sys.argv[1]), "val").sources[0].content()))
except UserError as error:
    print(error)
"""


def refused(given: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_parquet(given, "val")
    assert "\n" not in str(caught.value)
    assert str(given) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("options", WRITTEN)
@pytest.mark.parametrize("place", ["anywhere", "at the end"])
def test_altered_bytes_are_refused_or_named(tmp_path, options, place, every, tried):
    """What a file says of itself is at its end; pyarrow must not end the process over it."""
    rng, count = random.Random(0), 1000 if every else 60
    good = write(tmp_path, "good.parquet", table_of([0, 1, 2, 3] * 4), group=7, **options).read_bytes()
    start = len(good) - 8 - int.from_bytes(good[-8:-4], "little") if place == "at the end" else 0
    file, seen = tmp_path / "altered.parquet", set()
    for _ in range(count):
        content = bytearray(good)
        for _ in range(rng.choice((1, 2, 5, 20))):
            content[rng.randrange(start, len(content))] = rng.randrange(256)
        file.write_bytes(content)
        seen.add(outcome(f"parquet:{file}"))
    assert all(each.endswith(("refused", "undecodable")) for each in seen)
    assert len(seen) > 1
    tried("parquet files", f"bytes altered {place}", count, "one line, or named images")


@pytest.mark.parametrize("options", WRITTEN)
def test_cut_files_are_refused(tmp_path, options, tried):
    good = write(tmp_path, "good.parquet", table_of([0, 1, 2, 3] * 4), group=7, **options).read_bytes()
    file = tmp_path / "cut.parquet"
    lengths = sorted({*range(20), *random.Random(0).sample(range(len(good)), 40)})
    for length in lengths:
        file.write_bytes(good[:length])
        assert "no parquet file that can be read" in refused(file)
    tried("parquet files", "cut anywhere", len(lengths), "one line")


def test_fewer_labels_than_rows_are_refused(tmp_path, monkeypatch, tried):
    """Those behind the one that is missing would be labels of other images."""
    file = write(tmp_path, "a.parquet", table_of([0, 1, 2, 3]))
    told_of = parquet.told_of

    def fewer(columns, batches, where):
        told = told_of(columns, batches, where)
        return told._replace(labels=told.labels[1:], paths=told.paths[1:])

    monkeypatch.setattr(parquet, "told_of", fewer)
    assert "it says 4 rows but has 3 labels" in refused(file)
    tried("parquet files", "fewer labels than rows", 1, "one line")


def test_a_value_larger_than_any_image_is_named(tmp_path, monkeypatch, tried):
    images = read_parquet(write(tmp_path, "a.parquet", table_of([0, 1])), "val")
    monkeypatch.setattr(parquet_rows, "MOST_BYTES", 10)
    with pytest.raises(UndecodableError, match="too large"):
        images.sources[1].content()  # the first was looked at, and is kept
    tried("parquet files", "values larger than any image", 1, "named")


def test_row_groups_are_unpacked_beside_each_other_only_where_there_is_room(tmp_path, monkeypatch):
    images = read_parquet(write(tmp_path, "a.parquet", table_of([0, 1])), "val")
    room = Room(1000)
    monkeypatch.setattr(parquet_rows, "DECODING", room)
    with ThreadPoolExecutor(1) as pool:
        with room.taken(1000):
            waiting = pool.submit(images.sources[1].content)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        assert waiting.result(timeout=60) == png(80, 1)


def test_a_page_with_a_checksum_is_checked(tmp_path, tried):
    content = bytearray(write(tmp_path, "a.parquet", table_of([0, 1]), **WRITTEN[2]).read_bytes())
    first = content.index(png(80, 1))
    content[first + 40] ^= 1
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UndecodableError, match="its row group is broken"):
        read_parquet(tmp_path / "a.parquet", "val").sources[0].content()
    tried("parquet files", "a byte altered that a checksum tells", 1, "named")


def test_what_is_no_parquet_file_is_refused(tmp_path, tried):
    good = write(tmp_path, "good.parquet", table_of([0, 1, 2, 3])).read_bytes()
    places = {
        "empty": lambda file: file.write_bytes(b""),
        "text": lambda file: file.write_text("PAR1 is what it begins with, but not PAR1"),
        "encrypted": lambda file: file.write_bytes(b"PARE" + good[4:-4] + b"PARE"),
        "pipe": os.mkfifo,
        "link": lambda file: file.symlink_to(tmp_path / "nowhere"),
        "folder": lambda file: file.mkdir(),
    }
    for name, make in places.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name / "a.parquet")
        with pytest.raises((UserError, FileNotFoundError)):
            read_parquet(tmp_path / name, "val")
    tried("parquet files", "texts, pipes, folders, links, encrypted files", len(places), "one line")


def test_a_file_without_rights_is_refused(tmp_path, capsys, monkeypatch, tried):
    file = write(tmp_path, "a.parquet", table_of([0, 1]))

    def denied(place: Path, stamp: Stamp) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr("bench.images.containers.parquet_rows._opened", denied)
    assert run(["--model", "vgg11", "--data", f"parquet:{file}"]) == 2
    (error,) = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert "a.parquet' cannot be read (Permission denied); allow it" in error
    tried("parquet files", "a file without rights", 1, "one line")


def test_claims_of_rows_and_sizes_that_cannot_be_are_refused(tmp_path, monkeypatch, tried):
    many = pa.table({"image": pa.nulls(1_000_001, IMAGE), "label": pa.nulls(1_000_001, pa.int64())})
    assert "say that they are 1,000,001 rows" in refused(write(tmp_path, "rows.parquet", many, group=10**7))
    zeros = pa.table({"image": [bytes(1000)] * 3000, "label": [0] * 3000})
    file = write(tmp_path, "zeros.parquet", zeros, group=3000, compression="zstd", use_dictionary=False)
    monkeypatch.setattr(parquet, "MOST_BYTES", 1 << 20)
    assert "bytes say that they unpack to 3,0" in refused(file)
    monkeypatch.setattr(table_labels, "MOST_BYTES", 100)
    assert "its labels and names take more than 100 bytes" in refused(write(tmp_path, "a.parquet", table_of([0] * 50)))
    tried("parquet files", "claims of rows and sizes that cannot be", 3, "one line")


@pytest.mark.parametrize("column", ["path", "bytes", "label"])
def test_a_value_that_is_there_a_million_times_over_needs_no_more_memory_than_there_is(tmp_path, column, tried):
    """10 MB, by a dictionary a terabyte."""
    rows, long = 100_000, "x" * 10_000_000
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([long]))
    few = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a"]))
    content, path, label = (shared if column == each else few for each in ("bytes", "path", "label"))
    content = content.cast(pa.dictionary(pa.int32(), pa.binary()))
    image = pa.StructArray.from_arrays([content, path], ["bytes", "path"])
    table = pa.table({"image": image, "label": label})
    file = tmp_path / "bomb.parquet"
    pq.write_table(table, file, dictionary_pagesize_limit=1 << 30, compression="none", store_schema=False)
    assert file.stat().st_size < 50_000_000
    ended = bounded(file)
    assert ended.returncode == 0, ended.stderr
    (said,) = ended.stdout.splitlines()
    assert said == "10000000" if column == "bytes" else "labels and names take more than" in said
    tried("parquet files", "a value of megabytes in every row, by a dictionary", 1, "read, or one line, within 1.5 GB")


def test_a_page_that_unpacks_to_more_than_its_file_says_ends_in_one_line(tmp_path, tried):
    """A gigabyte of zeros in a page, of which the end of the file says that they are few."""
    file = tmp_path / "bomb.parquet"
    options = {"compression": "zstd", "use_dictionary": False, "store_schema": False, "write_statistics": False}
    pq.write_table(pa.table({"image": [bytes(1_000_000_000)], "label": [0]}), file, **options)
    content, size = file.read_bytes(), pq.read_metadata(file).row_group(0).total_byte_size
    assert len(content) < 1_000_000
    assert varint(size) in content[-1000:]
    file.write_bytes(content[:-1000] + content[-1000:].replace(varint(size), varint(1000, len(varint(size)))))
    ended = bounded(file, 800_000_000)
    assert ended.returncode == 0, ended.stderr
    (said,) = ended.stdout.splitlines()
    assert "it needs more memory than there is" in said
    tried("parquet files", "a page that unpacks to more than its file says", 1, "one line")


def test_a_lack_of_threads_is_no_fault_of_the_file(tmp_path, monkeypatch, tried):
    """Images that are left out for it would be missing from the number, and nobody told."""
    images = read_parquet(write(tmp_path, "a.parquet", table_of([0, 1])), "val")

    def none_left(*_: object, **__: object) -> Iterator[object]:
        raise pa.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable")
        yield

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", none_left)
    parquet_rows.STREAMS.clear()  # the first row was looked at
    with pytest.raises(UserError, match=r"a\.parquet' cannot be read: no thread .*; free memory"):
        images.sources[1].content()
    tried("parquet files", "read where no thread can be started", 1, "one line")


def varint(number: int, length: int = 0) -> bytes:
    """As Thrift's compact protocol writes it, in `length` bytes or more."""
    found, number = [], 2 * number
    while number or len(found) < length:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found[:-1], found[-1] & 127])


def bounded(file: Path, memory: int = 1_500_000_000) -> subprocess.CompletedProcess[str]:
    """Read in a process with so much memory beside its own."""
    words = [sys.executable, "-c", BOUNDED, str(file), str(memory)]
    return subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True)


def test_bytes_that_are_no_image_are_named_and_left_out_as_files_are(tmp_path, tried):
    rows = [{"bytes": content, "path": f"{n}.png"} for n, content in enumerate((png(16), b"", b"text", png(80)[:60]))]
    file = write(tmp_path, "a.parquet", pa.table({"image": pa.array(rows, IMAGE), "label": [0] * 4}))
    asked = {"classes": NAMES, "store": tmp_path / "store", **ASKED}
    with pytest.raises(UserError, match=r"3 image\(s\) cannot be decoded.*: 1\.png, 2\.png, 3\.png; "):
        bench.evaluate(Shades(), f"parquet:{file}", "centre", **asked)
    (row,) = bench.evaluate(Shades(), f"parquet:{file}", "centre", skip_corrupt=True, **asked)
    assert (row.n, row.wrong1) == (1, 0)
    tried("parquet files", "bytes that are no image", 3, "named, or left out and counted")
