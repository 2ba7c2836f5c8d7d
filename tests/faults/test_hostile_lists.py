"""List files and tables from strangers: read as they say, or refused in one line, however long or odd they are."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, environment, make_image
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.errors import UserError
from bench.images.sets.list_lines import LONGEST
from bench.images.sets.lists import read_list
from results.errors import ResultError
from results.gate import compare_tables
from results.written_tables import MOST_BYTES, MOST_ROWS, read_table

OFTEN = settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
BOUNDED = """
import resource, sys
from pathlib import Path
from bench.errors import UserError
from bench.images.sets.lists import read_list
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 100_000_000,) * 2)
try:
    read_list(Path(sys.argv[1]))
except UserError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("lists") / "set"
    (root / "sub").mkdir(parents=True)
    make_image((8, 6), 0).save(root / "a.png")
    make_image((8, 6), 1).save(root / "sub" / "b.png")
    return root


def listed(folder: Path, text: str | bytes) -> Path:
    file = folder / "list.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return file


def refused(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        read_list(listed(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "again",
    ["sub/../a.png", "../set/a.png", "./a.png", "sub//..//a.png", "sub/./../a.png", "/{}/a.png", "/{}/../set/a.png"],
)
def test_an_image_by_two_paths_does_not_count_twice(folder, tried, again):
    again = again.replace("/{}", str(folder))
    assert read_list(listed(folder, f"{again} 0\n")).sources[0].samefile(folder / "a.png")
    assert "stands twice, in lines 1 and 2" in refused(folder, f"a.png 0\n{again} 1\n")
    tried("weights and files", "lists with ../ and absolute paths", 2, "read; an image by two paths is refused")


def test_an_image_by_a_link_does_not_count_twice_and_hard_links_are_two_images(tmp_path, tried):
    make_image((8, 6), 0).save(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "hard.png")
    (tmp_path / "soft.png").symlink_to("a.png")
    (tmp_path / "hardly.png").symlink_to("hard.png")
    (tmp_path / "folder").symlink_to(".")
    for again in ("soft.png", "folder/a.png", "folder/soft.png"):
        text = f"hard.png 1\na.png 0\n{again} 1\n"
        assert f"{again!r} stands twice, in lines 2 and 3" in refused(tmp_path, text)
    assert "'hardly.png' stands twice, in lines 2 and 3" in refused(tmp_path, "a.png 0\nhard.png 0\nhardly.png 0\n")
    assert len(read_list(listed(tmp_path, "a.png 0\nhard.png 1\n"))) == 2
    tried("weights and files", "lists with links", 4, "an image by two paths is refused")


@pytest.mark.parametrize(
    "path",
    ["/dev/zero", "/dev/stdin", "/", "..", "sub", "../../../../etc", "a.png/../a.png",
     "x" * 5000, "sub/" * 3000 + "a.png", "a\0.png", "~/a.png", "$HOME/a.png", "file:///a.png", "http://x/a.png"],
)  # fmt: skip
def test_what_is_no_file_is_not_there(folder, tried, path):
    assert "1 of 1 images are not there" in refused(folder, f"{path} 0\n")
    tried("weights and files", "lists with devices, folders and addresses", 1, "refused in one line")


def test_ten_million_lines_are_refused_in_bounded_time_and_memory(tmp_path, every, tried):
    """Lines of images that are not there, and one image in every line."""
    make_image((8, 6), 0).save(tmp_path / "a.png")
    count = 10_000_000 if every else 700_000
    contents = {
        "1000 of the first 1000 images are not there": "".join(f"images/{k:08d}.jpg {k % 9}\n" for k in range(count)),
        "'a.png' stands twice, in lines 1 and 2": "a.png 0\n" * count,
        "names no image": "\n" * count,
        f"line {count + 1} is 'a.png'": "\n" * count + "a.png",
        "line 2 is": "a.png 0\n" + "x" * 200_000_000,
        "images are not there": "file,label\n" + "".join(f"{k},1\n" for k in range(count)),
    }
    for expected, content in contents.items():
        (tmp_path / "list.txt").write_text(content)
        done = subprocess.run(
            [sys.executable, "-c", BOUNDED, tmp_path / "list.txt"],
            cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (said,) = done.stdout.splitlines()
        assert expected in said
    tried("weights and files", f"lists of {count} lines", len(contents), "refused in one line, within 100 MB")


def test_a_line_of_blanks_takes_no_longer_than_another(folder):
    """A pattern that tries every split of it would take hours."""
    start = time.monotonic()
    assert "line 1 is" in refused(folder, " " * (LONGEST - 10) + "x\n")
    assert "line 1 is" in refused(folder, "x " * (LONGEST // 2 - 10) + ";\n")
    assert time.monotonic() - start < 10


NAME = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0\r\n\\", exclude_categories=["Cc", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", "..") and name == name.strip() and len(name.encode()) < 200)


@OFTEN
@given(st.lists(NAME, min_size=1, max_size=4, unique=True), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_any_names_in_a_csv_read_back(tmp_path_factory, tried, names, bom, end):
    """Quotes, delimiters and letters of every script, with a byte order mark and either end of a line."""
    root = tmp_path_factory.mktemp("names")
    for name in names:
        (root / f"{name}.x").write_bytes(b"")
    for delimiter in ",;\t":
        text = io.StringIO()
        table = csv.writer(text, delimiter=delimiter, lineterminator=end)
        table.writerows([("file", "label"), *((f"{name}.x", k) for k, name in enumerate(names))])
        images = read_list(listed(root, b"\xef\xbb\xbf" * bom + text.getvalue().encode()))
        assert images.ids == tuple(f"{name}.x" for name in names)
        assert images.labels.tolist() == list(range(len(names)))
    tried("weights and files", "lists with quotes, a BOM and CRLF", 3, "read as written")


@OFTEN
@given(content=st.one_of(st.binary(max_size=200), st.text('ab.png;,"\t\n 01n/\\-', max_size=80)))
def test_no_list_is_a_traceback(folder, tried, content):
    try:
        images = read_list(listed(folder, content))
    except UserError as error:
        images = None
        said = str(error)
    assert (len(images.ids) == len(set(images.ids)) == len(images.labels)) if images else "\n" not in said
    tried("weights and files", "lists of any bytes", 1, "read, or refused in one line")


GOOD = {"model": "vgg16", "n": 200, "wrong1": 44, "wrong5": 4, "signature": "a=b"}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@OFTEN
@example(name="wrong1", value=201)
@example(name="wrong5", value=201)
@example(name="n", value=43)
@given(name=st.sampled_from([*GOOD, "device", "images_per_second", "ties1", "ties5", "warnings"]), value=ANY)
def test_a_table_from_elsewhere_is_read_or_refused(tmp_path_factory, tried, name, value):
    file = tmp_path_factory.getbasetemp() / "results.json"
    file.write_text(json.dumps([{**GOOD, name: value}]))
    try:
        (row,) = read_table(file).values()
    except ResultError as error:
        assert "\n" not in str(error), error  # noqa: PT017, either is right
    else:
        n, wrong1, wrong5 = row.counts
        assert 0 <= wrong1 <= n
        assert wrong5 is None or 0 <= wrong5 <= n
        assert compare_tables(file, file).passed == row.clean
    tried("weights and files", "a results.json from elsewhere given to the gate", 1, "read, or refused in one line")


def test_a_table_that_never_ends_or_is_too_long_is_refused(tmp_path):
    if os.path.exists("/dev/zero"):
        with pytest.raises(ResultError, match="is not a table of results"):
            read_table(Path("/dev/zero"))
    with (tmp_path / "long.json").open("wb") as file:
        file.write(json.dumps([GOOD]).encode() + b" " * MOST_BYTES)
    with pytest.raises(ResultError, match="is not a table of results"):
        read_table(tmp_path / "long.json")
    rows = [{**GOOD, "signature": f"a={k}"} for k in range(MOST_ROWS + 1)]
    (tmp_path / "many.json").write_text(json.dumps(rows))
    with pytest.raises(ResultError, match=r"holds 1001 rows; give a table of at most 1000"):
        read_table(tmp_path / "many.json")


def test_tables_without_a_common_signature_are_compared_in_seconds(tmp_path, every):
    """Each row with each of the same names: a million pairs."""
    count = MOST_ROWS if every else 300
    for name in "ab":
        rows = [{**GOOD, "signature": f"v={name} k={k} c=1 d=2 e=3"} for k in range(count)]
        (tmp_path / name).write_text(json.dumps(rows))
    start = time.monotonic()
    found = compare_tables(tmp_path / "a", tmp_path / "b")
    assert time.monotonic() - start < (120 if every else 12)
    assert [row.why for row in found.rows] == ["v: a -> b"] * count
