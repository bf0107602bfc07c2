"""What holds for every schedule, over random trees of every kind."""

import copy
import math
import os
import pickle
import random
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import glidepath as gp
import strategies as some
from glidepath import curves
from glidepath.core.fields import MAX_STEPS, simplest

EPS = 2.0**-52
HUGE = [-math.inf, math.inf, 10**30, -(10**30), 1e300, 2**53, 2**53 + 1, 10**12, 2.0**60]
WORDS = dict(gp.vocabulary())


def bits(value: float) -> bytes:
    return np.float64(value).tobytes()


def ulps(x: float, y: float) -> float:
    return 0.0 if x == y else abs(x - y) / float(np.spacing(min(abs(x), abs(y))))


def absolute(schedule: gp.Schedule) -> gp.Schedule:
    """Return a schedule that is at least as large as every term inside the given one, at every step."""
    match schedule:
        case gp.Hold():
            return gp.Hold(schedule.steps, abs(schedule.value))
        case gp.Ramp(start=a, end=b):
            same = a * b >= 0
            return gp.Ramp(abs(a), abs(b), schedule.steps, schedule.curve) if same else _flat(schedule, a, b)
        case gp.Triangle(low=a, high=b):
            return schedule.replace(low=abs(a), high=abs(b)) if a * b >= 0 else _flat(schedule, a, b)
        case gp.Table() | gp.Profile():
            return _flat(schedule, *schedule.values)
        case gp.PolynomialCycle(start=a, end=b):
            return _flat(schedule, a, b)
        case gp.DampedCosine():
            return gp.Hold(schedule.steps, 2.0)
        case gp.Expression():
            return _flat(schedule, 100.0)
        case gp.Custom():
            return _flat(schedule, 2 * max(map(abs, dict(schedule.arguments).values())))
        case gp.Sum():
            return gp.Sum([absolute(part) for part in schedule.parts], abs(schedule.offset))
        case gp.Product():
            return gp.Product([absolute(part) for part in schedule.parts], abs(schedule.scale))
        case gp.Minimum() | gp.Maximum():
            return gp.Sum([absolute(part) for part in schedule.parts])
        case gp.Chain():
            return gp.Chain([absolute(phase) for phase in schedule.phases])
        case gp.Repeat() | gp.Restarts():
            inside = schedule.replace(schedule=absolute(schedule.schedule) + 2 * abs(schedule.floor), floor=0.0)
            return 2 * abs(schedule.floor) + inside
        case gp.Clip() | gp.Rate():
            return absolute(schedule.schedule)
        case gp.Shift() | gp.Until() | gp.Stretch():
            return schedule.replace(schedule=absolute(schedule.schedule))
    return schedule.replace(start=abs(schedule.start))


def _flat(schedule: gp.Schedule, *values: float) -> gp.Schedule:
    duration = schedule.duration
    return gp.Hold(None if duration == math.inf else duration, max(map(abs, values)))


def resolution(schedule: gp.Schedule) -> int:
    """Return how many times finer than steps the clocks inside are: beyond 2^53 / resolution arrays are no longer exact."""
    inside = max(map(resolution, schedule.schedules()), default=1)
    match schedule:
        case gp.Stretch():
            fraction = simplest(schedule.factor)
            return inside * fraction.denominator * max(1, math.ceil(1 / fraction))
        case gp.Repeat() if schedule.growth != 1.0:
            return inside * (int(schedule.schedule.duration) if simplest(schedule.growth).denominator > 1 else 1) * 8
        case gp.Restarts():
            return 2**60 if schedule.growth != 1.0 else inside
        case gp.Exponential() | gp.NaturalExponential():
            return inside * 64
        case gp.PolynomialCycle():
            return inside * 2  # the end of the cycle that a step lies in is exact, too
    return inside


# Numbers, arrays and the compiled source --------------------------------------------------------------------


@given(st.data())
@settings(max_examples=300)
def test_the_compiled_source_is_bit_equal_to_the_formula(data: st.DataObject):
    schedule = data.draw(some.schedules)
    for step in [*data.draw(some.steps_of(schedule, whole=False)), *HUGE]:
        value = schedule.interpreted(step)

        assert math.isfinite(value) or absolute(schedule)(math.inf) > 1e300
        assert type(value) is type(schedule.scalar(step)) is type(schedule(step)) is float
        assert bits(value) == bits(schedule.scalar(step)) == bits(schedule(step)), f"{schedule} at {step}"


def test_what_outgrows_the_floating_point_numbers_is_infinite():
    growing = gp.Step(5, 2.0)
    beyond, lost = growing * growing * growing, growing * growing - growing * growing

    for schedule, end in ((beyond, math.inf), (-1 * beyond, -math.inf), (lost, math.nan)):
        scope: dict[str, Any] = {}
        exec(schedule.source("alone"), scope)
        assert bits(schedule(10**9)) == bits(scope["alone"](10**9))
        assert schedule(10**9) == end or (math.isnan(schedule(10**9)) and math.isnan(end))
        assert math.isfinite(schedule(100))


@given(st.data())
@settings(max_examples=300)
def test_an_array_has_the_values_of_its_steps(data: st.DataObject):
    schedule = data.draw(some.bounded_schedules)
    finest = 2**53 // resolution(schedule)
    steps = [t for t in data.draw(some.steps_of(schedule)) if t <= finest] or [0]
    made, most = schedule(np.array(steps, dtype=float)), absolute(schedule)

    assert made.dtype == np.float64
    assert made.shape == (len(steps),)
    for step, value in zip(steps, made.tolist(), strict=True):
        bound = 2 * (1 + schedule._size) * EPS * most(step)
        assert abs(value - schedule(step)) <= bound, f"{schedule} at {step}: {value!r}, not {schedule(step)!r}"


@given(st.data(), st.one_of(*some.leaves(some.positives).values(), some.recipes))
@settings(max_examples=200)
def test_an_array_of_a_positive_leaf_or_a_recipe_is_within_2_ulp(data: st.DataObject, schedule: gp.Schedule):
    assume(not isinstance(schedule, gp.Expression | gp.DampedCosine | gp.Custom))  # they can cancel on their own
    steps = [t for t in data.draw(some.steps_of(schedule)) if t <= 2**53 // resolution(schedule)] or [0]
    for step, value in zip(steps, schedule(np.array(steps, dtype=float)).tolist(), strict=True):
        if abs(value) > 1e-290 and not isinstance(schedule, gp.Sum | gp.Repeat):
            assert ulps(value, schedule(step)) <= 2, f"{schedule} at {step}: {value!r}, not {schedule(step)!r}"


@given(st.data())
@settings(max_examples=120)
def test_a_tensor_has_the_values_of_an_array(data: st.DataObject):
    import torch

    schedule = data.draw(some.bounded_schedules)
    steps = [t for t in data.draw(some.steps_of(schedule)) if t <= 2**53 // resolution(schedule)] or [0]
    made, most = schedule(torch.tensor(steps, dtype=torch.float64)), absolute(schedule)

    assert made.dtype == torch.float64
    for step, value in zip(steps, made.tolist(), strict=True):
        bound = 2 * (1 + schedule._size) * EPS * most(step)
        assert abs(value - schedule(step)) <= bound, f"{schedule} at {step}: {value!r}, not {schedule(step)!r}"


@given(st.data())
@settings(max_examples=25)
def test_jax_under_jit_has_the_same_values_in_float32(data: st.DataObject):
    import jax

    schedule = data.draw(some.trees(nodes=8))
    finest = min(2**31 - 1, 2**53 // resolution(schedule))
    steps = [t for t in data.draw(some.steps_of(schedule)) if t <= finest] or [0]
    made, most = jax.jit(schedule)(np.array(steps, dtype=np.int32)), absolute(schedule)

    assert made.dtype == np.float32
    for step, value in zip(steps, np.asarray(made, float).tolist(), strict=True):
        exact = schedule(step)
        if abs(exact) < 1e38:
            bound = (
                0.51 * float(np.spacing(np.float32(abs(exact)))) + 2 * (1 + schedule._size) * EPS * most(step) + 1e-38
            )
            assert abs(value - exact) <= bound, f"{schedule} at {step}: {value!r}, not {exact!r}"


def test_jax_steps_are_exact_to_the_last_int32():
    import jax

    schedule = gp.Hold(2**31 - 2) >> gp.Hold(1, 0.5) >> gp.Ramp(1, 0, 10)
    edges = np.array([0, 2**24 + 1, 2**31 - 3, 2**31 - 2, 2**31 - 1], dtype=np.int32)

    assert jax.jit(schedule)(edges).tolist() == [1.0, 1.0, 1.0, 0.5, 1.0]
    long = gp.linear(2**31 - 1)
    assert float(jax.jit(long)(np.int32(2**31 - 2))) == np.float32(1 / (2**31 - 1))


def test_jax_gives_its_own_default_type_and_leaves_it_alone():
    import jax
    import jax.numpy as jnp

    schedule = gp.warmup_cosine(1000, warmup=10)
    for step in (jnp.int32(3), jnp.int16(3), jnp.uint8(3), jnp.float32(3), jnp.bfloat16(3)):
        assert schedule(step).dtype == jnp.float32
        assert jnp.asarray(1.0).dtype == jnp.float32
    inside = jax.jit(lambda t: jax.lax.scan(lambda c, t: (c + schedule(t), c), jnp.float32(0), t))(jnp.arange(4))
    assert inside[0].dtype == jnp.float32
    assert float(inside[0]) == pytest.approx(sum(schedule(t) for t in range(4)), rel=1e-6)
    assert jax.vmap(schedule)(jnp.arange(3)).shape == (3,)
    with jax.enable_x64(True):
        assert schedule(jnp.asarray(3)).dtype == jnp.float64
        assert float(schedule(jnp.asarray(3))) == schedule(3)


@given(some.schedules)
@settings(max_examples=60)
def test_nan_in_an_array_gives_nan(schedule: gp.Schedule):
    import torch

    steps = np.array([0.0, math.nan, 3.0, math.nan])

    for made in (schedule(steps), schedule(torch.tensor(steps)).numpy()):
        assert np.isnan(made).tolist() == [False, True, False, True]
    assert schedule(steps)[2] == schedule(steps[:3:2])[1]


def test_a_clock_finer_than_an_int64_serves_tensors_too():
    """Seven stretches by π make ticks of 2^-350 of a step; PyTorch takes no integer beyond 2^63."""
    import torch

    schedule: gp.Schedule = gp.Repeat(gp.Ramp(1.0, 0.0, 3), growth=2.0)
    for _ in range(7):
        schedule = schedule.stretch(math.pi)

    assert schedule(torch.tensor([1000.0], dtype=torch.float64)).item() == pytest.approx(schedule(1000), rel=1e-12)


def test_nan_in_a_jax_array_gives_nan():
    import jax

    for schedule in (gp.constant(), gp.cosine(10), gp.sgdr(10, growth=1.5), gp.Table([0, 5], [1, 2])):
        made = jax.jit(schedule)(np.array([0.0, math.nan, 3.0], dtype=np.float32))
        assert np.isnan(made).tolist() == [False, True, False]


@pytest.mark.parametrize("nan", [math.nan, np.float64("nan"), np.float32("nan")])
@pytest.mark.parametrize("schedule", [gp.constant(), gp.cosine(10), gp.Hold(3) >> gp.Hold()], ids=str)
def test_a_nan_step_is_refused(schedule: gp.Schedule, nan: Any):
    with pytest.raises(
        gp.GlidepathError, match=r"^\w+: step must be a number or an array of numbers, and not NaN, got "
    ):
        schedule(nan)


@pytest.mark.parametrize(
    "step",
    [True, False, "3", 1j, np.bool_(True), np.datetime64(3, "s"), {}, object()],
    ids=lambda s: repr(s)[:20],
)
def test_what_is_not_a_number_is_no_step(step: Any):
    with pytest.raises(
        gp.GlidepathError, match=r"^ramp: step must be a number or an array of numbers, and not NaN, got "
    ):
        gp.cosine(10)(step)


@pytest.mark.parametrize("given_as", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("dtype", ["bool", "complex64"])
def test_arrays_of_other_things_are_no_steps(given_as: str, dtype: str):
    import jax.numpy as jnp
    import torch

    make = {
        "numpy": lambda: np.zeros(2, dtype),
        "torch": lambda: torch.zeros(2, dtype=getattr(torch, dtype)),
        "jax": lambda: jnp.zeros(2, dtype),
    }[given_as]
    with pytest.raises(
        gp.GlidepathError, match=r"^ramp: step must be a number or an? \w+ of numbers, got .*(bool|complex64)"
    ):
        gp.cosine(10)(make())


def test_every_shape_and_type_of_step_is_served():
    schedule = gp.linear(4)

    assert schedule([0, 1, 2]).tolist() == [1.0, 0.75, 0.5]
    assert schedule(range(3)).tolist() == [1.0, 0.75, 0.5]
    assert schedule([[0, 1], [2, 3]]).tolist() == [[1.0, 0.75], [0.5, 0.25]]
    assert schedule([]).shape == (0,)
    assert schedule(np.empty((0, 3))).shape == (0, 3)
    assert schedule(np.array(1)).shape == ()
    assert schedule(np.arange(4, dtype=np.uint8)).tolist() == [1.0, 0.75, 0.5, 0.25]
    assert schedule(np.arange(8)[::2].reshape(2, 2).T).tolist() == [[1.0, 0.0], [0.5, 0.0]]
    assert schedule(np.float32(1)) == schedule(np.int64(1)) == schedule(Fraction(1)) == 0.75
    assert type(schedule(np.float32(1))) is float


def test_long_arrays_are_the_same_in_pieces():
    schedule = gp.warmup_cosine(100_000, warmup=33_333) * gp.Step(1000, 0.99)
    steps = np.arange(-5, 100_010)
    whole = schedule(steps)

    assert whole.tolist() == np.concatenate([schedule(piece) for piece in np.array_split(steps, 7)]).tolist()
    shuffled = np.random.default_rng(0).permutation(len(steps))
    assert schedule(steps[shuffled]).tolist() == whole[shuffled].tolist()


# A schedule is a value --------------------------------------------------------------------------------------


@given(some.schedules)
@settings(max_examples=250)
def test_every_round_trip_gives_an_equal_schedule(schedule: gp.Schedule):
    text = str(schedule)

    assert repr(schedule) == text
    assert "\n" not in text
    for again in (
        gp.parse(text),
        eval(text, dict(WORDS)),
        gp.Schedule.from_json(schedule.to_json()),
        gp.Schedule.from_json(schedule.to_json(indent=2).encode()),
        gp.Schedule.from_dict(schedule.to_dict()),
        pickle.loads(pickle.dumps(schedule)),
        copy.copy(schedule),
        copy.deepcopy(schedule),
        schedule.replace(),
    ):
        assert again == schedule
        assert hash(again) == hash(schedule)
        assert again.fingerprint == schedule.fingerprint
        assert str(again) == text
        assert again.duration == schedule.duration


@given(some.schedules, some.schedules)
@settings(max_examples=100)
def test_equal_means_equal_fingerprints(one: gp.Schedule, other: gp.Schedule):
    assert (one == other) == (one.fingerprint == other.fingerprint) == (str(one) == str(other))
    assert one != str(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (gp.Ramp(1, 0, 10), gp.Ramp(1.0, 0.0, 10.0)),
        (gp.Ramp(1, 0.0, 10), gp.Ramp(1, -0.0, 10)),
        (gp.Hold(value=-0.0), gp.Hold(value=0)),
        (gp.Ramp(np.float32(1), np.int64(0), np.int32(10)), gp.Ramp(1.0, 0.0, 10)),
        (gp.Table([0, 5], [-0.0, 1]), gp.Table((0.0, 5.0), (0, 1.0))),
        (gp.MultiStep(np.array([1, 2])), gp.MultiStep([1.0, 2])),
        (-0.0 + gp.Ramp(0, 1, 3), gp.Sum([gp.Ramp(0, 1, 3)], 0)),
        (gp.Ramp(0, 1, 3) * -0.0, gp.Product([gp.Ramp(0, 1, 3)], 0)),
        (gp.Ramp(1, 0, 10, "cosine"), gp.Ramp(1, 0, 10, curves.Cosine())),
        (gp.Ramp(1, 0, 10, "polynomial(3)"), gp.Ramp(1, 0, 10, {"kind": "polynomial", "power": 3})),
        (some.wobble(period=100), some.wobble(period=100.0, height=1)),
    ],
    ids=str,
)
def test_numbers_are_normalised(one: gp.Schedule, other: gp.Schedule):
    assert one == other
    assert hash(one) == hash(other)
    assert one.fingerprint == other.fingerprint
    assert one.to_json() == other.to_json()
    assert str(one) == str(other)
    assert "-0.0" not in one.to_json()


def test_a_change_of_any_field_changes_the_fingerprint():
    base = gp.Ramp(1, 0.5, 10)
    others = [base.replace(start=2), base.replace(end=0), base.replace(steps=11), base.replace(curve="cosine")]

    assert len({other.fingerprint for other in [base, *others, base >> gp.Hold(), gp.Hold() + base]}) == 7


FINGERPRINTS = """
import glidepath as gp
s = gp.parse("0.5 * (warmup(5) >> repeat(ramp(1, 0.1, 9, curve='polynomial(3)'), cycles=3, decay=0.5)) + table([0, 4], [1, 2])")
print(s.fingerprint, gp.warmup_cosine(10_000, 500, 0.1).fingerprint, sep="\\n")
"""


def test_fingerprints_are_the_same_in_every_process():
    found = set()
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)

    assert len(found) == 1
    assert found.pop().split() == [
        "e5f66ad51c49ee6b319b4503e011a87006223bec4eb88b62af39e109e8ca4eff",
        "c8f443b9404336f3030c0029b1db20f40256a3e934261b75f1247db015812101",
    ]


@given(some.schedules)
@settings(max_examples=50)
def test_a_schedule_cannot_be_changed(schedule: gp.Schedule):
    name = schedule.field_names()[0]
    before = str(schedule)

    for change in (
        lambda: setattr(schedule, name, None),
        lambda: setattr(schedule, "new", 1),
        lambda: delattr(schedule, name),
    ):
        with pytest.raises(AttributeError, match=r"^cannot (assign to|delete) field"):
            change()
    assert str(schedule) == before


def test_a_schedule_does_not_keep_the_lists_it_was_given():
    steps, values = [0, 10], [1.0, 0.5]
    schedule = gp.Table(steps, values)
    steps.append(20)
    values[0] = 9.0

    assert schedule == gp.Table([0, 10], [1.0, 0.5])


# Time -------------------------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=200)
def test_the_first_value_is_held_before_and_the_last_after(data: st.DataObject):
    schedule, n = data.draw(some.bounded_schedules), data.draw(st.one_of(some.lengths, st.floats(1e-9, 1e9)))

    assert schedule(-n) == schedule(-math.inf) == schedule(0) == schedule(np.array([-float(n)]))[0]
    duration = schedule.duration
    if duration < math.inf:
        assert isinstance(duration, int)
        assert schedule(duration + n) == schedule(math.inf) == schedule(10**30) == schedule(duration)
    else:
        assert schedule(math.inf) == schedule(MAX_STEPS) == schedule(MAX_STEPS + n)


@given(some.ramps(), st.sampled_from(["python", "numpy", "torch"]))
@settings(max_examples=400)
def test_a_ramp_hits_both_ends(ramp: gp.Schedule, library: str):
    import torch

    at = {
        "python": ramp,
        "numpy": lambda t: ramp(np.array([t], float))[0],
        "torch": lambda t: float(ramp(torch.tensor(t, dtype=torch.float64))),
    }[library]

    assert at(0) == ramp.start
    assert at(ramp.steps) == ramp.end
    low, high = sorted([ramp.start, ramp.end])
    for step in (1, ramp.steps // 3, ramp.steps // 2, ramp.steps - 1):
        assert low - 4 * EPS * abs(low) <= at(step) <= high + 4 * EPS * abs(high)


@pytest.mark.parametrize("curve", ["linear", "cosine", "polynomial(1.7)", "exponential", "rex", "one_minus_sqrt"])
def test_both_ends_are_hit_for_many_pairs(curve: str):
    draw = random.Random(curve)
    for _ in range(1200):  # a sum misses the other end in one of a hundred of these pairs
        start, end = (draw.choice([-1, 1, 1]) * 10 ** draw.uniform(-9, 1) for _ in range(2))
        made = gp.Ramp(start, end, draw.randrange(1, 1000), curve)

        assert (made.interpreted(0), made.interpreted(made.steps)) == (start, end)
        assert made(np.array([0, made.steps])).tolist() == [start, end]


@pytest.mark.parametrize("curve", [c for c in curves.Curve.registry if c not in ("reverse", "geometric")])
def test_a_curve_rises_monotonically(curve: str):
    for shape in (curve, f"reverse({curve})", f"reverse(reverse({curve}))"):
        values = gp.Ramp(0, 1, 1000, shape)(np.arange(1001))

        assert (np.diff(values) > 0).all(), shape
        assert np.allclose(values, 1 - gp.Ramp(0, 1, 1000, f"reverse({shape})")(1000 - np.arange(1001)), atol=1e-15)


# Chains -----------------------------------------------------------------------------------------------------

phases = some.finite(some.trees(nodes=4))


@given(phases, phases, some.trees(nodes=4), st.data())
@settings(max_examples=150)
def test_a_phase_runs_on_its_own_clock(a: gp.Schedule, b: gp.Schedule, c: gp.Schedule, data: st.DataObject):
    assume(a.duration + b.duration + min(c.duration, MAX_STEPS) <= MAX_STEPS or c.duration == math.inf)
    chain = a >> b >> c

    assert chain.duration == a.duration + b.duration + c.duration
    assert chain.starts[-1] == sum(phase.duration for phase in chain.phases[:-1])
    for begin, phase in ((0, a), (a.duration, b), (a.duration + b.duration, c)):
        for step in {0, 1, *data.draw(some.steps_of(phase))}:
            if 0 <= step < phase.duration and begin + step <= MAX_STEPS:
                assert chain(begin + step) == phase(step), f"{chain} at {begin} + {step}"


@given(phases, phases, some.trees(nodes=4))
@settings(max_examples=60)
def test_chains_sums_and_products_are_associative_and_flat(a: gp.Schedule, b: gp.Schedule, c: gp.Schedule):
    assume(sum(min(s.duration, 2**52) for s in (a, b, c)) <= MAX_STEPS)

    assert (a >> b) >> c == a >> (b >> c) == gp.chain(a, b, c) == gp.chain(a, gp.chain(b, c))
    assert not any(isinstance(phase, gp.Chain) for phase in (a >> b >> c).phases)
    assert gp.Sum([a, b, c]) == gp.Sum([gp.Sum([a, b]), c]) == gp.Sum([a, gp.Sum([b, c])])
    assert gp.Product([a, b, c]) == gp.Product([gp.Product([a, b]), c]) == gp.Product([a, gp.Product([b, c])])
    assert not any(isinstance(part, gp.Sum) for part in (a + b + c + 2).parts)
    assert not any(isinstance(part, gp.Product) for part in (a * b * c * 2).parts)


@pytest.mark.parametrize("end", [math.inf, 5])
def test_the_end_of_a_chain_is_the_end_of_its_last_phase(end: float):
    tail = gp.Hold(5, 0.25) if end == 5 else gp.Hold(None, 0.25)
    chain = gp.Hold(3) >> gp.Ramp(1, 0.5, 2) >> tail

    assert [chain(t) for t in (2, 3, 4, 5, 9, 10, 10**15)] == [1.0, 1.0, 0.75, 0.25, 0.25, 0.25, 0.25]


def test_a_chain_ends_on_the_full_length_of_its_last_phase():
    assert (gp.Hold(3) >> gp.Ramp(1, 0, 2))(5) == 0.0
    assert (gp.Hold(3) >> gp.Step(2, 0.5).until(4))(7) == (gp.Hold(3) >> gp.Step(2, 0.5).until(4))(8) == 0.25


# The other combinators --------------------------------------------------------------------------------------

parts = some.trees(nodes=5)


@given(parts, parts, some.values, st.data())
@settings(max_examples=150)
def test_operators_work_on_the_values(a: gp.Schedule, b: gp.Schedule, x: float, data: st.DataObject):
    low, high, total, product = gp.minimum(a, b), gp.maximum(a, b), gp.Sum([a, b], x), gp.Product([a, b], x)
    minus, times_one, alone = -a, gp.Product([a]), gp.Sum([a])
    most = absolute(a) + absolute(b)
    assert low.duration == high.duration == total.duration == product.duration == max(a.duration, b.duration)
    for t in [*data.draw(some.steps_of(a)), *data.draw(some.steps_of(b))]:
        f, g = a(t), b(t)

        assert low(t) == min(f, g)
        assert high(t) == max(f, g)
        if math.isinf(most(t)):
            continue  # beyond all floats: nothing is claimed of the sum
        assert abs(total(t) - (x + f + g)) <= 4 * EPS * (abs(x) + most(t))
        assert product(t) == pytest.approx(x * f * g, rel=8 * EPS, abs=1e-290)
        assert minus(t) == -f
        assert times_one(t) == alone(t) == f


@given(parts, st.data())
@settings(max_examples=80)
def test_arithmetic_with_numbers(a: gp.Schedule, data: st.DataObject):
    assert a - 1 == a + -1
    assert 1 - a == -a + 1
    assert 2 * a == a * 2
    assert a / 4 == a * 0.25
    assert 1 + a == a + 1
    assert sum([a, a], start=a) == gp.Sum([a, a, a])


@given(parts, some.values, some.values, st.data())
@settings(max_examples=80)
def test_clip_holds_between_its_bounds(a: gp.Schedule, x: float, y: float, data: st.DataObject):
    low, high = sorted([x, y])
    both, below, above = a.clip(low, high), a.clip(low), a.clip(high=high)
    assert both.duration == below.duration == above.duration == a.duration
    for t in data.draw(some.steps_of(a)):
        assert both(t) == min(max(a(t), low), high)
        assert below(t) == max(a(t), low)
        assert above(t) == min(a(t), high)


@given(parts, some.factors, st.data())
@settings(max_examples=120)
def test_stretch_is_the_schedule_at_slower_steps(a: gp.Schedule, factor: float, data: st.DataObject):
    ratio = simplest(factor)
    assume(a.duration == math.inf or a.duration * ratio <= MAX_STEPS)
    stretched = a.stretch(factor)

    if a.duration < math.inf:
        assert stretched.duration == math.ceil(a.duration * ratio)
        assert stretched(math.inf) == a(math.inf) or not _whole(a)
    for step in data.draw(some.steps_of(a)):
        if step >= 0 and step * max(ratio.numerator, ratio.denominator) <= MAX_STEPS:  # both are exact steps
            # at ratio.numerator times the step the inner step is whole
            assert stretched(step * ratio.numerator) == a(step * ratio.denominator) or not _whole(a)


def _whole(schedule: gp.Schedule) -> bool:
    """Tell whether the values at whole steps do not depend on how fine the clock is: a split exponential does, by an ulp."""
    fine = (
        gp.Exponential
        | gp.NaturalExponential
        | gp.Stretch
        | gp.Custom
        | gp.Expression
        | gp.Profile
        | gp.Restarts
        | gp.Repeat
    )
    exponential = isinstance(getattr(schedule, "curve", None), curves.Exponential | curves.Geometric | curves.Reverse)
    return not isinstance(schedule, fine) and not exponential and all(map(_whole, schedule.schedules()))


@given(some.trees(nodes=5), st.integers(0, 50), st.data())
@settings(max_examples=80)
def test_shift_begins_later_or_in_the_middle(a: gp.Schedule, n: int, data: st.DataObject):
    later = a.shift(n)
    assert later.duration == a.duration + n
    for t in [t for t in data.draw(some.steps_of(a)) if 0 <= t < MAX_STEPS - n]:
        assert later(t + n) == a(t)
        assert later(t % (n + 1)) == a(0)
    if n < a.duration:
        middle = a.shift(-n)
        assert middle.duration == a.duration - n
        for t in [t for t in data.draw(some.steps_of(a)) if t >= 0]:
            assert middle(t) == a(t + n) or t + n > MAX_STEPS


@given(parts, some.lengths, st.data())
@settings(max_examples=80)
def test_until_is_the_schedule_up_to_a_step(a: gp.Schedule, n: int, data: st.DataObject):
    cut = a.until(n)

    assert cut.duration == n
    for t in data.draw(some.steps_of(a)):
        assert cut(t) == a(min(t, n))


# Repeats ----------------------------------------------------------------------------------------------------


@given(some.finite(some.trees(nodes=4), some.short), st.integers(0, 1000), st.data())
@settings(max_examples=100)
def test_repeat_is_periodic(a: gp.Schedule, k: int, data: st.DataObject):
    n = a.duration
    assume(n * (k + 1) <= 2**52)
    forever, limited = a.repeat(), a.repeat(k + 1)
    for t in [t % n for t in data.draw(some.steps_of(a))]:
        assert forever(k * n + t) == limited(k * n + t) == a(t)


@given(some.finite(some.trees(nodes=4), some.short), st.integers(1, 6))
@settings(max_examples=100)
def test_a_limited_repeat_ends_on_its_end(a: gp.Schedule, cycles: int):
    assume(a.duration * cycles <= MAX_STEPS)
    limited = a.repeat(cycles)

    assert limited.duration == cycles * a.duration
    assert limited(limited.duration) == limited(math.inf) == a(a.duration)
    assert limited(np.array([limited.duration, math.inf])).tolist() == [a(np.array([a.duration]))[0]] * 2


@pytest.mark.parametrize("growth", [2.0, 3.0, 1.5, 1.1, 4 / 3, 1.000_001])
@pytest.mark.parametrize("length", [1, 2, 7, 100, 12_345])
def test_growing_cycles_begin_exactly_at_whole_steps(growth: float, length: int):
    ratio, begin = simplest(growth), 0
    cycles = 12
    schedule = gp.Repeat(gp.Ramp(1, 0, length), cycles, growth)
    starts = []
    for k in range(cycles):
        own = math.floor(length * ratio**k)
        starts.append(begin)
        assert schedule(begin) == 1.0 == schedule(np.array([begin]))[0]
        before, last = schedule(begin - 1), begin + own - 1
        assert before == (1.0 if k == 0 else pytest.approx(1 / starts_gap(starts), rel=1e-12))
        assert schedule(last) == pytest.approx(1 / own, rel=1e-12)
        begin += own
    assert schedule.duration == begin
    assert schedule(begin) == 0.0
    assert tuple(schedule.cycle_starts(begin)) == tuple(starts)


def starts_gap(starts: list[int]) -> int:
    return starts[-1] - starts[-2]


def test_an_endless_growing_repeat_is_found_by_integers_to_the_last_step():
    schedule = gp.Repeat(gp.Ramp(1, 0, 10), growth=2)
    for k in (0, 1, 20, 40, 49):
        begin = 10 * (2**k - 1)
        assert schedule(begin) == 1.0
        assert schedule(begin - 1) == (1.0 if k == 0 else pytest.approx(2 / (10 * 2**k), rel=1e-12))


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_decay_lowers_each_cycle(floor: float):
    schedule = gp.sgdr(4, decay=0.5, floor=floor)

    assert [schedule(4 * k) for k in range(4)] == pytest.approx(
        [floor + (1 - floor) * 0.5**k for k in range(4)], rel=1e-15
    )
    limited = gp.sgdr(4, decay=0.5, cycles=3, floor=floor)
    assert limited(12) == limited(math.inf) == floor


# Wrapping changes nothing -----------------------------------------------------------------------------------


@given(parts, st.data())
@settings(max_examples=120)
def test_wrapping_changes_nothing(a: gp.Schedule, data: st.DataObject):
    assume(absolute(a)(math.inf) < 1e90)  # what has grown further is no value that could be given
    wrapped = [
        gp.chain(a),
        gp.minimum(a),
        gp.maximum(a),
        gp.Sum([a]),
        gp.Product([a]),
        a.stretch(1),
        a.shift(0),
        a.clip(low=-1e100),
        gp.minimum(a, a),
        gp.Rate(a),
    ]
    if a.duration < math.inf:
        wrapped += [
            a.repeat(1),
            a.until(a.duration),
            a >> gp.Hold(None, a(a.duration)),
            a.until(a.duration + 5) if a.duration < MAX_STEPS - 5 else a,
        ]
        wrapped += [a.repeat(1, growth=2.0), a.repeat(1, decay=0.5)]
    steps = data.draw(some.steps_of(a))
    for other in wrapped:
        assert [other(t) for t in steps] == [a(t) for t in steps], other
        assert other(np.array(steps, float)).tolist() == a(np.array(steps, float)).tolist(), other


def test_the_example_of_the_readme_is_what_it_says():
    schedule = gp.parse("warmup(500) >> cosine(9500, floor=0.1)")

    assert schedule == gp.warmup_cosine(10_000, warmup=500, floor=0.1)
    assert [schedule(t) for t in (0, 500, 10_000)] == [1 / 501, 1.0, 0.1]


# What the source and the LaTeX say --------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=100)
def test_the_printed_source_runs_alone_and_gives_the_same(data: st.DataObject):
    schedule = data.draw(some.schedules)
    scope: dict[str, Any] = {}
    exec(schedule.source("alone"), scope)

    for step in [*data.draw(some.steps_of(schedule, whole=False)), *HUGE]:
        assert bits(scope["alone"](step)) == bits(schedule(step)), schedule.source()
    assert math.isnan(scope["alone"](math.nan))


@given(some.trees(nodes=6))
@settings(max_examples=60)
def test_latex_is_written_for_every_tree_and_can_be_drawn(schedule: gp.Schedule):
    from latex2mathml.converter import convert

    text = schedule.latex()

    assert text
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert "<math" in convert(text)
    assert "nan" not in text
    assert "inf" not in text.replace(r"\infty", "")


def test_latex_of_some_formulas():
    assert gp.cosine(100, floor=0.1).latex() == (
        r"\begin{cases} 0.1 + 0.9 \, \sin^2\left(\frac{\pi}{2} \, \frac{100 - t}{100}\right) & 0 \le t < 100 \\ "
        r"0.1 & t \ge 100 \end{cases}"
    )
    assert gp.Hold().latex() == "1"
    assert gp.linear(4).latex("s") == r"\begin{cases} \frac{4 - s}{4} & 0 \le s < 4 \\ 0 & s \ge 4 \end{cases}"


@example(gp.InverseSqrt(7))
@given(some.trees(nodes=3))
@settings(max_examples=20)
def test_large_trees_are_evaluated_too(schedule: gp.Schedule):
    rows = gp.Sum([schedule] * 600)

    assert rows(3) == rows.interpreted(3)
    assert rows(np.array([3.0]))[0] == pytest.approx(
        600 * schedule(3), rel=1e-11, abs=600 * 600 * EPS * absolute(schedule)(3)
    )


def test_a_shift_inside_a_stretch_counts_steps_of_its_own():
    schedule, inner = gp.Stretch(gp.Shift(gp.linear(10), 3), 2.5), gp.linear(10)
    assert [schedule(t) for t in range(36)] == pytest.approx([inner(t / 2.5 - 3) for t in range(36)], abs=1e-15)


def test_levels_that_grow_stay_finite():
    assert [math.isfinite(gp.Step(1, 10.0)(t)) for t in (0, 309, 10**6, 2**53)] == [True] * 4


def test_a_bound_that_nothing_reaches_is_not_written():
    source = gp.parse('expression("min(min(step, 5), 7) + 0.5")').source()
    assert "5.0" in source
    assert "7.0" not in source
