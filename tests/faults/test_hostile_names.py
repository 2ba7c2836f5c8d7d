"""Names of classes and files in Markdown tables and on terminals: shown as they are, and never markup or commands."""

import csv
import json
import re
import unicodedata
from pathlib import Path

import pytest
from conftest import make_image, make_weights
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.inspect.__main__ import main as inspect
from bench.run.__main__ import main
from results.formatting import code, escaped, shown

OFTEN = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIGNS = "|\\`*_~<>&![](){}#-+=:\"'\n\r\t\0\x1b\x7f\x85\u2028\u202e\u2066\ud800aé 1"
MARKUP = st.text(st.sampled_from(SIGNS), max_size=30)
PIECES = ["http", "ftp", "://", "www", "mailto:", "a.b", *".@_-+1/ \\`<"]
ADDRESSES = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
URL = re.compile(r"(https?|ftp)://|www\.", re.IGNORECASE)
MAIL = re.compile(r"[a-z0-9.+_-]@[a-z0-9._-]*\.[a-z0-9]", re.IGNORECASE)
NAMES = (
    "<script>alert(1)</script>",
    "![x](http://example.com/x.png)",
    "[a](javascript:alert(1))",
    "a|b\\|c",
    "`code`",
    "line\nbreak",
    "\x1b[31mred\x1b[2J",
    "\u202ereversed",
    '=HYPERLINK("http://example.com","x")',
    "&lt;b&gt;",
    "HTTPS://example.com www.example.com",
    "me_@_b.example.com",
)


def unescaped(text: str) -> str:
    """What may be markup: a backslash with the sign behind it is a letter, and an empty comment in mail is one."""
    return re.sub(r"\\[\\|`*<~&_(:.]|(?<=@)<!-- -->", "x", text)


def linked(text: str) -> bool:
    """Whether GitHub makes a link of bare addresses: of URLs as they are written, of mail as it is shown."""
    mail = re.sub(r"\\([\\|`*<~&_(:.])", lambda sign: sign[1] if sign[1] in "_." else " ", text)
    return any(bare.search(re.sub(r"(`+).*?\1", "", each)) for bare, each in ((URL, unescaped(text)), (MAIL, mail)))


def bad(text: str) -> list[str]:
    """Characters that control a terminal or turn the direction of a line."""
    return [each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@OFTEN
@example("]\\(")
@given(MARKUP | ADDRESSES | st.text(max_size=30))
def test_no_name_is_markup_or_a_command(tried, text):
    cell = escaped(text)
    assert not bad(cell)
    assert not bad(shown(text))
    assert not set(unescaped(cell)) & set("|`*<~&")
    assert "](" not in unescaped(cell)
    assert not linked(cell)
    span = code(shown(text))
    fence = re.match("`+", span)[0]
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)].strip(" ") or not text.strip("`")
    tried("weights and files", "names with markup and control characters in Markdown", 1, "escaped")


@pytest.mark.parametrize(
    "name", ["n01440764", "cat_1.jpg", "tench, Tinca tinca", "dense@256/384.", "S: 1//2", "a @b.c"]
)
def test_ordinary_names_do_not_change(name):
    assert escaped(name) == name


def test_addresses_are_shown_and_are_no_links(tried):
    names = ["http://a.b", "ftp://a.b", "www.a.b", "logo@2x.png", "a_b@c.d@e.f"]
    assert all(linked(name) and not linked(escaped(name)) for name in names)
    shown_as = ["http\\://a.b", "ftp\\://a.b", "www\\.a.b", "logo@<!-- -->2x.png", "a_b@<!-- -->c.d@<!-- -->e.f"]
    assert [escaped(name) for name in names] == shown_as
    tried("weights and files", "names that are addresses", len(names), "no links in GitHub's Markdown")


@OFTEN
@given(st.text(max_size=30))
def test_printable_names_are_shown_as_they_are(text):
    assert shown(text) == text or not text.isprintable()


@pytest.fixture(scope="module")
def inspected(tmp_path_factory) -> Path:
    """Classes of such names, and files in them, run and looked into."""
    root = tmp_path_factory.mktemp("names")
    names = [name.replace("/", "\u2215") for name in NAMES]
    net = make_weights(root / "A|<b>.safetensors", "vgg11", classes=tuple(sorted(names)))
    for k, name in enumerate(names):
        for file in ("<img src=x onerror=alert(1)>.png", "\x1b[2J.png"):
            (root / "set|<i>" / name).mkdir(parents=True, exist_ok=True)
            make_image((40, 30), k).save(root / "set|<i>" / name / file, "PNG")
    words = ["--model", "vgg11", "--weights", str(net), "--protocol", "centre@224", "--out", str(root / "out")]
    assert main([*words, "--data", f"folder:{root / 'set|<i>'}", "--store", str(root / "store")]) == 0
    assert inspect([str(root / "out"), "--mistakes", "2"]) == 0
    return root / "out"


def test_every_markdown_file_has_names_escaped(inspected, tried):
    files = list(inspected.rglob("*.md"))
    assert len(files) == 3
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not bad(text.replace("\n", ""))
        lines = [re.sub(r"(`+).*?\1", "", unescaped(line)) for line in text.splitlines()]
        assert not any(re.search(r"<[a-z/!]|\]\(", line) for line in lines)
        assert not any(map(linked, text.splitlines()))
        for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
            assert len({unescaped(row).count("|") for row in table.splitlines()}) == 1
    tried("weights and files", "classes and files of such names, in every table", len(NAMES), "escaped in Markdown")


def test_csv_and_json_have_the_names_as_they_are(inspected, tried):
    (predictions,) = inspected.rglob("predictions.csv")
    with predictions.open(encoding="utf-8", newline="") as file:
        found = {row["true"] for row in csv.DictReader(file)}
    assert found == {name.replace("/", "\u2215") for name in NAMES}
    (row,) = json.loads((inspected / "results.json").read_text())
    assert (row["data"], row["weights"]) == ("folder:set|<i>", "A|<b>.safetensors")
    tried("weights and files", "classes and files of such names, in CSV and JSON", len(NAMES), "as they are")
