"""What is committed under spec/ is what the code makes: structure, text and fingerprints exactly, values within 2 ulp of the C library's."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import glidepath as gp
from generated import GENERATED, SPEC
from glidepath import curves

VECTORS = sorted((SPEC / "vectors").glob("*.json"))


def test_the_committed_files_are_those_that_are_generated():
    committed = {str(path.relative_to(SPEC)) for path in [SPEC / "schedule.schema.json", *VECTORS]}

    assert committed == set(GENERATED), "run: make vectors"


def test_the_committed_schema_is_the_one_that_is_generated():
    assert (
        json.loads((SPEC / "schedule.schema.json").read_text(encoding="utf-8")) == GENERATED["schedule.schema.json"]
    ), "run: make vectors"


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_committed_vectors_are_those_that_are_generated(path: Path):
    made, kept = GENERATED[f"vectors/{path.name}"], json.loads(path.read_text(encoding="utf-8"))

    assert [case | {"values": None} for case in made] == [case | {"values": None} for case in kept], "run: make vectors"
    for one, other in zip(made, kept, strict=True):
        assert close(one["values"], other["values"]), f"{one['text']}; run: make vectors"


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_vector_is_read_back_from_json_and_from_text(path: Path):
    for case in json.loads(path.read_text(encoding="utf-8")):
        schedule = gp.Schedule.from_dict(case["schedule"])

        assert schedule == gp.parse(case["text"])
        assert str(schedule) == case["text"]
        assert schedule.fingerprint == case["fingerprint"]
        assert close([schedule(step) for step in case["steps"]], case["values"])
        assert close(schedule(np.array(case["steps"], float)).tolist(), case["values"], 4)


def close(made: list[float], kept: list[float], ulps: float = 2) -> bool:
    x, y = np.array(made), np.array(kept)
    return x.shape == y.shape and bool((np.abs(x - y) <= ulps * np.spacing(np.maximum(np.abs(x), np.abs(y)))).all())


def test_closeness_sees_three_ulp():
    assert close([1.0, 0.0], [1.0 + 2**-52, 0.0])
    assert not close([1.0], [1.0 + 3 * 2**-52])
    assert not close([0.0], [1e-300])
    assert not close([1.0], [1.0, 1.0])


# The schema -------------------------------------------------------------------------------------------------

SCHEMA = gp.schema()
VALID = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_every_vector_fits_the_schema(path: Path):
    for case in json.loads(path.read_text(encoding="utf-8")):
        VALID.validate(case["schedule"])


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "ramp", "start": 1, "end": 0},
        {"kind": "ramp", "start": 1, "end": 0, "steps": -1},
        {"kind": "ramp", "start": 1, "end": 0, "steps": 2.5},
        {"kind": "ramp", "start": 1, "end": 0, "steps": 5, "stepz": 1},
        {"kind": "ramp", "start": 1, "end": 0, "steps": 5, "curve": 3},
        {"kind": "ramp", "start": 1e101, "end": 0, "steps": 5},
        {"kind": "rmap"},
        {"kind": "chain", "phases": []},
        {"kind": "chain", "phases": [{"kind": "hold", "value": "1"}]},
        {"kind": "step", "period": 5, "factor": 0},
        {"kind": "table", "steps": [0, 1], "values": [0, 1], "interpolation": "cubic"},
        [],
        "hold()",
    ],
    ids=str,
)
def test_schema_and_constructors_refuse_the_same(data: Any):
    assert not VALID.is_valid(data)
    with pytest.raises(gp.GlidepathError, match="must be"):
        gp.Schedule.from_dict(data)


def test_the_schema_says_what_every_field_is():
    for base in (gp.Schedule, curves.Curve):
        for kind, cls in base.registry.items():
            entry = SCHEMA["$defs"][f"{base.__name__.lower()}.{kind}"]
            assert list(entry["properties"]) == ["kind", *cls.field_names()]
            assert entry["description"].endswith((".", ":")), kind
            for name in cls.field_names():
                assert entry["properties"][name]["description"], f"{kind}.{name}"
