"""Random curves, leaves, trees and recipes: a strategy for everything that is registered, or a test fails.

`trees()` gives schedules of up to 20 nodes over every kind; `steps_of(schedule)` the steps where things may go wrong.
"""

import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

import glidepath as gp
from glidepath import curves as shapes
from glidepath.core.fields import MAX_STEPS
from glidepath.core.node import checks_of

# Numbers ----------------------------------------------------------------------------------------------------

short = st.integers(1, 12)
lengths = st.one_of(
    short, st.integers(1, 1000), st.integers(1, 10**7), st.sampled_from([2**31 - 1, 2**31 + 1, 10**10, 2**40])
)
values = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 0.1, 2.0]),
    st.floats(-10, 10, allow_subnormal=False),
    st.floats(1e-8, 1e-3),
)
positives = st.one_of(st.sampled_from([1.0, 0.1, 1e-8]), st.floats(1e-8, 10))
fractions = st.one_of(st.sampled_from([0.5, 0.1, 1.0]), st.floats(0.01, 1.0))
growths = st.sampled_from([2.0, 1.5, 1.1, 3.0, 4 / 3])
factors = st.one_of(st.sampled_from([2.0, 0.5, 0.1, 1 / 3, 1.5, 1e-3, math.pi]), st.floats(0.01, 100))
nothing = st.none()


# Curves ----------------------------------------------------------------------------------------------------

CURVES: dict[str, st.SearchStrategy[Any]] = {
    "linear": st.just(shapes.Linear()),
    "cosine": st.just(shapes.Cosine()),
    "polynomial": st.builds(
        shapes.Polynomial, st.one_of(st.sampled_from([0.5, 1.0, 2.0, 3.0, 1.5]), st.floats(0.1, 8))
    ),
    "sqrt": st.just(shapes.Sqrt()),
    "one_minus_sqrt": st.just(shapes.OneMinusSqrt()),
    "exponential": st.builds(shapes.Exponential, st.floats(1e-8, 0.9)),
    "geometric": st.just(shapes.Geometric()),
    "rex": st.just(shapes.Rex()),
}
plain_curves = st.one_of(*(strategy for kind, strategy in CURVES.items() if kind != "geometric"))
CURVES["reverse"] = st.builds(shapes.Reverse, st.one_of(plain_curves, st.builds(shapes.Reverse, plain_curves)))
curves = st.one_of(*CURVES.values())


# Leaves ----------------------------------------------------------------------------------------------------


@st.composite
def ramps(draw: Any, ends: Any = values, steps: Any = lengths) -> gp.Schedule:
    curve = draw(curves)
    if isinstance(curve, shapes.Geometric):
        ends = positives
    return gp.Ramp(draw(ends), draw(ends), draw(steps), curve)


@st.composite
def tables(draw: Any, ends: Any = values) -> gp.Schedule:
    gaps = draw(st.lists(lengths, max_size=5))
    steps = [sum(gaps[:i]) for i in range(len(gaps) + 1)]
    return gp.Table(
        steps,
        draw(st.lists(ends, min_size=len(steps), max_size=len(steps))),
        draw(st.sampled_from(["linear", "previous"])),
    )


@st.composite
def profiles(draw: Any, ends: Any = values) -> gp.Schedule:
    quarters = st.lists(st.integers(-20, 4 * 10**6), min_size=2, max_size=5, unique=True)
    positions = [x / 4 for x in draw(quarters.filter(lambda x: max(x) >= 0))]
    made = draw(st.lists(ends, min_size=len(positions), max_size=len(positions)))
    return gp.Profile(
        sorted(positions),
        made,
        draw(st.sampled_from([CURVES["linear"], CURVES["cosine"], CURVES["rex"]]).flatmap(lambda c: c)),
    )


EXPRESSIONS = (
    "{a} ** (step / 1000)",
    "{b} * min(1, (step + 1) / 100) if step < 300 else {b} / 3",
    "max({a}, 1 - step / 5000) * (1 + cos(step / 37)) / 2",
    "{b} / sqrt(1 + step)",
    "{a} ** (step // 30) if step % 2 == 0 else {b}",
)


@gp.register("wobble", replace=True)
def wobble(step: Any, xp: Any, *, period: float = 100.0, height: float = 1.0) -> Any:
    """An endless formula for the tests."""
    return height * (1.0 + 0.5 * xp.cos(6.283185307179586 * step / period))


@gp.register("sag", replace=True)
def sag(step: Any, xp: Any, *, steps: int, depth: float = 0.5) -> Any:
    """A formula with an end, for the tests."""
    return xp.phases(step, [1], [lambda step: 1.0, lambda step: 1.0 - depth * xp.tanh(step / steps)], step)


def _holds_schedules(cls: Any) -> bool:
    return "#/$defs/schedule" in str([check.json_schema for _, check in checks_of(cls)])


def of_fields(cls: Any, ends: Any, steps: Any) -> st.SearchStrategy[gp.Schedule]:
    """Return a strategy for a kind of which nothing is known but the types of its fields."""

    def of_type(schema: Any) -> st.SearchStrategy[Any]:
        if "anyOf" in schema:
            return st.one_of(*map(of_type, schema["anyOf"]))
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if schema.get("unit") == "steps" and schema["type"] == "integer":
            return steps
        if "$ref" in schema:
            return plain_curves
        least = schema.get("minimum", schema.get("exclusiveMinimum", -10))
        return {
            "null": lambda: nothing,
            "boolean": st.booleans,
            "integer": lambda: st.integers(least, least + 1000),
            "number": lambda: ends if least < 0 else positives,
            "array": lambda: st.lists(of_type(schema["items"]), min_size=1, max_size=5, unique=True).map(sorted),
        }[schema["type"]]()

    def made(given: dict[str, Any]) -> gp.Schedule | None:
        try:
            return cls(**given)
        except gp.GlidepathError:  # a rule between two fields
            return None

    fields = {field.name: of_type(check.json_schema) for field, check in checks_of(cls)}
    return st.fixed_dictionaries(fields).map(made).filter(lambda schedule: schedule is not None)  # type: ignore[return-value]


def leaves(ends: Any = values, steps: Any = lengths) -> dict[str, st.SearchStrategy[gp.Schedule]]:
    """Return a strategy for each kind that has no schedule inside, with values from `ends` and lengths from `steps`."""
    known = {
        "hold": st.builds(gp.Hold, st.one_of(nothing, steps), ends),
        "ramp": ramps(ends, steps),
        "exponential": st.builds(gp.Exponential, st.floats(0.01, 2.0), steps, ends, st.booleans()),
        "natural_exponential": st.builds(gp.NaturalExponential, st.floats(1e-6, 4), steps, ends, st.booleans()),
        "inverse_time": st.builds(gp.InverseTime, st.floats(1e-6, 100), steps, ends, st.booleans()),
        "inverse_sqrt": st.builds(gp.InverseSqrt, steps, ends),
        "step": st.builds(gp.Step, steps, st.floats(0.01, 2.0), ends),
        "multistep": st.builds(
            gp.MultiStep, st.sets(steps, min_size=1, max_size=5).map(sorted), st.floats(0.01, 2.0), ends
        ),
        "triangle": st.builds(gp.Triangle, steps, st.one_of(nothing, steps), ends, ends),
        "table": tables(ends),
        "profile": profiles(ends),
        "polynomial_cycle": st.builds(gp.PolynomialCycle, steps, ends, ends, st.sampled_from([1.0, 2.0, 0.5, 1.7])),
        "damped_cosine": st.builds(gp.DampedCosine, steps, st.floats(0, 5), fractions, fractions),
        "expression": st.builds(
            lambda form, a, b: gp.Expression(form.format(a=a, b=b)), st.sampled_from(EXPRESSIONS), fractions, positives
        ),
        "custom": st.one_of(
            st.builds(lambda period, height: wobble(period=period, height=height), st.floats(1, 1e6), ends),
            st.builds(lambda steps, depth: sag(steps=steps, depth=depth), steps, fractions),
        ),
    }
    others = [cls for cls in gp.Schedule.registry.values() if cls.kind not in known and cls.example]
    return known | {cls.kind: of_fields(cls, ends, steps) for cls in others if not _holds_schedules(cls)}


LEAVES = leaves()


# Trees ----------------------------------------------------------------------------------------------------


def bounded(schedule: gp.Schedule, steps: int) -> gp.Schedule:
    """Return the schedule, cut to `steps` if it is endless."""
    return schedule.until(steps) if schedule.duration == math.inf else schedule


def _chain(draw: Any, parts: list[gp.Schedule], ends: Any) -> gp.Schedule:
    return gp.Chain([*(bounded(part, draw(lengths)) for part in parts[:-1]), parts[-1]])


def _repeat(draw: Any, parts: list[gp.Schedule], ends: Any) -> gp.Schedule:
    inner = bounded(parts[0], draw(short))
    cycles, growth = draw(st.one_of(nothing, st.integers(1, 6))), draw(st.one_of(st.just(1.0), growths))
    if cycles is not None and draw(st.booleans()):
        growth = draw(st.sampled_from([1.0, 0.5, 0.9]))
    options = {"growth": growth, "decay": draw(fractions), "floor": draw(ends)}
    try:
        return gp.Repeat(inner, cycles, **options)
    except gp.GlidepathError as error:  # too long for its cycles, or too short to shrink: play it as it is
        if not {problem.field for problem in error.problems} <= {"cycles", "growth"}:
            raise
        return gp.Repeat(inner, 1)


def _shift(draw: Any, parts: list[gp.Schedule], ends: Any) -> gp.Schedule:
    schedule = parts[0]
    longest = min(schedule.duration - 1, 10**6)
    return gp.Shift(schedule, draw(st.one_of(st.integers(0, 20), st.integers(-longest, 10**7))))


def _restarts(draw: Any, parts: list[gp.Schedule], ends: Any) -> gp.Schedule:
    inner = bounded(parts[0], draw(short))
    return gp.Restarts(inner, draw(st.sampled_from([1.0, 2.0, 1.5, 3.0])), draw(fractions), draw(ends))


def _clip(draw: Any, parts: list[gp.Schedule], ends: Any) -> gp.Schedule:
    low, high = sorted([draw(ends), draw(ends)])
    return gp.Clip(parts[0], *draw(st.sampled_from([(low, high), (low, None), (None, high)])))


# How many parts a combinator takes, and how it is made of them.
COMBINATORS: dict[str, tuple[int, Any]] = {
    "chain": (4, _chain),
    "product": (3, lambda draw, parts, ends: gp.Product(parts, draw(ends))),
    "sum": (3, lambda draw, parts, ends: gp.Sum(parts, draw(ends))),
    "minimum": (3, lambda draw, parts, ends: gp.Minimum(parts)),
    "maximum": (3, lambda draw, parts, ends: gp.Maximum(parts)),
    "clip": (1, _clip),
    "stretch": (1, lambda draw, parts, ends: gp.Stretch(parts[0], draw(factors))),
    "shift": (1, _shift),
    "until": (1, lambda draw, parts, ends: gp.Until(parts[0], draw(lengths))),
    "repeat": (1, _repeat),
    "restarts": (1, _restarts),
    "rate": (1, lambda draw, parts, ends: gp.Rate(parts[0], "somewhere", draw(st.one_of(nothing, ends)))),
}
# Kinds that are not a formula of the step, with the place that tests them.
ELSEWHERE = {"recurrence": "tests/dialects"}
KINDS = set(LEAVES) | set(COMBINATORS) | set(ELSEWHERE)


@st.composite
def trees(
    draw: Any,
    nodes: int = 20,
    ends: Any = values,
    steps: Any = lengths,
    without: tuple[str, ...] = (),
    root: str | None = None,
) -> gp.Schedule:
    """Draw a schedule of at most about `nodes` nodes.

    Args:
        draw: Given by hypothesis.
        nodes: The most nodes; fewer make a smaller tree.
        ends: Where the values come from.
        steps: Where the lengths of the leaves come from.
        without: Kinds that are left out.
        root: The kind of the root; None is any.
    """
    simple = {kind: strategy for kind, strategy in leaves(ends, steps).items() if kind not in without}
    joined = [kind for kind in COMBINATORS if kind not in without]

    def grow(budget: int, kind: str | None = None) -> gp.Schedule:
        if budget <= 1 and kind is None:
            kind = draw(st.sampled_from(sorted(simple)))
        elif kind is None:
            kind = draw(st.sampled_from([*joined, "leaf"]))
            kind = draw(st.sampled_from(sorted(simple))) if kind == "leaf" else kind
        if kind in simple:
            return draw(simple[kind])
        most, make = COMBINATORS[kind]
        count = draw(st.sampled_from([2, 3, 4, 1][:most])) if most > 1 else 1
        return make(draw, [grow((budget - 1) // count) for _ in range(count)], ends)

    return grow(nodes, root)


def finite(schedules: Any, steps: Any = lengths) -> st.SearchStrategy[gp.Schedule]:
    """Return a strategy for the same schedules, the endless ones cut."""
    return st.builds(bounded, schedules, steps)


# Recipes ----------------------------------------------------------------------------------------------------


@st.composite
def parts_of_a_run(draw: Any, count: int, least: tuple[int, ...]) -> tuple[int, ...]:
    """Draw the whole length and the lengths of its first parts, with something left over."""
    parts = [draw(st.integers(low, 1000)) for low in least]
    assert len(parts) == count
    return (sum(parts) + draw(lengths), *parts)


starts = st.one_of(nothing, st.sampled_from([0.0, 0.1]))
floors = st.one_of(st.just(0.0), st.floats(1e-8, 0.9))


def _warmed(name: str, **more: Any) -> st.SearchStrategy[gp.Schedule]:
    recipe = getattr(gp, name)
    return parts_of_a_run(1, (0,)).flatmap(
        lambda run: st.builds(recipe, st.just(run[0]), warmup=st.just(run[1]), floor=floors, start=starts, **more)
    )


RECIPES: dict[str, st.SearchStrategy[gp.Schedule]] = {
    "constant": st.builds(gp.constant, values),
    "with_warmup": st.builds(gp.with_warmup, ramps(), st.integers(0, 1000), starts),
    "warmup_cosine": _warmed("warmup_cosine"),
    "warmup_linear": _warmed("warmup_linear"),
    "warmup_polynomial": _warmed("warmup_polynomial", power=st.floats(0.1, 8)),
    "warmup_rex": _warmed("warmup_rex"),
    "warmup_hold_cosine": parts_of_a_run(2, (0, 0)).map(lambda run: gp.warmup_hold_cosine(*run)),
    "wsd": parts_of_a_run(2, (0, 1)).flatmap(
        lambda run: st.builds(gp.wsd, *map(st.just, run), curve=plain_curves, floor=floors, start=starts)
    ),
    "trapezoid": parts_of_a_run(2, (0, 1)).map(lambda run: gp.trapezoid(*run)),
    "knee": parts_of_a_run(2, (0, 0)).map(lambda run: gp.knee(*run)),
    "one_cycle": st.builds(
        gp.one_cycle,
        st.integers(3, 10**6),
        st.floats(0.01, 0.49),
        st.floats(1e-3, 1),
        st.floats(1e-8, 1e-3),
        st.sampled_from(["cosine", "linear"]),
        st.booleans(),
    ),
    "sgdr": st.builds(
        gp.sgdr,
        lengths,
        st.integers(0, 1000),
        st.one_of(st.just(1.0), growths),
        fractions,
        st.one_of(nothing, st.integers(1, 5)),
        floors,
    ),
    "noam": st.builds(gp.noam, st.integers(1, 10**5), st.integers(1, 10**5), positives),
    "warmup_inverse_sqrt": parts_of_a_run(2, (0, 0)).flatmap(
        lambda run: st.builds(gp.warmup_inverse_sqrt, *map(st.just, run), st.one_of(nothing, lengths), floors, starts)
    ),
    "triangular": st.builds(gp.triangular, lengths, st.one_of(nothing, lengths), floors),
    "triangular2": st.builds(gp.triangular2, lengths, st.one_of(nothing, lengths), floors),
    "exp_range": st.builds(gp.exp_range, lengths, st.floats(0.9, 1.0), st.one_of(nothing, lengths), floors),
    "piecewise_constant": st.sets(lengths, max_size=5).flatmap(
        lambda marks: st.builds(
            gp.piecewise_constant,
            st.just(sorted(marks)),
            st.lists(values, min_size=len(marks) + 1, max_size=len(marks) + 1),
        )
    ),
}
recipes = st.one_of(*RECIPES.values())
schedules = st.one_of(trees(), recipes)
# Some products of growing schedules leave the range of floating point numbers; these do not.
bounded_schedules = schedules.filter(lambda schedule: all(abs(schedule(step)) < 1e250 for step in (10**12, math.inf)))


# Steps ----------------------------------------------------------------------------------------------------


def landmarks(schedule: gp.Schedule) -> Iterator[int]:
    """Yield the steps at which the formula changes, on the schedule's own clock, as far as they are easily told."""
    yield 0
    yield int(min(schedule.duration, MAX_STEPS))
    for name in ("steps", "period", "up"):
        value = getattr(schedule, name, None)
        if isinstance(value, int):
            yield value
    yield from getattr(schedule, "starts", ())[:5]
    yield from getattr(schedule, "milestones", ())[:5]
    if isinstance(schedule, gp.Repeat):
        yield from schedule.cycle_starts(5 * int(schedule.schedule.duration))[:6]
    begins = schedule.starts if isinstance(schedule, gp.Chain) else [0] * len(schedule.schedules())
    for begin, child in zip(begins, schedule.schedules(), strict=True):
        yield from (begin + mark for mark in list(landmarks(child))[:8])


def steps_of(schedule: gp.Schedule, whole: bool = True) -> st.SearchStrategy[list[Any]]:
    """Return a strategy for lists of steps: around the landmarks, before the start, past the end, and anywhere."""
    marks = sorted({mark + near for mark in landmarks(schedule) for near in (-1, 0, 1)})
    end = int(min(schedule.duration, 2**53))
    anywhere = st.one_of(
        st.sampled_from(marks), st.integers(-3, 50), st.integers(0, max(1, min(end, 10**6))), st.integers(0, end + 3)
    )
    if not whole:
        anywhere = st.one_of(anywhere, st.floats(-2.0, float(end) + 2), st.floats(0, 50), st.sampled_from([0.5, 1e-9]))
    return st.lists(anywhere, min_size=1, max_size=12)
