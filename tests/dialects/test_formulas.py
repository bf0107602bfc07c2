"""OneFlow, TensorFlow and Paddle, which cannot run here, against their formulas written out a second time, over random arguments.

The formulas below are those of the libraries' documentation and sources, one line each, and share nothing with ours.
"""

import math
from bisect import bisect_left, bisect_right
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glidepath.dialects import load
from glidepath.dialects.calls import Call

STEPS = range(50)
lengths, rates, factors = st.integers(1, 25), st.floats(1e-4, 2), st.floats(0.01, 1)
gammas = st.floats(0.05, 1.2)
marks = st.lists(st.integers(1, 45), min_size=1, max_size=4, unique=True).map(sorted)


def cosine(u: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * u))


def cycle_of(t: int, first: int, growth: int) -> tuple[int, int, int]:
    """Return index, length and begin of a cycle, by counting."""
    k, begin, length = 0, 0, first
    while t >= begin + length:
        k, begin, length = k + 1, begin + length, length * growth
    return k, length, begin


# OneFlow: f(base, t) ----------------------------------------------------------------------------------------------------------------------


def polynomial(b: float, t: int, d: int, e: float, p: float, cycle: bool, at_zero: int) -> float:
    if cycle:
        t = max(t, at_zero)
        d = d * max(math.ceil(t / d), 1)
    return (b - e) * (1 - min(t, d) / d) ** p + e


def restarts(b: float, t: int, a: dict[str, Any]) -> float:
    k, length, begin = cycle_of(t, a["T_0"], a.get("T_mult", 1))
    eta, limit = a.get("eta_min", 0.0), a.get("restart_limit", 0)
    if limit and k >= limit:
        return eta
    return eta + (b * a.get("decay_rate", 1.0) ** k - eta) * cosine((t - begin) / length)


ONEFLOW: dict[str, tuple[dict[str, Any], Any]] = {
    "StepLR": ({"step_size": lengths, "gamma": gammas}, lambda b, t, a: b * a["gamma"] ** (t // a["step_size"])),
    "MultiStepLR": (
        {"milestones": marks, "gamma": gammas},
        lambda b, t, a: b * a["gamma"] ** bisect_right(a["milestones"], t),
    ),
    "ConstantLR": (
        {"factor": st.floats(0, 1), "total_iters": st.integers(0, 25)},
        lambda b, t, a: b * a["factor"] if t < a["total_iters"] else b,
    ),
    "LinearLR": (
        {"start_factor": st.floats(0, 1), "end_factor": st.floats(0, 1), "total_iters": st.integers(0, 25)},
        lambda b, t, a: (
            b * a["end_factor"]
            if t >= a["total_iters"]
            else b * (a["start_factor"] + (a["end_factor"] - a["start_factor"]) * t / a["total_iters"])
        ),
    ),
    "ExponentialLR": ({"gamma": gammas}, lambda b, t, a: b * a["gamma"] ** t),
    "PolynomialLR": (
        {
            "decay_batch": lengths,
            "end_learning_rate": st.floats(0, 0.5),
            "power": st.floats(0.3, 4),
            "cycle": st.booleans(),
        },
        lambda b, t, a: polynomial(b, t, a["decay_batch"], a["end_learning_rate"], a["power"], a["cycle"], 1),
    ),
    "CosineDecayLR": (
        {"decay_steps": lengths, "alpha": st.floats(0, 1)},
        lambda b, t, a: b * ((1 - a["alpha"]) * cosine(min(t, a["decay_steps"]) / a["decay_steps"]) + a["alpha"]),
    ),
    "CosineAnnealingLR": (
        {"T_max": lengths, "eta_min": st.floats(0, 0.5)},
        lambda b, t, a: a["eta_min"] + (b - a["eta_min"]) * cosine(t / a["T_max"]),
    ),
    "CosineAnnealingWarmRestarts": (
        {
            "T_0": lengths,
            "T_mult": st.integers(1, 3),
            "eta_min": st.floats(0, 0.5),
            "decay_rate": st.floats(0.2, 1.3),
            "restart_limit": st.integers(0, 4),
        },
        restarts,
    ),
}
inner = st.sampled_from(sorted(ONEFLOW)).flatmap(
    lambda name: st.fixed_dictionaries(ONEFLOW[name][0]).map(lambda found: Call(name, found))
)


def oneflow(made: Call, b: float, t: int) -> float:
    return ONEFLOW[made.name][1](b, t, made.arguments)


def agree(ours: Any, reference: Any, tolerance: float = 1e-13, floor: float = 0.0) -> None:
    found = [reference(t) for t in STEPS]
    # The formulas here go through the floor and back, which leaves the floor's own rounding where the rate is far below it.
    scale = max(*map(abs, found), floor) or 1.0
    for t, value in zip(STEPS, found, strict=True):
        assert abs(ours(t) - value) <= tolerance * scale + 1e-300, (t, ours(t), value, str(ours))


@pytest.mark.parametrize("name", ONEFLOW)
@settings(max_examples=200)
@given(data=st.data(), base=rates)
def test_oneflow_is_its_formula(name: str, data: st.DataObject, base: float):
    made = Call(name, data.draw(st.fixed_dictionaries(ONEFLOW[name][0])))
    floor = made.arguments.get("eta_min", 0.0)
    agree(load("oneflow", name, made.arguments, base_lr=base), lambda t: oneflow(made, base, t), floor=floor)


@settings(max_examples=200)
@given(st.data(), marks, rates, st.sampled_from(["eager", "graph"]))
def test_oneflow_in_sequence(data: st.DataObject, milestones: list[int], base: float, mode: str):
    children = data.draw(st.lists(inner, min_size=len(milestones) + 1, max_size=len(milestones) + 1))
    children = [c if c.name != "CosineAnnealingLR" else Call("ExponentialLR", {"gamma": 0.9}) for c in children]
    rescaled = data.draw(st.lists(st.booleans(), min_size=len(milestones), max_size=len(milestones)))
    arguments = {"schedulers": children, "milestones": milestones, "interval_rescaling": rescaled}

    def reference(t: int) -> float:
        i = bisect_right(milestones, t)
        origin = 0
        if mode == "eager":
            origin = milestones[i - 1] if i and rescaled[i - 1] else 0
        else:  # the kernel keeps the beginning of the last rescaled one
            for mark, own in zip(milestones[:i], rescaled, strict=False):
                origin = mark if own else origin
        return oneflow(children[i], base, t - origin)

    floor = max(child.arguments.get("eta_min", 0.0) for child in children)
    agree(load("oneflow", "SequentialLR", arguments, base_lr=base, mode=mode), reference, floor=floor)


@settings(max_examples=200)
@given(st.lists(inner, min_size=1, max_size=3), rates)
def test_oneflow_chained_is_one_in_the_other(children: list[Call], base: float):
    def reference(t: int) -> float:
        rate = base
        for child in children:
            rate = oneflow(child, rate, t)
        return rate

    agree(load("oneflow", "ChainedScheduler", {"schedulers": children}, base_lr=base), reference, 1e-12)


@settings(max_examples=200)
@given(inner, factors, lengths, st.sampled_from(["linear", "constant"]), st.booleans(), rates)
def test_oneflow_warmup(child: Call, factor: float, steps: int, method: str, prefix: bool, base: float):
    goal = 1.0 if prefix else oneflow(child, base, steps) / base
    if (
        not 0 <= goal <= 1
        or (not prefix and 0 < abs(goal - 1) < 1e-12)
        or (child.arguments.get("eta_min") == base and not prefix)
    ):
        return  # OneFlow refuses it, and so do we; a goal that is the base but for a rounding is one or the other
    arguments = {"scheduler_or_optimizer": child, "warmup_factor": factor, "warmup_iters": steps}
    arguments |= {"warmup_method": method, "warmup_prefix": prefix}

    def reference(t: int) -> float:
        if t >= steps:
            return oneflow(child, base, t - steps if prefix else t)
        return base * (factor if method == "constant" else factor + (goal - factor) * t / steps)

    floor = child.arguments.get("eta_min", 0.0)
    agree(load("oneflow", "WarmupLR", arguments, base_lr=base), reference, floor=floor)


# TensorFlow and Paddle: f(base, t) --------------------------------------------------------------------------------------------------------


def burned(b: float, t: int, a: dict[str, Any]) -> float:
    rate = a["burnin_learning_rate"] or b
    if t >= a["burnin_steps"]:
        power = (t - a["burnin_steps"]) / a["learning_rate_decay_steps"]
        rate = b * a["learning_rate_decay_factor"] ** (math.floor(power) if a["staircase"] else power)
    return max(rate, a["min_learning_rate"])


def held(b: float, t: int, a: dict[str, Any]) -> float:
    first, hold, left = a["warmup_steps"], a["hold_base_rate_steps"], a["left"]
    if t < first:
        return a["warmup_learning_rate"] * b + (b - a["warmup_learning_rate"] * b) * t / first
    return b if t <= first + hold else b * cosine(min(t - first - hold, left) / left)


def damped(b: float, t: int, a: dict[str, Any]) -> float:
    u = min(t, a["decay_steps"]) / a["decay_steps"]
    return b * ((a["alpha"] + 1 - u) * cosine(2 * a["num_periods"] * u) + a["beta"])


stairs = {"decay_steps": lengths, "decay_rate": factors, "staircase": st.booleans()}


def periods(t: int, a: dict[str, Any]) -> float:
    return t // a["decay_steps"] if a["staircase"] else t / a["decay_steps"]


OTHERS: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {
    ("tensorflow", "train.exponential_decay"): (stairs, lambda b, t, a: b * a["decay_rate"] ** periods(t, a)),
    ("tensorflow", "train.inverse_time_decay"): (stairs, lambda b, t, a: b / (1 + a["decay_rate"] * periods(t, a))),
    ("tensorflow", "train.natural_exp_decay"): (
        stairs,
        lambda b, t, a: b * math.exp(-a["decay_rate"] * periods(t, a)),
    ),
    ("tensorflow", "train.linear_cosine_decay"): (
        {"decay_steps": lengths, "num_periods": st.floats(0.1, 3), "alpha": factors, "beta": factors},
        damped,
    ),
    ("tensorflow", "train.polynomial_decay"): (
        {
            "decay_steps": lengths,
            "end_learning_rate": st.floats(0, 0.5),
            "power": st.floats(0.3, 4),
            "cycle": st.booleans(),
        },
        lambda b, t, a: polynomial(b, t, a["decay_steps"], a["end_learning_rate"], a["power"], a["cycle"], 0),
    ),
    ("tensorflow/models", "exponential_decay_with_burnin"): (
        {
            "learning_rate_decay_steps": lengths,
            "learning_rate_decay_factor": factors,
            "burnin_learning_rate": st.just(0.0) | rates,
            "burnin_steps": st.integers(0, 20),
            "min_learning_rate": st.floats(0, 0.1),
            "staircase": st.booleans(),
        },
        burned,
    ),
    ("paddle", "NoamDecay"): (
        {"d_model": lengths, "warmup_steps": lengths},
        lambda b, t, a: b * a["d_model"] ** -0.5 * min(t**-0.5, t * a["warmup_steps"] ** -1.5) if t else 0.0,
    ),
    ("paddle", "NaturalExpDecay"): ({"gamma": factors}, lambda b, t, a: b * math.exp(-a["gamma"] * t)),
    ("paddle", "InverseTimeDecay"): ({"gamma": factors}, lambda b, t, a: b / (1 + a["gamma"] * t)),
    ("paddle", "PolynomialDecay"): (
        {"decay_steps": lengths, "end_lr": st.floats(0, 0.5), "power": st.floats(0.3, 4), "cycle": st.booleans()},
        lambda b, t, a: polynomial(b, t, a["decay_steps"], a["end_lr"], a["power"], a["cycle"], 0),
    ),
    ("paddle", "CosineAnnealingDecay"): ONEFLOW["CosineAnnealingLR"],
    ("paddle", "CosineAnnealingWarmRestarts"): (
        {"T_0": lengths, "T_mult": st.integers(1, 3), "eta_min": st.floats(0, 0.5)},
        restarts,
    ),
}


@pytest.mark.parametrize(("framework", "name"), OTHERS)
@settings(max_examples=200)
@given(data=st.data(), base=rates)
def test_a_decay_is_its_formula(framework: str, name: str, data: st.DataObject, base: float):
    strategy, formula = OTHERS[framework, name]
    arguments = data.draw(st.fixed_dictionaries(strategy))
    ours = load(framework, name, arguments, base_lr=base)
    agree(ours, lambda t: formula(base, t, arguments), floor=arguments.get("eta_min", 0.0))


@settings(max_examples=200)
@given(st.integers(0, 20), st.integers(0, 10), lengths, factors, rates)
def test_cosine_with_warmup_and_hold_is_its_formula(first: int, hold: int, left: int, start: float, base: float):
    arguments = {"total_steps": first + hold + left, "warmup_steps": first, "hold_base_rate_steps": hold}
    ours = load(
        "tensorflow/models",
        "cosine_decay_with_warmup",
        {**arguments, "warmup_learning_rate": start * base},
        base_lr=base,
    )
    agree(ours, lambda t: held(base, t, {**arguments, "left": left, "warmup_learning_rate": start}))


@settings(max_examples=200)
@given(marks, st.data())
def test_where_piecewise_constants_change(boundaries: list[int], data: st.DataObject):
    values = data.draw(st.lists(rates, min_size=len(boundaries) + 1, max_size=len(boundaries) + 1))
    arguments = {"boundaries": boundaries, "values": values}
    late = load("tensorflow", "train.piecewise_constant", arguments)
    early = load("paddle", "PiecewiseDecay", arguments)
    for t in STEPS:
        assert late(t) == values[bisect_left(boundaries, t)]
        assert early(t) == values[bisect_right(boundaries, t)]


@settings(max_examples=200)
@given(lengths, st.floats(0, 0.1), st.floats(0.2, 1), lengths, st.floats(0.05, 0.95))
def test_paddle_warmup_then_another_from_its_beginning(steps: int, start: float, end: float, size: int, gamma: float):
    inner = f"StepDecay(0.3, step_size={size}, gamma={gamma!r})"
    arguments = {"learning_rate": inner, "warmup_steps": steps, "start_lr": start, "end_lr": end}
    ours = load("paddle", "LinearWarmup", arguments)
    agree(
        ours,
        lambda t: start + (end - start) * t / steps if t < steps else 0.3 * gamma ** ((t - steps) // size),
    )
