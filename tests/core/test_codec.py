"""JSON both ways, and what fingerprints are made of."""

import hashlib
import json

import pytest
from hypothesis import given, settings

import glidepath as gp
import strategies as some
from glidepath import curves
from glidepath.core.codec import canonical, field_notes


def test_every_field_is_written_out():
    assert gp.warmup_cosine(10, 5, 0.1).to_dict() == {
        "kind": "chain",
        "phases": [
            {"kind": "ramp", "start": 1 / 6, "end": 1.0, "steps": 5, "curve": "linear"},
            {"kind": "ramp", "start": 1.0, "end": 0.1, "steps": 5, "curve": "cosine"},
        ],
    }
    assert gp.Ramp(1, 0, 5, "reverse(polynomial(3))").to_dict()["curve"] == {
        "kind": "reverse",
        "curve": {"kind": "polynomial", "power": 3.0},
    }
    assert gp.Hold().to_dict() == {"kind": "hold", "steps": None, "value": 1.0}


@given(some.schedules)
@settings(max_examples=60)
def test_json_is_plain_data_that_other_tools_read(schedule: gp.Schedule):
    data = json.loads(schedule.to_json(), parse_constant=pytest.fail)

    assert data == schedule.to_dict()
    assert gp.Schedule.from_dict(data) == schedule
    assert data["kind"] == schedule.kind
    assert list(data) == ["kind", *schedule.field_names()]


def test_schedules_in_data_may_be_text_or_made_already():
    made = gp.Schedule.from_dict({"kind": "chain", "phases": ["warmup(5)", gp.Hold(3), {"kind": "hold"}]})

    assert made == gp.warmup(5) >> gp.Hold(3) >> gp.Hold()
    assert gp.Schedule.of(made) is made
    assert gp.Schedule.of("hold()") == gp.Schedule.of({"kind": "hold"}) == gp.Hold()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "hold", "value": NaN}', "$: every number must be finite, got 'NaN'"),
        ('{"kind": "hold", "value": -Infinity}', "$: every number must be finite, got '-Infinity'"),
        (
            '{"kind": "hold", "value": 1e999}',
            "$ (hold): value must be a finite number of magnitude at most 1e+100, got inf",
        ),
        (
            '{"kind": "hold", "value": ' + "9" * 401 + "}",
            "$: every number must be of at most 400 digits, got one of 401",
        ),
        (
            '{"kind": "hold", "value": ' + "9" * 400 + "}",
            "$ (hold): value must be a finite number of magnitude at most 1e+100, got an integer of 1329 bits",
        ),
        ('{"kind": "hold", "kind": "ramp"}', "$: key 'kind' must be given once in an object, got it twice"),
        ("{", "$: must be JSON, got '{' (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        ("[]", '$: must be an object with a "kind" (schedule), got []'),
        ('"hold()"', "$: must be an object with a \"kind\" (schedule), got 'hold()'"),
        ("{}", f"$: kind must be given, one of {', '.join(sorted(gp.Schedule.registry))}, got nothing"),
        (
            '{"kind": "rmap"}',
            f"$: kind must be one of {', '.join(sorted(gp.Schedule.registry))}, got 'rmap' (did you mean 'ramp'?)",
        ),
        ('{"kind": 5}', f"$: kind must be one of {', '.join(sorted(gp.Schedule.registry))}, got 5"),
        (
            '{"kind": "hold", "stepz": 5}',
            "$ (hold): stepz must be one of its fields (steps, value), got 5 (did you mean 'steps'?)",
        ),
        ("[" * 5000, "$: must be nested at most 64 deep, got a deeper document"),
        ("[" * 300 + "]" * 300, "$: must be nested at most 64 deep, got a deeper document"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_refused(text: str, message: str):
    with pytest.raises(gp.GlidepathError, match="must be") as caught:
        gp.Schedule.from_json(text)
    assert str(caught.value) == message


def test_keys_are_strings():
    with pytest.raises(gp.GlidepathError, match=r"^\$: every key must be a string, got 5$"):
        gp.Schedule.from_dict({"kind": "hold", 5: 1})


def test_many_unknown_fields_are_counted():
    with pytest.raises(
        gp.GlidepathError, match=r"^\$ \(hold\): must be given only its fields \(steps, value\), got 21 others$"
    ):
        gp.Schedule.from_dict({"kind": "hold", **{f"f{i}": 1 for i in range(21)}})


def test_only_text_is_json():
    with pytest.raises(gp.GlidepathError, match=r"^\$: must be JSON text, got 5$"):
        gp.Schedule.from_json(5)  # type: ignore[arg-type]


# Fingerprints -----------------------------------------------------------------------------------------------


def test_the_canonical_form_is_sorted_dense_and_without_defaults():
    schedule = gp.Ramp(1, 0, 5, "polynomial(3)") >> gp.Hold(value=2)

    assert canonical(schedule) == (
        '{"kind":"chain","phases":[{"curve":{"kind":"polynomial","power":3.0},"end":0.0,"kind":"ramp","start":1.0,"steps":5},'
        '{"kind":"hold","value":2.0}]}'
    )
    assert schedule.fingerprint == hashlib.sha256(canonical(schedule).encode()).hexdigest()
    assert canonical(gp.Hold()) == '{"kind":"hold"}'
    assert canonical(gp.Ramp(1, 0, 5)) == '{"end":0.0,"kind":"ramp","start":1.0,"steps":5}'


@given(some.schedules)
@settings(max_examples=60)
def test_a_fingerprint_survives_every_form(schedule: gp.Schedule):
    assert canonical(gp.parse(str(schedule))) == canonical(schedule)
    assert json.loads(canonical(schedule))["kind"] == schedule.kind


# The schema -------------------------------------------------------------------------------------------------


def test_the_schema_of_one_kind():
    assert gp.schema()["$defs"]["schedule.hold"] == {
        "type": "object",
        "description": "Stays at `value`, for `steps` steps or for ever.",
        "properties": {
            "kind": {"const": "hold"},
            "steps": {
                "anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**53, "unit": "steps"}, {"type": "null"}],
                "description": "How long, in steps; None is for ever, and 0 is nothing in a chain.",
                "default": None,
            },
            "value": {"type": "number", "minimum": -1e100, "maximum": 1e100, "description": "$c$.", "default": 1.0},
        },
        "required": ["kind"],
        "additionalProperties": False,
    }
    assert gp.schema()["$defs"]["schedule.ramp"]["required"] == ["kind", "start", "end", "steps"]
    assert gp.schema()["$defs"]["curve"]["oneOf"][-1]["type"] == "string"
    assert len(gp.schema()["$defs"]["curve"]["oneOf"]) == len(curves.Curve.registry) + 1


def test_notes_of_fields_come_from_the_docstring():
    assert field_notes(gp.Table)["steps"] == "$x$, strictly increasing, the first 0."
    assert field_notes(gp.warmup) == {
        "steps": "$n$, in steps.",
        "start": "$a$, the value at step 0; None is $1/(n+1)$, and 0 gives the $t/n$ of Hugging Face's schedules.",
        "curve": "$c$, the shape in between.",
        "beta2": "Of Adam, instead of `steps`: $n = 2/(1 - \\beta_2)$, as long as its second moment takes to settle.",
    }
