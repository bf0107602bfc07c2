"""Whatever is handed in: one clear error of our own, for less work than a second's and in under 100 MB, and never anything else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glidepath as gp
from work import SECOND

PROBE = Path(__file__).with_name("hostile_probe.py")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, float, float]]:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, str(PROBE)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: tuple(rest) for name, *rest in map(json.loads, done.stdout.splitlines())}


def test_every_hostile_input_is_refused_with_our_own_error(outcomes: dict[str, Any]):
    assert len(outcomes) > 150
    odd = {name: outcome for name, (outcome, _, _) in outcomes.items() if not outcome.startswith("refused ")}

    assert odd == {}


def test_every_refusal_takes_less_work_than_a_second_holds(outcomes: dict[str, Any]):
    assert {name: calls for name, (_, calls, _) in outcomes.items() if calls >= SECOND} == {}


def test_every_refusal_takes_less_than_100_mb(outcomes: dict[str, Any]):
    assert {name: memory for name, (_, _, memory) in outcomes.items() if memory >= 100} == {}


# Whatever hypothesis thinks of ------------------------------------------------------------------------------

PIECES = [
    "hold",
    "linear",
    "cosine",
    "warmup",
    "chain",
    "ramp",
    "(",
    ")",
    ",",
    ">>",
    "+",
    "*",
    "-",
    "/",
    "=",
    "steps",
    "floor",
    "1",
    "0",
    "5",
    "1e9",
    "'cosine'",
    "[",
    "]",
    ".",
    "lambda",
    " ",
]


def only_our_error(make: Any, given: Any) -> None:
    """Make something; what is refused is refused by our error, and what is made prints as text that reads back."""
    try:
        made = make(given)
    except gp.GlidepathError as error:
        message = str(error)
    else:
        message = "must be, got" if gp.parse(str(made)) == made else f"{made} is not read back"
    assert "must be" in message
    assert ", got" in message


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
@settings(max_examples=500)
def test_any_text_is_read_or_refused(text: str):
    only_our_error(gp.parse, text)


LEAVES_OF_DATA = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["hold()", "cosine", "linear(5)", 1, 5, 0.5, *gp.Schedule.registry]),
)
FIELDS = sorted({name for cls in gp.Schedule.registry.values() for name in cls.field_names()} | {"kind"})


def objects(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    kinds = st.sampled_from(sorted(gp.Schedule.registry))
    known = kinds.flatmap(
        lambda kind: st.fixed_dictionaries(
            {"kind": st.just(kind)}, optional=dict.fromkeys(gp.Schedule.registry[kind].field_names(), inside)
        )
    )
    return st.one_of(known, st.lists(inside, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inside, max_size=4))


@given(objects(st.recursive(LEAVES_OF_DATA, objects, max_leaves=8)))
@settings(max_examples=400)
def test_any_data_is_read_or_refused(data: Any):
    only_our_error(gp.Schedule.from_dict, data)
    only_our_error(gp.Schedule.from_json, json.dumps(data))


@given(st.one_of(st.text(max_size=40), st.binary(max_size=40)))
@settings(max_examples=200)
def test_any_json_text_is_read_or_refused(text: str | bytes):
    only_our_error(gp.Schedule.from_json, text)
