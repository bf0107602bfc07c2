"""Every visible sentence of the page stands once, in both languages, and is said somewhere."""

import json
import re
from pathlib import Path

import pytest

from glidepath import playground
from glidepath.playground.answers import SHAPES

STATIC = Path(playground.__file__).parent / "static"
SOURCE = (STATIC / "strings.js").read_text(encoding="utf-8")
TABLE = json.loads(SOURCE[SOURCE.index("{") : SOURCE.rindex("}") + 1])
FILES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted([*STATIC.glob("*.js"), *STATIC.glob("*.html")])
    if path.name != "strings.js"
}
MADE = re.compile(r"\b(?:t|known|pieces)\(`([^`]+)`")


def said():
    """The keys that the page says by name, and the patterns of those that it puts together."""
    names, patterns = set(), []
    for text in FILES.values():
        names |= set(re.findall(r'data-t(?:-\w+)?="([^"]+)"', text))
        names |= set(re.findall(r'\b(?:t|pieces|known)\("([^"]+)"', text))
        names |= {literal for literal in re.findall(r'"([\w.]+)"', text) if literal in TABLE}
        for made in MADE.findall(text):
            fixed = re.split(r"\$\{[^}]*\}", made)
            if len(fixed) > 1 and re.fullmatch(r"[a-z.]+", fixed[0]):
                patterns.append(re.compile("[^`]+".join(map(re.escape, fixed))))
    return names, patterns


def test_no_sentence_is_missing():
    names, _ = said()

    assert len(names) > 150
    assert sorted(names - set(TABLE)) == []


def test_no_sentence_is_unused():
    names, patterns = said()

    assert [key for key in TABLE if key not in names and not any(made.fullmatch(key) for made in patterns)] == []


@pytest.mark.parametrize("key", TABLE)
def test_both_languages_say_it_with_the_same_values(key):
    english, chinese = TABLE[key]

    assert english.strip()
    assert chinese.strip()
    assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", chinese))


def test_the_chinese_is_chinese():
    same = {key for key, (english, chinese) in TABLE.items() if english == chinese}

    assert same <= {"axis.percent", "shape.wsd"}
    assert all(re.search(r"[\u4e00-\u9fff，：。]", TABLE[key][1]) for key in TABLE if key not in same)


def test_the_page_begins_in_the_words_of_the_table():
    """Before any script runs the page is English, in the words that the scripts would say."""
    for name, text in FILES.items():
        if name.endswith(".html"):
            for key, shown in re.findall(r'data-t="([^"]+)"[^>]*>([^<]*)<', text):
                assert shown == TABLE[key][0], (name, key)


def test_every_shape_has_a_name():
    assert {f"shape.{name}" for name in SHAPES} == {key for key in TABLE if key.startswith("shape.")}


def test_nothing_visible_is_written_beside_the_table():
    """No sentence stands in a script: what is made visible comes from the table, or from Python."""
    visible = re.compile(r'(?:"aria-label"|title|placeholder): "[A-Za-z]|textContent = "[A-Za-z]|toast\("|say\("')
    found = {name: visible.findall(text) for name, text in FILES.items() if name.endswith(".js")}

    assert {name: hits for name, hits in found.items() if hits and name not in ("ask.js", "worker.js", "boot.js")} == {}
