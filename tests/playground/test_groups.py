"""K7: parameter groups with their own schedules and base rates are shown by name, each with its own values, in every answer and file."""

import base64
import csv
import io
import json
import math
from urllib.parse import quote_plus

import numpy as np
import pytest

from glidepath import GlidepathError, dialects, parse
from glidepath.playground import fragment
from glidepath.playground.exports import Export, export
from glidepath.playground.look import At, Look, Measure, at, look, measures

TEXTS = ["cosine(100)", "linear(100)", "pytorch.StepLR(step_size=30)"]
BODY, HEAD, NORM = parse(TEXTS[0]), parse(TEXTS[1]), dialects.load("pytorch", "StepLR", {"step_size": 30})
SHARED = {"texts": TEXTS, "base": 0.001, "bases": [None, 0.004, None]}
EXPECTED = [(BODY, 0.001), (HEAD, 0.004), (NORM, 1.0)]


def test_each_curve_has_its_own_base_and_unit():
    found = look(Look(text=TEXTS[0], pins=TEXTS[1:], base=0.001, bases=[0.004]))
    curves = [found["curve"], *found["pins"]]

    for curve, (schedule, base) in zip(curves, EXPECTED, strict=True):
        steps, values = (np.frombuffer(base64.b64decode(curve[key])) for key in ("steps", "values"))
        assert values.tolist() == [schedule(step) * base for step in steps.tolist()]
        assert curve["unit"] == "learning rate"
    assert look(Look(text=TEXTS[0]))["curve"]["unit"] == "factor"
    assert look(Look(text=TEXTS[2]))["curve"]["unit"] == "learning rate"


def test_cursor_and_table_do_not_average():
    assert at(At(step=40, **SHARED))["values"] == [schedule(40) * base for schedule, base in EXPECTED]
    rows = measures(Measure(last=100, at=[40], **SHARED))["rows"]

    assert [row["at"] for row in rows] == [[schedule(40) * base] for schedule, base in EXPECTED]
    assert [row["absolute"] for row in rows] == [False, False, True]


def test_files_say_names_units_and_bases():
    names = ["body", "head", "norm"]
    table = list(csv.DictReader(io.StringIO(export(Export(format="csv", last=100, names=names, **SHARED)).decode())))
    heads = [f"{name} [learning rate]" for name in names]

    assert list(table[0]) == ["step", *heads]
    for head, (schedule, base) in zip(heads, EXPECTED, strict=True):
        assert [float(row[head]) for row in table] == [schedule(int(row["step"])) * base for row in table]
    curves = json.loads(export(Export(format="json", last=100, names=names, **SHARED)))["curves"]
    assert [(curve["name"], curve["base"], curve["unit"]) for curve in curves] == [
        ("body", 0.001, "learning rate"),
        ("head", 0.004, "learning rate"),
        ("norm", 1.0, "learning rate"),
    ]
    plain = export(Export(format="csv", last=3, texts=TEXTS[:1])).decode()
    assert plain.startswith('step,"cosine(100) [factor]"\r\n')
    svg = export(Export(format="svg", last=100, names=names, **SHARED)).decode()
    assert all(name in svg for name in [*names, "learning rate"])


def test_a_link_holds_names_and_the_length_of_the_run():
    link = fragment([("body", "cosine(1000)"), ("head", "keras.optimizers.schedules.CosineDecay(0.1, 1000)")], 0.01)

    assert link == (
        "v=1&s=cosine%281000%29&n=body&p=%5B%22keras.optimizers.schedules.CosineDecay%280.1%2C+1000%29%22%2C+%22head%22%2C+1%5D"
        "&base=0.01&budget=epochs%3A2.5&at=0%2C250%2C500%2C999"
    )
    assert look(Look(text="keras.optimizers.schedules.CosineDecay(0.1, 1000)"))["text"].startswith("keras.")


@pytest.mark.parametrize(
    ("text", "rest"), [("cosine(9007199254740992)", "at=0%2C2251799813685248"), ("hold()", "at=0"), ("hold(1)", "at=0")]
)
def test_lengths_at_their_ends_have_a_link_too(text, rest):
    link = fragment([("", text)])

    assert rest in link
    assert ("budget" in link) == (text == "hold(1)")


def test_a_call_goes_into_the_link_as_it_was_written():
    for call in ("LambdaLR(optimizer, lambda k: 0.5 ** k)", "tf.train.exponential_decay(0.1, step, 10, 0.5)"):
        assert f"s={quote_plus(call)}" in fragment([("", call)])


@pytest.mark.parametrize(
    ("curves", "base", "message"),
    [
        ([], 1.0, "SCHEDULE must be 1 to 9 schedules, got 0 of them"),
        ([("", "cosine(9)")] * 10, 1.0, "got 10 of them"),
        ([("", "cosine(9)")], math.nan, "base must be a number above 0"),
        ([("", "cosin(9)"), ("", "linear(")], 1.0, "(?s)'cosin'.*linear"),
    ],
)
def test_a_bad_link_is_refused_before_anything_opens(curves, base, message):
    with pytest.raises(GlidepathError, match=message):
        fragment(curves, base)
