"""Plan files: nothing in them is executed, and fuzzed ones are refused without a crash."""

import random

import pytest

from glidepath import GlidepathError
from glidepath.core.documents import data_of_text
from glidepath.plan import Plan, check, read
from work import SECOND, counted

GOOD = """glidepath: 1
rules:
- schedule: warmup("5%") >> cosine("rest", floor=0.1)
  groups: ['*', '!norm']
- {schedule: hold(), parameter: weight_decay}
horizon:
  length: 3 epochs
  samples: 50000
  batch: 32
feedback:
- controller: plateau(factor=0.5)
"""


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 3e-4", {"a": 3e-4}),
        (
            "a: on\nb: no\nc: 0x10\nd: 1_000\ne: 12:30:00\nf: 2026-01-01",
            {"a": "on", "b": "no", "c": "0x10", "d": "1_000", "e": "12:30:00", "f": "2026-01-01"},
        ),
        (
            "a: [1, -2, 0.5, .5, 1., true, null, ~, '1', \"x\"]",
            {"a": [1, -2, 0.5, 0.5, 1.0, True, None, None, "1", "x"]},
        ),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("", None),
        ("? a\n: b", {"a": "b"}),
    ],
)
def test_yaml_1_2(text, data):
    assert data_of_text(text, json=False) == data


def mutated(text, rng):
    """Return a text with some random damage."""
    pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "&a ",
        "*a",
        "!!python/object ",
        "%",
        "\n",
        "\t",
        '"',
        "'",
        "1e999",
        ".nan",
    ]
    pieces += [
        "<<: ",
        "? ",
        "|",
        "#",
        "\x00",
        "\ud800",
        "é",
        "---\n",
        "...\n",
        "9" * 50,
        "(",
        ")",
        ">>",
        "rest",
        "@",
        "`",
    ]
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(text) + 1)
        kind = rng.random()
        if kind < 0.4:
            text = text[:at] + rng.choice(pieces) + text[at:]
        elif kind < 0.7:
            text = text[:at] + text[at + rng.randint(1, 30) :]
        elif kind < 0.85:
            other = rng.randrange(len(text) + 1)
            text = text[:at] + text[other : other + rng.randint(1, 40)] + text[at:]
        else:
            text = (
                text[:at]
                + chr(rng.choice([rng.randrange(32, 127), rng.randrange(1, 0xD800), rng.randrange(0xE000, 0x1FFFF)]))
                + text[at + 1 :]
            )
    return text


def fuzz(count, seed):
    """Check damaged documents; return how many were plans and the most work."""
    rng = random.Random(seed)
    plans, longest, as_json = 0, 0, Plan.of(GOOD).to_json()
    for i in range(count):
        text = mutated(GOOD if i % 2 else as_json, rng)
        with counted() as work:
            findings = check(text)
        longest = max(longest, work())
        plans += not any(finding.code == "refused" for finding in findings)
    return plans, longest


@pytest.mark.parametrize("count", [250, pytest.param(5000, marks=pytest.mark.soak)])
def test_damaged_documents_are_refused_for_little_work(count):
    plans, longest = fuzz(count, seed=count)

    assert 0 < plans < count
    assert longest < SECOND


def test_wrong_files(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.json").write_text("x" * 300_000)
    for name, message in [
        ("a.yaml", "file must be text in UTF-8"),
        ("b.json", "at most 256000 characters"),
        ("c.yaml", "a file that can be read"),
        ("d.toml", "a .yaml, .yml or .json file"),
    ]:
        with pytest.raises(GlidepathError, match=message):
            read(tmp_path / name)
