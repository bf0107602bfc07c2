"""One value everywhere: a schedule is the same at a step whoever evaluates it, inside any wrapping and any size of tree.

The compiled function and the formula on a Python number agree bit for bit; NumPy and torch (and JAX, rounded to float32) within what their
functions of one number differ by, carried through the formula (`fuzz/enclosure.py`). `docs/reliability.md` says the same in words.
"""

import math
import random
import struct
from typing import Any

import numpy as np
import pytest
import torch

import glidepath as gp
from fuzz import grammar
from fuzz.enclosure import ULPS, ULPS_XLA, Enclosure
from glidepath.core.arrays import JaxNamespace, NumpyNamespace, TorchNamespace
from glidepath.core.namespace import MATH

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


def bits(x: float) -> bytes:
    return struct.pack("<d", x + 0.0)  # zeros of either sign are one


def compare(seed: str, nodes: int = 12) -> tuple[int, int]:
    """Compare one random schedule on every kind of step; return how many values were looked at, and how many could be anything."""
    r = random.Random(seed)
    schedule = grammar.wide(r) if nodes > 100 else grammar.tree(r, nodes)
    steps = grammar.steps_of(r, schedule)
    values = [schedule.interpreted(step) for step in steps]
    columns = {
        "numpy": schedule(np.array(steps)).tolist(),
        "torch": schedule(torch.tensor(steps, dtype=torch.float64)).tolist(),
    }
    enclosure, loose, name = Enclosure(schedule), 0, f"seed {seed!r}, {schedule}"
    for i, (step, value) in enumerate(zip(steps, values, strict=True)):
        where = f"{name} at {step!r}"
        assert bits(value) == bits(schedule.scalar(step)) == bits(schedule(step)), where
        allowed = enclosure.at(step)
        if allowed is None:
            loose += 1
            continue
        low, high = allowed
        assert low <= value <= high, f"{where}: {value!r} is not within [{low!r}, {high!r}]"
        for library, column in columns.items():
            assert low <= column[i] <= high, (
                f"{where}: {library} has {column[i]!r}, not {value!r} within [{low!r}, {high!r}]"
            )
    return len(steps), loose


def compare_jax(seed: str) -> None:
    """Compare one random schedule under `jit` in float32, at whole steps to 2^31."""
    import jax

    r = random.Random(seed)
    schedule = grammar.tree(r, 5)
    steps = [step for step in grammar.steps_of(r, schedule, 2**31 - 1) if step == int(step)]
    made = np.asarray(jax.jit(schedule)(np.array(steps, dtype=np.int32))).tolist()
    enclosure = Enclosure(schedule, ULPS_XLA, rough=2)
    for step, value in zip(steps, made, strict=True):
        allowed = enclosure.at(int(step))
        if allowed is not None:
            low, high = float(np.float32(allowed[0])), float(np.float32(allowed[1]))
            assert low - 2e-38 <= value <= high + 2e-38, (
                f"seed {seed!r}, {schedule} at {step}: JAX has {value!r}, not [{low!r}, {high!r}]"
            )


def test_one_value_everywhere():
    counts = [compare(f"one value {k}") for k in range(980)] + [compare(f"wide {k}", 700) for k in range(20)]

    looked, loose = map(sum, zip(*counts, strict=True))
    assert looked > 8000
    assert loose < 0.1 * looked  # most values are held to a bound


def test_one_value_everywhere_in_jax():
    for k in range(40):
        compare_jax(f"jax {k}")


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_one_value_everywhere_in_a_hundred_thousand_cases(part: int):
    for k in range(5000):
        compare(f"soak {part} {k}", 700 if k % 50 == 0 else 12)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_one_value_everywhere_in_two_thousand_cases_of_jax(part: int):
    for k in range(100):
        compare_jax(f"soak jax {part} {k}")


def test_every_kind_is_drawn():
    assert set(grammar.LEAVES) | set(grammar.COMBINATORS) | grammar.ELSEWHERE == set(gp.Schedule.registry)


# The operations themselves ----------------------------------------------------------------------------------


def arguments(name: str, r: random.Random, count: int) -> list[float]:
    low = {"log": 0.0, "sqrt": 0.0, "log1p": -1.0}.get(name, -math.inf)
    high = 700.0 if name in ("exp", "expm1") else 1e15
    drawn = [r.choice([-1, 1]) * 10 ** r.uniform(-12, math.log10(high)) for _ in range(count)]
    return [abs(x) if x <= low else x for x in drawn]


def libraries() -> dict[str, tuple[Any, Any]]:
    """Return each library's namespace and what makes its array."""
    import jax.numpy as jnp

    return {
        "numpy": (NumpyNamespace(), np.array),
        "torch": (TorchNamespace(), lambda x: torch.tensor(x, dtype=torch.float64)),
        "jax": (JaxNamespace(), jnp.asarray),
    }


def apart(name: str, library: str, count: int) -> float:
    """Return the largest distance in ulps of a library's function from Python's."""
    import jax

    r = random.Random(name)
    xs = arguments(name, r, count)
    if name == "**":
        xs, ys = [10 ** r.uniform(-6, 6) for _ in xs], [r.uniform(-40, 40) for _ in xs]
        expected = [MATH.power(x, y) for x, y in zip(xs, ys, strict=True)]
    else:
        expected = [getattr(MATH, name)(x) for x in xs]
    xp, array = libraries()[library]
    with jax.enable_x64(True):
        made = xp.power(array(xs), array(ys)) if name == "**" else getattr(xp, name)(array(xs))
        found = np.asarray(made).tolist()
    return max(abs(a - b) / math.ulp(b) for a, b in zip(found, expected, strict=True) if 1e-290 < abs(b) < 1e300)


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", ULPS)
def test_a_function_is_within_its_ulps_of_python(name: str, library: str):
    assert apart(name, library, 20_000) <= (ULPS_XLA if library == "jax" else ULPS)[name]


SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    3.0,
    1e-300,
    1e300,
    -1e300,
    0.1,
    2.9999999999999996,
    2.0**53,
    math.inf,
    -math.inf,
    math.nan,
]


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", ["divide", "quotient", "remainder", "power", "minimum", "maximum"])
def test_special_numbers_give_the_same_everywhere(name: str, library: str):
    import jax

    pairs = [(x, y) for x in SPECIAL for y in SPECIAL]
    xp, array = libraries()[library]
    with jax.enable_x64(True):
        made = np.asarray(getattr(xp, name)(array([x for x, _ in pairs]), array([y for _, y in pairs]))).tolist()
    for (x, y), value in zip(pairs, made, strict=True):
        expected = getattr(MATH, name)(x, y)
        if name == "divide" and y == 0 and math.copysign(1, y) < 0:
            continue
        if name in ("quotient", "remainder") and abs(x) >= 2**53 and abs(y) == 1e-300:
            continue  # a quotient that no number holds: torch's remainder is NaN
        same = (
            value == expected
            or (value != value and expected != expected)
            or math.isclose(value, expected, rel_tol=1e-15, abs_tol=1e-300)
        )
        assert same, f"{name}({x!r}, {y!r}): {library} has {value!r}, Python {expected!r}"


@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", [n for n in ULPS if n != "**"])
def test_functions_out_of_their_range_give_the_same_everywhere(name: str, library: str):
    import jax

    xs = [*SPECIAL, -2.0, 710.0, 1e5, -1e5]
    xp, array = libraries()[library]
    with jax.enable_x64(True):
        made = np.asarray(getattr(xp, name)(array(xs))).tolist()
    for x, value in zip(xs, made, strict=True):
        expected = getattr(MATH, name)(x)
        same = (
            value == expected
            or (value != value and expected != expected)
            or math.isclose(value, expected, rel_tol=1e-14)
        )
        assert same, f"{name}({x!r}): {library} has {value!r}, Python {expected!r}"
