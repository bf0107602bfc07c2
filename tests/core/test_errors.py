"""Every rule of every field, with its whole message; all problems at once, each with its path."""

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glidepath as gp
from glidepath import curves
from glidepath.core.errors import shown

LENGTH = "an integer from 1 to 9007199254740992"
PHASE = "an integer from 0 to 9007199254740992"
VALUE = "a finite number of magnitude at most 1e+100"
POSITIVE = "a finite number above 0 and at most 1e+100"
MILESTONES = "a strictly increasing list of integers from 1"
hold, ramp = gp.Hold(5), gp.Ramp(1, 0, 5)


def refused(make: Callable[[], Any]) -> list[str]:
    """Return the lines of the error that making something gives."""
    with pytest.raises(gp.GlidepathError, match="must be") as caught:
        make()
    assert isinstance(caught.value, ValueError)
    assert [str(problem) for problem in caught.value.problems] == str(caught.value).split("\n")
    return str(caught.value).split("\n")


# Fields -----------------------------------------------------------------------------------------------------

LENGTHS: list[tuple[Any, str]] = [
    (0, "0"),
    (-1, "-1"),
    (2.5, "2.5"),
    (math.nan, "nan"),
    (math.inf, "inf"),
    (2**53 + 1, "9007199254740993"),
    (10**400, "an integer of 1329 bits"),
    (True, "True"),
    ("5", "'5' (a quoted duration needs a plan with a horizon)"),
    ([5], "[5]"),
    (5j, "5j"),
    (np.float64(2.5), "np.float64(2.5)"),
]
VALUES: list[tuple[Any, str]] = [
    (math.nan, "nan"),
    (-math.inf, "-inf"),
    (1.1e100, "1.1e+100"),
    (10**400, "an integer of 1329 bits"),
    (True, "True"),
    (None, "None"),
    ("1", "'1'"),
    (1j, "1j"),
    ([1], "[1]"),
]
POSITIVES: list[tuple[Any, str]] = [*VALUES, (0, "0"), (-0.5, "-0.5")]

# Each length, value and positive number of every kind: how it is given, its kind and its name.
FIELDS: list[tuple[Callable[[Any], Any], str, str, str]] = [
    (lambda x: gp.Hold(x), "hold", "steps", PHASE),
    (lambda x: gp.Hold(5, x), "hold", "value", VALUE),
    (lambda x: gp.Ramp(x, 0, 5), "ramp", "start", VALUE),
    (lambda x: gp.Ramp(0, x, 5), "ramp", "end", VALUE),
    (lambda x: gp.Ramp(0, 1, x), "ramp", "steps", PHASE),
    (lambda x: gp.Exponential(x), "exponential", "rate", POSITIVE),
    (lambda x: gp.Exponential(0.5, x), "exponential", "steps", LENGTH),
    (lambda x: gp.Exponential(0.5, 5, x), "exponential", "start", VALUE),
    (lambda x: gp.NaturalExponential(x), "natural_exponential", "rate", POSITIVE),
    (lambda x: gp.NaturalExponential(0.5, x), "natural_exponential", "steps", LENGTH),
    (lambda x: gp.NaturalExponential(0.5, 5, x), "natural_exponential", "start", VALUE),
    (lambda x: gp.InverseTime(x), "inverse_time", "rate", POSITIVE),
    (lambda x: gp.InverseTime(0.5, x), "inverse_time", "steps", LENGTH),
    (lambda x: gp.InverseTime(0.5, 5, x), "inverse_time", "start", VALUE),
    (lambda x: gp.InverseSqrt(x), "inverse_sqrt", "steps", LENGTH),
    (lambda x: gp.InverseSqrt(5, x), "inverse_sqrt", "start", VALUE),
    (lambda x: gp.Step(x), "step", "period", LENGTH),
    (lambda x: gp.Step(5, x), "step", "factor", POSITIVE),
    (lambda x: gp.Step(5, 0.5, x), "step", "start", VALUE),
    (lambda x: gp.MultiStep([5], x), "multistep", "factor", POSITIVE),
    (lambda x: gp.MultiStep([5], 0.5, x), "multistep", "start", VALUE),
    (lambda x: gp.Triangle(x), "triangle", "up", LENGTH),
    (lambda x: gp.Triangle(5, x), "triangle", "down", LENGTH),
    (lambda x: gp.Triangle(5, 5, x), "triangle", "low", VALUE),
    (lambda x: gp.Triangle(5, 5, 0, x), "triangle", "high", VALUE),
    (lambda x: gp.Product([hold], x), "product", "scale", VALUE),
    (lambda x: gp.Sum([hold], x), "sum", "offset", VALUE),
    (lambda x: gp.Clip(hold, x, 5), "clip", "low", VALUE),
    (lambda x: gp.Clip(hold, 0, x), "clip", "high", VALUE),
    (lambda x: gp.Stretch(hold, x), "stretch", "factor", POSITIVE),
    (lambda x: gp.Until(hold, x), "until", "steps", LENGTH),
    (lambda x: gp.Repeat(hold, x), "repeat", "cycles", LENGTH),
    (lambda x: gp.Repeat(hold, 5, x), "repeat", "growth", POSITIVE),
    (lambda x: gp.Repeat(hold, 5, 1, x), "repeat", "decay", POSITIVE),
    (lambda x: gp.Repeat(hold, 5, 1, 1, x), "repeat", "floor", VALUE),
    (lambda x: gp.Restarts(hold, x), "restarts", "growth", POSITIVE),
    (lambda x: gp.PolynomialCycle(x), "polynomial_cycle", "steps", LENGTH),
    (lambda x: gp.DampedCosine(x), "damped_cosine", "steps", LENGTH),
    (lambda x: curves.Polynomial(x), "polynomial", "power", POSITIVE),
    (lambda x: curves.Exponential(x), "exponential", "ratio", POSITIVE),
]
OPTIONAL = {("hold", "steps"), ("triangle", "down"), ("clip", "low"), ("clip", "high"), ("repeat", "cycles")}
WRONG = {
    LENGTH: [*LENGTHS, (None, "None")],
    PHASE: [row for row in LENGTHS if row[0] != 0],
    VALUE: VALUES,
    POSITIVE: POSITIVES,
}


@pytest.mark.parametrize(("make", "kind", "field", "rule"), FIELDS, ids=lambda x: x if isinstance(x, str) else "")
def test_a_wrong_number_is_refused(make: Callable[[Any], Any], kind: str, field: str, rule: str):
    for value, got in WRONG[rule]:
        if value is None and (kind, field) in OPTIONAL:
            continue
        assert refused(lambda value=value: make(value)) == [f"{kind}: {field} must be {rule}, got {got}"]


def test_every_number_of_every_kind_is_in_the_list_above():
    numbers = {"Length", "Value", "Positive", "Cycles", "Length | None", "Value | None", "Cycles | None"}
    listed = {(kind, field) for _, kind, field, _ in FIELDS}
    classics = {"profile", "restarts", "polynomial_cycle", "damped_cosine", "rate", "recurrence"}
    for base in (gp.Schedule, curves.Curve):
        for kind, cls in base.registry.items():
            for name, field in cls.__dataclass_fields__.items():
                if field.type in numbers and kind not in classics:
                    assert (kind, name) in listed


@pytest.mark.parametrize("value", [2**53, 5, 5.0, np.int8(5), np.float32(5)])
def test_the_largest_length_and_whole_numbers_of_any_type_are_taken(value: Any):
    made = gp.Hold(value).steps

    assert made == value
    assert type(made) is int


@pytest.mark.parametrize("value", [1e100, -1e100, 0, 5e-324, np.float32(0.5)])
def test_the_largest_and_smallest_values_are_taken(value: Any):
    made = gp.Hold(value=value).value

    assert made == value
    assert type(made) is float


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ([5, 3], "[5, 3]"),
        ([3, 3], "[3, 3]"),
        ([0, 3], "[0, 3]"),
        ([1.5], "[1.5]"),
        ([True], "[True]"),
        ("12", "'12'"),
        ({1: 2}, "{1: 2}"),
        ({1, 2}, "{1, 2}"),
        (5, "5"),
        (None, "None"),
        (list(range(20, 0, -1)), "a list of 20 items"),
        ([math.nan], "[nan]"),
    ],
    ids=str,
)
def test_milestones_are_strictly_increasing_integers(given: Any, got: str):
    assert refused(lambda: gp.MultiStep(given)) == [f"multistep: milestones must be {MILESTONES}, got {got}"]


def test_lists_have_one_to_a_million_items():
    most = ", between 1 and 1000000 of them"
    assert refused(lambda: gp.MultiStep([])) == [f"multistep: milestones must be {MILESTONES}{most}, got []"]
    assert refused(lambda: gp.MultiStep(range(1, 10**6 + 2))) == [
        f"multistep: milestones must be {MILESTONES}{most}, got range(1, 1000002)"
    ]


ONE_RULE: list[tuple[Callable[[], Any], str]] = [
    (lambda: gp.Exponential(0.5, staircase=1), "exponential: staircase must be true or false, got 1"),
    (
        lambda: gp.NaturalExponential(0.5, staircase=None),
        "natural_exponential: staircase must be true or false, got None",
    ),
    (lambda: gp.InverseTime(0.5, staircase="no"), "inverse_time: staircase must be true or false, got 'no'"),
    (
        lambda: gp.MultiStep(range(1, 1000), 2),
        "multistep: factor must be small enough for a product below e^400, got 2.0",
    ),
    (lambda: gp.Table([0, 5], [1]), "table: values must be as many as the steps, 2, got 1 of them: (1.0,)"),
    (
        lambda: gp.Table([1, 5], [1, 2]),
        "table: steps must be a strictly increasing list of integers that begins with 0, got [1, 5]",
    ),
    (
        lambda: gp.Table([0, 5, 5], [1, 2, 3]),
        "table: steps must be a strictly increasing list of integers that begins with 0, got [0, 5, 5]",
    ),
    (lambda: gp.Table([0], [1], "cubic"), "table: interpolation must be one of 'linear', 'previous', got 'cubic'"),
    (
        lambda: gp.Table([0, 5], [1, None]),
        "table: values must be a list of finite numbers of magnitude at most 1e+100, got [1, None]",
    ),
    (lambda: gp.Ramp(0, 1, 5, "geometric"), "ramp: start must be above 0 for a geometric curve, got 0.0"),
    (lambda: gp.Ramp(1, -1, 5, "geometric"), "ramp: end must be above 0 for a geometric curve, got -1.0"),
    (lambda: gp.Chain([]), "chain: phases must be a list of 1 to 10000 schedules, got []"),
    (lambda: gp.Chain(hold), "chain: phases must be a list of 1 to 10000 schedules, got hold(5)"),
    (lambda: gp.chain(), "chain: must be given at least one schedule, got none"),
    (lambda: gp.minimum(), "minimum: must be given at least one schedule, got none"),
    (lambda: gp.maximum(), "maximum: must be given at least one schedule, got none"),
    (lambda: gp.Chain([hold, 5]), "$.phases[1] (schedule): must be a schedule, its text or its JSON data, got 5"),
    (
        lambda: gp.Hold() >> hold,
        "$.phases[0] (hold): duration must be finite for every phase but the last, got an endless phase (give it a length)",
    ),
    (
        lambda: gp.Hold(2**53) >> gp.Hold(1),
        "chain: phases must be at most 9007199254740992 steps in all, got 9007199254740993",
    ),
    (
        lambda: hold * 1e90 * 1e90,
        "product: scale must be a finite number of magnitude at most 1e+100 in all, got 9.999999999999999e+179",
    ),
    (
        lambda: hold + 1e100 + 1e100,
        "sum: offset must be a finite number of magnitude at most 1e+100 in all, got 2e+100",
    ),
    (lambda: hold / 0, "/: divisor must be other than 0, got 0"),
    (lambda: hold * math.nan, f"product: scale must be {VALUE}, got nan"),
    (lambda: gp.Clip(hold), "clip: low must be given if high is not, got None"),
    (lambda: gp.Clip(hold, 2, 1), "clip: low must be at most high, 1.0, got 2.0"),
    (
        lambda: gp.Stretch(gp.Hold(2**50), 1e9),
        "stretch: factor must be small enough for at most 9007199254740992 steps, got 1000000000.0",
    ),
    (lambda: gp.Shift(hold, -5), "shift: steps must be above -5, so that a step is left, got -5"),
    (
        lambda: gp.Shift(hold, 2**53),
        "shift: steps must be small enough for at most 9007199254740992 steps in all, got 9007199254740992",
    ),
    (
        lambda: gp.Shift(hold, 0.5),
        "shift: steps must be an integer from -9007199254740992 to 9007199254740992, got 0.5",
    ),
    (
        lambda: gp.Repeat(gp.Hold()),
        "repeat: schedule must be of finite duration, got an endless one (give it a length)",
    ),
    (lambda: gp.Repeat(hold, decay=1.5), "repeat: decay must be at most 1, got 1.5"),
    (lambda: gp.Repeat(hold, growth=0.5), "repeat: cycles must be given where the cycles shrink, got None"),
    (
        lambda: gp.Repeat(hold, 9, 0.5),
        "repeat: growth must be such that every cycle has a step, got 0.5 (at most 3 cycles have one)",
    ),
    (lambda: gp.Repeat(hold, 10_001, 1.5), "repeat: cycles must be at most 10000 where the cycles grow, got 10001"),
    (
        lambda: gp.Repeat(hold, 2**53),
        "repeat: cycles must be few enough for at most 9007199254740992 steps, got 9007199254740992",
    ),
    (
        lambda: gp.Repeat(hold, 100, 2.0),
        "repeat: cycles must be few enough for at most 9007199254740992 steps, got 100",
    ),
    (
        lambda: gp.Repeat(hold, growth=1.0001),
        "repeat: growth must be at least such that 10000 cycles reach 9007199254740992 steps, got 1.0001 (limit the cycles)",
    ),
    (lambda: gp.Schedule.of(5), "schedule: must be a schedule, its text or its JSON data, got 5"),
    (lambda: curves.Exponential(1), "exponential: ratio must be below 1, got 1.0 (that is the linear curve)"),
    (
        lambda: curves.Exponential(4),
        "exponential: ratio must be below 1, got 4.0 (reverse(exponential(0.25)) is that curve)",
    ),
    (
        lambda: curves.Reverse("geometric"),
        "reverse: curve must be a curve that does not depend on its ends, got geometric (swap the ends of the ramp)",
    ),
    (
        lambda: gp.Ramp(1, 0, 5, 7),
        "$.curve (curve): must be a curve (cosine, exponential, geometric, linear, one_minus_sqrt, polynomial, reverse, rex, sqrt), got 7",
    ),
    (
        lambda: gp.Ramp(1, 0, 5, "cosin"),
        (
            "$.curve (curve, column 1): must be a known curve (cosine, exponential, geometric, linear, one_minus_sqrt, polynomial, reverse, "
            "rex, sqrt), got 'cosin' (did you mean 'cosine'?)"
        ),
    ),
    (lambda: gp.Ramp(1, 0, 5, "polynomial(0)"), f"$.curve (polynomial): power must be {POSITIVE}, got 0"),
    (
        lambda: gp.Ramp(1, 0, 5, {"kind": "polynomial", "powr": 3}),
        "$.curve (polynomial): powr must be one of its fields (power), got 3 (did you mean 'power'?)",
    ),
]


@pytest.mark.parametrize(("make", "message"), ONE_RULE, ids=lambda x: x[:50] if isinstance(x, str) else "")
def test_one_rule(make: Callable[[], Any], message: str):
    assert refused(make) == [message]


# Recipes ----------------------------------------------------------------------------------------------------

FROM_ZERO = "an integer from 0 to 9007199254740992"
RECIPES: list[tuple[Callable[[], Any], list[str]]] = [
    (lambda: gp.constant(None), [f"constant: value must be {VALUE}, got None"]),
    (
        lambda: gp.warmup_cosine(0, -1, floor="a", start="b"),
        [
            f"warmup_cosine: steps must be {LENGTH}, got 0",
            f"warmup_cosine: warmup must be {FROM_ZERO}, got -1",
            f"warmup_cosine: floor must be {VALUE}, got 'a'",
            f"warmup_cosine: start must be {VALUE}, got 'b'",
        ],
    ),
    (lambda: gp.warmup_cosine(10, 10), ["warmup_cosine: warmup must be shorter than the whole, 10 steps, got 10"]),
    (lambda: gp.warmup_cosine(10, True), [f"warmup_cosine: warmup must be {FROM_ZERO}, got True"]),
    (lambda: gp.warmup_linear(10.5), [f"warmup_linear: steps must be {LENGTH}, got 10.5"]),
    (lambda: gp.warmup_polynomial(10, 0), [f"warmup_polynomial: power must be {POSITIVE}, got 0"]),
    (lambda: gp.warmup_rex(10, warmup=2.5), [f"warmup_rex: warmup must be {FROM_ZERO}, got 2.5"]),
    (
        lambda: gp.warmup_hold_cosine(10, 5, 5),
        ["warmup_hold_cosine: hold must be such that warmup and hold end before step 10, got 5 (they end at 10)"],
    ),
    (lambda: gp.wsd(10, 5, 9), ["wsd: cooldown must be at most what the warmup leaves of 10 steps, 5, got 9"]),
    (
        lambda: gp.wsd(10, curve="cosin", cooldown=0),
        [
            f"wsd: cooldown must be {LENGTH}, got 0",
            (
                "wsd.curve (curve, column 1): must be a known curve (cosine, exponential, geometric, linear, one_minus_sqrt, polynomial, "
                "reverse, rex, sqrt), got 'cosin' (did you mean 'cosine'?)"
            ),
        ],
    ),
    (lambda: gp.trapezoid(10, 5, 6), ["wsd: cooldown must be at most what the warmup leaves of 10 steps, 5, got 6"]),
    (
        lambda: gp.knee(10, 5, 5),
        ["knee: explore must be such that warmup and exploration end before step 10, got 5 (they end at 10)"],
    ),
    (
        lambda: gp.one_cycle(10, 1.0),
        ["one_cycle: peak_fraction must be a number between 0 and 1, both excluded, got 1.0"],
    ),
    (
        lambda: gp.one_cycle(10, 0.5, three_phase=True),
        ["one_cycle: peak_fraction must be a number between 0 and 0.5, both excluded, got 0.5"],
    ),
    (
        lambda: gp.one_cycle(2, three_phase=True),
        ["one_cycle: steps must be an integer from 3 to 9007199254740992, got 2"],
    ),
    (
        lambda: gp.sgdr(0, -1, growth=0),
        [
            f"sgdr: cycle must be {LENGTH}, got 0",
            f"sgdr: warmup must be {FROM_ZERO}, got -1",
            f"sgdr: growth must be {POSITIVE}, got 0",
        ],
    ),
    (lambda: gp.sgdr(10, decay=2), ["repeat: decay must be at most 1, got 2.0"]),
    (
        lambda: gp.noam(0, 0, "x"),
        [
            f"noam: model_size must be {LENGTH}, got 0",
            f"noam: warmup must be {LENGTH}, got 0",
            f"noam: scale must be {VALUE}, got 'x'",
        ],
    ),
    (
        lambda: gp.warmup_inverse_sqrt(10, 5, 5),
        ["warmup_inverse_sqrt: cooldown must be such that warmup and cooldown leave a step of 10, got 5"],
    ),
    (
        lambda: gp.warmup_inverse_sqrt(10, timescale=0, warmup=1),
        [f"warmup_inverse_sqrt: timescale must be {LENGTH}, got 0"],
    ),
    (
        lambda: gp.triangular(0, low="x"),
        [f"triangular: up must be {LENGTH}, got 0", f"triangular: low must be {VALUE}, got 'x'"],
    ),
    (lambda: gp.triangular2(5, low="x"), [f"triangular2: low must be {VALUE}, got 'x'"]),
    (lambda: gp.exp_range(5, -1), [f"exp_range: rate must be {POSITIVE}, got -1"]),
    (
        lambda: gp.piecewise_constant([5, 3], [1, 2, 3]),
        ["piecewise_constant: boundaries must be strictly increasing, got [5, 3]"],
    ),
    (
        lambda: gp.piecewise_constant([5, 5], [1, 2, 3]),
        ["piecewise_constant: boundaries must be strictly increasing, got [5, 5]"],
    ),
    (
        lambda: gp.piecewise_constant([5], [1]),
        ["piecewise_constant: values must be one more than the boundaries, 2, got [1]"],
    ),
    (lambda: gp.piecewise_constant([-5], [1, 2]), [f"piecewise_constant: boundaries[0] must be {LENGTH}, got -5"]),
    (
        lambda: gp.piecewise_constant(5, [1]),
        ["piecewise_constant: boundaries must be a list of 0 to 100000 items, got 5"],
    ),
    (
        lambda: gp.with_warmup("hld()", -1),
        [
            "with_warmup.schedule (text, column 1): must be a known word, got 'hld()' (did you mean 'hold'?)",
            f"with_warmup: warmup must be {FROM_ZERO}, got -1",
        ],
    ),
    (
        lambda: gp.with_warmup(gp.Hold(), warmup=3, strt=2),
        ["with_warmup: strt must be one of its arguments (schedule, warmup, start), got 2 (did you mean 'start'?)"],
    ),
    (
        lambda: gp.warmup_cosine(),
        [
            "warmup_cosine: must be called as warmup_cosine(steps, warmup, floor, start), got a call with missing a required argument: 'steps'"
        ],
    ),
    (lambda: gp.warmup(-2), [f"warmup: steps must be {PHASE}, got -2"]),
]


@pytest.mark.parametrize(("make", "messages"), RECIPES, ids=lambda x: x[0][:50] if isinstance(x, list) else "")
def test_recipes_check_their_arguments(make: Callable[[], Any], messages: list[str]):
    assert refused(make) == messages


def test_every_recipe_is_in_the_list_above():
    named = {line.partition(":")[0].partition(".")[0] for _, lines in RECIPES for line in lines}

    assert set(gp.recipes.__all__) - named == {"trapezoid"}  # it is wsd


def test_a_recipe_without_a_warmup_adds_no_phase():
    assert gp.warmup_cosine(10) == gp.cosine(10)
    assert gp.sgdr(10) == gp.cosine(10).repeat()
    assert gp.with_warmup(ramp, 0) is ramp
    assert gp.wsd(10, 0, 10) == gp.linear(10)


# All at once, with paths ------------------------------------------------------------------------------------


def test_every_problem_of_a_constructor_is_listed():
    assert refused(lambda: gp.Ramp("a", math.nan, -1, "cosin", 5, strt=1, end=2))[:-1] == [
        "ramp: must be given at most 4 arguments (start, end, steps, curve), got 5",
        "ramp: strt must be one of its fields (start, end, steps, curve), got 1 (did you mean 'start'?)",
        "ramp: end must be given once, got it twice",
        f"ramp: start must be {VALUE}, got 'a'",
        f"ramp: end must be {VALUE}, got nan",
        f"ramp: steps must be {PHASE}, got -1",
    ]
    assert refused(lambda: gp.Ramp()) == [
        f"ramp: {name} must be given, got nothing" for name in ("start", "end", "steps")
    ]


def test_every_problem_of_a_tree_is_listed_with_its_path():
    tree = {
        "kind": "chain",
        "phases": [
            {"kind": "hold", "steps": -3},
            {"kind": "clip", "schedule": {"kind": "sum", "parts": [{"kind": "ramp", "start": 1}, {"kind": "rmap"}, 7]}},
            {
                "kind": "ramp",
                "start": 1,
                "end": 0,
                "steps": 5,
                "curve": {"kind": "reverse", "curve": {"kind": "polynomial", "power": -1}},
            },
            "linear(-1) + hold(x=1)",
        ],
    }
    lines = refused(lambda: gp.Schedule.from_dict(tree))

    kinds = ", ".join(sorted(gp.Schedule.registry))
    assert lines == [
        f"$.phases[0] (hold): steps must be {PHASE}, got -3",
        "$.phases[1].schedule.parts[0] (ramp): end must be given, got nothing",
        "$.phases[1].schedule.parts[0] (ramp): steps must be given, got nothing",
        f"$.phases[1].schedule.parts[1]: kind must be one of {kinds}, got 'rmap' (did you mean 'ramp'?)",
        "$.phases[1].schedule.parts[2] (schedule): must be a schedule, its text or its JSON data, got 7",
        f"$.phases[2].curve.curve (polynomial): power must be {POSITIVE}, got -1",
        f"$.phases[3] (text, column 1: linear): steps must be {PHASE}, got -1",
        "$.phases[3] (text, column 14): must be called as hold(steps, value), got 'hold(x=1)' (got an unexpected keyword argument 'x')",
    ]


def test_every_endless_phase_is_named():
    assert refused(lambda: gp.Chain([gp.Hold(), hold, gp.InverseSqrt(5), hold])) == [
        f"$.phases[{i}] ({kind}): duration must be finite for every phase but the last, got an endless phase (give it a length)"
        for i, kind in ((0, "hold"), (2, "inverse_sqrt"))
    ]


def test_every_problem_of_a_repeat_is_listed():
    assert refused(lambda: gp.Repeat(gp.Hold(), decay=2, growth=0.5)) == [
        "repeat: schedule must be of finite duration, got an endless one (give it a length)",
        "repeat: decay must be at most 1, got 2.0",
        "repeat: cycles must be given where the cycles shrink, got None",
    ]


def test_a_replacement_is_checked():
    assert refused(lambda: ramp.replace(steps=-5)) == [f"ramp: steps must be {PHASE}, got -5"]
    assert refused(lambda: ramp.replace(stepz=3)) == [
        "ramp: stepz must be one of its fields (start, end, steps, curve), got 3 (did you mean 'steps'?)"
    ]
    assert ramp.replace(steps=9) == gp.Ramp(1, 0, 9)


# Depth and size ---------------------------------------------------------------------------------------------


def nested(depth: int) -> gp.Schedule:
    made = ramp
    for _ in range(depth - 1):
        made = made.clip(low=0)
    return made


def test_64_deep_is_taken_and_65_is_not():
    deep = nested(64)

    assert gp.parse(str(deep)) == deep == gp.Schedule.from_json(deep.to_json())
    assert deep(3) == 0.4
    assert refused(lambda: deep.clip(low=0)) == ["clip: must be nested at most 64 deep, got depth 65"]
    text = "clip(" + str(deep) + ", low=0)"
    assert refused(lambda: gp.parse(text)) == ["text, column 1: clip: must be nested at most 64 deep, got depth 65"]
    data = {"kind": "clip", "low": 0, "schedule": deep.to_dict()}
    assert refused(lambda: gp.Schedule.from_dict(data)) == ["$ (clip): must be nested at most 64 deep, got depth 65"]
    for wrap in (
        lambda s: s.shift(1),
        lambda s: s.stretch(2),
        lambda s: s.until(3),
        lambda s: s.repeat(2),
        lambda s: s * 2,
        lambda s: s + 2,
        lambda s: s >> hold,
        lambda s: gp.minimum(s, hold),
        lambda s: gp.maximum(s, hold),
        gp.Rate,
        gp.Restarts,
    ):
        assert refused(lambda wrap=wrap: wrap(deep))[0].endswith("must be nested at most 64 deep, got depth 65")


def test_10_000_nodes_are_taken_and_10_001_are_not():
    assert gp.Sum([ramp] * 9999).parts == (ramp,) * 9999
    assert refused(lambda: gp.Sum([ramp] * 10_000)) == ["sum: must be made of at most 10000 nodes, got 10001 nodes"]
    assert refused(lambda: gp.Sum([ramp] * 10_001))[0].startswith(
        "sum: parts must be a list of 1 to 10000 schedules, got a list"
    )
    half = gp.Chain([hold] * 5000)
    assert refused(lambda: half.repeat(2) >> half.repeat(2)) == [
        "chain: must be made of at most 10000 nodes, got 10005 nodes"
    ]


def test_curves_are_nested_at_most_64_deep():
    made = curves.Linear()
    for _ in range(63):
        made = curves.Reverse(made)

    assert gp.Ramp(1, 0, 4, made)(1) == 0.75
    assert refused(lambda: curves.Reverse(made)) == ["reverse: must be nested at most 64 deep, got depth 65"]


# The error itself -------------------------------------------------------------------------------------------


def test_an_error_is_a_value_error_that_can_be_sent_to_another_process():
    with pytest.raises(gp.GlidepathError, match=r"^ramp: steps must be") as caught:
        gp.Ramp(1, 0, -7)
    again = pickle.loads(pickle.dumps(caught.value))

    assert isinstance(again, ValueError)
    assert again.problems == caught.value.problems == (gp.Problem("ramp", "steps", PHASE, "-7"),)
    assert str(again) == str(caught.value)


def test_a_message_lists_a_hundred_problems_and_the_error_has_all():
    with pytest.raises(gp.GlidepathError, match="must be") as caught:
        gp.Schedule.from_dict({"kind": "chain", "phases": [{"kind": "hold", "steps": -1}] * 250})
    lines = str(caught.value).split("\n")

    assert len(caught.value.problems) == 250
    assert len(lines) == 101
    assert lines[-1] == "… and 150 more problems"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**400, "an integer of 1329 bits"),
        ("a" * 100, repr("a" * 60) + "… (100 characters)"),
        (list(range(9)), "a list of 9 items"),
        ([1, 2], "[1, 2]"),
        (0.1, "0.1"),
        ([[[[[[[[[[[[1]]]]]]]]]]]], "[[[[[[[...]]]]]]]"),
        (True, "True"),
    ],
    ids=lambda x: str(x)[:20],
)
def test_values_are_shown_short(value: Any, text: str):
    assert shown(value) == text


def test_a_value_whose_repr_fails_is_shown_by_its_type():
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown(Odd()).startswith("<Odd instance at 0x")
    assert len(shown([Odd()] * 5)) < 300
