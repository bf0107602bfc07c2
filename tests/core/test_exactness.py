"""Every leaf, curve and recipe against its formula, evaluated to 50 digits by mpmath from what the docstrings say.

The bound is 8 eps of the exact value (eps = 2^-52) for values that are not negative and ends whose ratio is at least 1e-8; where terms of both
signs are added, 8 eps of the largest term. JAX rounds to float32 once, at the end.
"""

import math
import random
from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import glidepath as gp
from formulas import CURVES, GROUPS, steps_for
from glidepath import curves

EPS = 2.0**-52
BOUND = 8.0  # what is promised; measured below 5 everywhere


def errors(group: str, most: int = 200, single: bool = False) -> Iterator[tuple[float, gp.Schedule, int, float, Any]]:
    """Yield the error of each value with the schedule, the step, the value and the exact value.

    Args:
        group: Whose cases.
        most: How many cases are drawn at most.
        single: Whether JAX evaluates them, in ulp of float32; else Python and NumPy do, in eps of the exact value.
    """
    anywhere = random.Random(group)
    cases = list(GROUPS[group]())
    for schedule, formula, marks in cases if len(cases) <= most else anywhere.sample(cases, most):
        steps = steps_for(max(schedule.duration if schedule.duration < math.inf else 0, *marks, 1), anywhere, *marks)
        if single:
            steps = sorted({min(step, 2**31 - 1) for step in steps} | {2**31 - 2, 2**24 + 1})
            columns = [jitted(schedule, steps)]
        else:
            columns = [[schedule(step) for step in steps], schedule(np.array(steps, dtype=float)).tolist()]
        for i, step in enumerate(steps):
            exact = formula(mpf(min(step, schedule.duration)))
            if 0 < abs(exact) < (1e-36 if single else 1e-290) or (single and abs(exact) > 1e38):
                continue  # subnormal numbers have fewer digits, and float32 ends at 3.4e38
            for value in (column[i] for column in columns):
                yield distance(value, exact, single), schedule, step, value, exact


def distance(value: float, exact: Any, single: bool) -> float:
    if exact == 0:
        return 0.0 if value == 0 else math.inf
    unit = float(np.spacing(np.float32(abs(float(exact))))) if single else EPS * abs(exact)
    return float(abs(value - exact) / unit)


def jitted(schedule: gp.Schedule, steps: list[int]) -> list[float]:
    import jax

    made = jax.jit(schedule)(np.array(steps, dtype=np.int32))
    assert made.dtype == np.float32
    return np.asarray(made, dtype=float).tolist()


@pytest.mark.parametrize("group", GROUPS)
def test_within_8_eps_of_the_exact_formula(group: str):
    error, schedule, step, value, exact = max(errors(group), key=lambda found: found[0])

    assert error <= BOUND, f"{schedule} at {step}: {value!r} is {error:.1f} eps from {mpmath.nstr(exact, 20)}"


@pytest.mark.parametrize("group", GROUPS)
def test_jax_rounds_once(group: str):
    error, schedule, step, value, exact = max(errors(group, most=3, single=True), key=lambda found: found[0])

    assert error <= 0.5 + 1e-6, f"{schedule} at {step}: {value!r} is {error:.1f} ulp from {mpmath.nstr(exact, 12)}"


def test_the_last_steps_of_a_long_cosine():
    n = 10**7
    schedule = gp.cosine(n)

    for left in (1, 2, 3, 10, 1000):
        exact = mpmath.sin(mpmath.pi * left / (2 * n)) ** 2
        assert abs(schedule(n - left) - exact) <= 3 * EPS * exact
        assert abs(schedule(np.array([n - left]))[0] - exact) <= 3 * EPS * exact


def test_sums_and_differences_are_within_8_eps_of_their_largest_term():
    anywhere = random.Random("sums")
    cases = [
        case
        for group in ("leaf-ramp", "curve-cosine", "leaf-inverse_sqrt", "leaf-triangle")
        for case in GROUPS[group]()
    ]
    for _ in range(150):
        chosen = anywhere.sample(cases, anywhere.choice([2, 2, 3]))
        signs = [1.0, *(anywhere.choice([-1.0, 1.0]) for _ in chosen[1:])]
        total = gp.Sum([sign * case[0] for sign, case in zip(signs, chosen, strict=True)], offset=-0.1)
        for step in steps_for(max(min(case[0].duration, 10**9) for case in chosen), anywhere):
            terms = [sign * case[1](mpf(min(step, case[0].duration))) for sign, case in zip(signs, chosen, strict=True)]
            largest = max(mpf(0.1), *map(abs, terms))

            assert abs(total(step) - (sum(terms) - mpf(0.1))) <= BOUND * EPS * largest, f"{total} at {step}"
            assert abs(total(np.array([step]))[0] - (sum(terms) - mpf(0.1))) <= BOUND * EPS * largest, (
                f"{total} at {step}"
            )


def test_every_curve_is_measured():
    assert set(CURVES) == set(curves.Curve.registry)


if __name__ == "__main__":
    for group in GROUPS:
        for single, most in ((False, 200), (True, 3)):
            found = list(errors(group, most, single))
            worst = max(found, key=lambda found: found[0])
            unit = "ulp of float32 in JAX" if single else "eps"
            print(f"{group:32} {len(found):6} values, at most {worst[0]:6.3f} {unit}: {worst[1]} at {worst[2]}")
