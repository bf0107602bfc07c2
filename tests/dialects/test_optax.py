"""optax's own schedules, live in float64, over random arguments: by name and by position, nested, and past the end."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glidepath import GlidepathError, dialects

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
STEPS = 70
values = st.sampled_from([0.0, 1e-3, 0.1, 1.0]) | st.floats(0, 2)
spans, begins = st.integers(1, 50), st.integers(-2, 20)
scales = st.dictionaries(st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.5, 2.0]), max_size=4)
powers = st.sampled_from([0.5, 1, 2, 3])
ends = st.none() | st.sampled_from([0.01, 0.05])


def arguments(name: str, draw) -> dict:
    warmup = draw(st.integers(0, 20))
    return {
        "constant_schedule": lambda: {"value": draw(values)},
        "polynomial_schedule": lambda: {
            "init_value": draw(values),
            "end_value": draw(values),
            "power": draw(powers),
            "transition_steps": draw(st.integers(-1, 50)),
            "transition_begin": draw(begins),
        },
        "linear_schedule": lambda: {
            "init_value": draw(values),
            "end_value": draw(values),
            "transition_steps": draw(spans),
        },
        "piecewise_constant_schedule": lambda: {"init_value": draw(values), "boundaries_and_scales": draw(scales)},
        "piecewise_interpolate_schedule": lambda: {
            "interpolate_type": draw(st.sampled_from(["linear", "cosine"])),
            "init_value": draw(values),
            "boundaries_and_scales": draw(scales),
        },
        "exponential_decay": lambda: {
            "init_value": draw(values),
            "transition_steps": draw(spans),
            "decay_rate": draw(st.sampled_from([0, 0.5, 0.9, 1.0, 1.1])),
            "transition_begin": draw(begins),
            "staircase": draw(st.booleans()),
            "end_value": draw(ends),
        },
        "cosine_decay_schedule": lambda: {
            "init_value": draw(values),
            "decay_steps": draw(spans),
            "alpha": draw(st.sampled_from([0.0, 0.1])),
            "exponent": draw(powers),
        },
        "linear_onecycle_schedule": lambda: {
            "transition_steps": draw(st.integers(10, 60)),
            "peak_value": draw(values),
            "pct_start": draw(st.sampled_from([0.2, 0.3])),
            "pct_final": draw(st.sampled_from([0.6, 0.85])),
        },
        "cosine_onecycle_schedule": lambda: {
            "transition_steps": draw(spans),
            "peak_value": draw(values),
            "pct_start": draw(st.sampled_from([0.1, 0.3])),
            "div_factor": 10.0,
        },
        "warmup_constant_schedule": lambda: {
            "init_value": draw(values),
            "peak_value": draw(values),
            "warmup_steps": warmup,
        },
        "warmup_cosine_decay_schedule": lambda: {
            "init_value": draw(values),
            "peak_value": draw(values),
            "warmup_steps": warmup,
            "decay_steps": warmup + draw(spans),
            "end_value": draw(st.sampled_from([0.0, 0.01])),
            "exponent": draw(powers),
        },
        "warmup_exponential_decay_schedule": lambda: {
            "init_value": draw(values),
            "peak_value": draw(values),
            "warmup_steps": warmup,
            "transition_steps": draw(spans),
            "decay_rate": 0.5,
            "transition_begin": draw(st.integers(0, 9)),
            "staircase": False,
            "end_value": draw(ends),
        },
        "sgdr_schedule": lambda: {
            "cosine_kwargs": [
                {
                    "init_value": 0.0,
                    "peak_value": draw(values),
                    "warmup_steps": 2,
                    "decay_steps": draw(st.integers(3, 20)),
                }
                for _ in range(draw(st.integers(1, 3)))
            ]
        },
    }[name]()


NAMES = [name for name in dialects.names("optax") if name != "join_schedules"]


@st.composite
def calls(draw, depth: int = 0) -> str:
    if depth < 2 and draw(st.integers(0, 4)) == 0:
        parts = draw(st.lists(calls(depth + 1), min_size=2, max_size=3))
        marks = sorted(draw(st.sets(st.integers(1, 50), min_size=len(parts) - 1, max_size=len(parts) - 1)))
        return f"optax.join_schedules([{', '.join(parts)}], {marks})"
    name = draw(st.sampled_from(NAMES))
    items = list(arguments(name, draw).items())
    cut = draw(st.integers(0, len(items)))
    inside = [repr(value) for _, value in items[:cut]] + [f"{key}={value!r}" for key, value in items[cut:]]
    return f"optax.{name}({', '.join(inside)})"


@settings(max_examples=60)
@given(calls())
def test_every_schedule_has_the_library_s_values(call):
    with jax.enable_x64(True):
        schedule = eval(call, {"optax": optax})
        theirs = [float(schedule(jax.numpy.asarray(step))) for step in range(0, STEPS, 3)]
    if not all(map(math.isfinite, theirs)):  # an end over a peak that is next to nothing
        with pytest.raises(GlidepathError, match="peak_value must be 0, or large enough"):
            dialects.read_text(call)
        return
    ours = dialects.read_text(call)
    assert [ours(step) for step in range(0, STEPS, 3)] == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    assert ours.absolute


def test_a_hyper_parameter_around_and_a_recorded_origin():
    made = dialects.load(
        "optax",
        "join_schedules",
        {"schedules": "[linear_schedule(0, 0.1, 5), constant_schedule(0.1)]", "boundaries": [5]},
    )
    assert [made(step) for step in (0, 1, 5, 99)] == pytest.approx([0.0, 0.02, 0.1, 0.1])
    assert made.origin.startswith("optax join_schedules(schedules=[linear_schedule(init_value=0")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("optax.cosine_decay_schedule(0.1, 0)", "optax cosine_decay_schedule: decay_steps must be an integer from 1"),
        ("optax.warmup_cosine_decay_schedule(0, 5e-324, 0, 1, 0.01)", "peak_value must be 0, or large enough"),
        ("optax.warmup_cosine_decay_schedule(0, 1, 9, 9)", "decay_steps must be above the 9 steps of warmup, got 9"),
        (
            "optax.join_schedules([optax.constant_schedule(1)], [3])",
            "boundaries must be one fewer than the schedules, 0",
        ),
        (
            "optax.piecewise_constant_schedule(1, {5: -1})",
            r"boundaries_and_scales\[5\] must be a finite number from 0 to 1e\+100",
        ),
        ("optax.cosine_schedule(1)", "optax: name must be a known scheduler"),
    ],
)
def test_what_optax_refuses_is_refused(call, told):
    with pytest.raises(GlidepathError, match=told):
        dialects.read_text(call)
