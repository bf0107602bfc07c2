"""The core against hand-written closed forms, and its import against numpy's."""

from __future__ import annotations

import math
import os
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np

import glidepath as gp
from bench import Row, ratios


def rows() -> Iterator[Row]:
    yield from scalar()
    yield from array()
    yield from seek()
    yield imported()


def scalar() -> Iterator[Row]:
    """One value at a time, warmup and cosine."""
    schedule = gp.parse("warmup(500, start=0) >> cosine(9500, floor=0.1)")

    def hand(t: int) -> float:
        if t < 500:
            return t / 500
        if t >= 10_000:
            return 0.1
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (t - 500) / 9500))

    steps = list(range(0, 11_000, 5))

    def over(function: Callable[[int], float]) -> Callable[[], None]:
        def work() -> None:
            for step in steps:
                function(step)

        return work

    found = ratios({"hand": over(hand), "traced": over(schedule.scalar), "call": over(schedule)}, "hand", 61)
    yield Row("traced scalar function / hand-written with math", found["traced"], "at most 1.2", found["traced"] <= 1.2)
    yield Row("schedule(step) / hand-written with math", found["call"], "at most 2.5", found["call"] <= 2.5)


def array() -> Iterator[Row]:
    """A million sorted steps of warmup and cosine."""
    schedule = gp.parse("warmup(10000, start=0) >> cosine(990000, floor=0.1)")
    steps = np.arange(1_000_000)

    def hand() -> np.ndarray:
        out = np.empty(steps.size)
        first = int(np.searchsorted(steps, 10_000))
        np.divide(steps[:first], 10_000, out=out[:first])
        rest = out[first:]
        np.subtract(steps[first:], 10_000, out=rest)
        rest *= math.pi / 990_000
        np.cos(rest, out=rest)
        rest += 1.0
        rest *= 0.45
        rest += 0.1
        return out

    found = ratios({"hand": hand, "array": lambda: schedule(steps)}, "hand", 21)["array"]
    yield Row("10^6 sorted steps / hand-written in-place NumPy", found, "at most 1.5", found <= 1.5)
    some = random.Random(0).sample(range(1_000_000), 20_000)
    values, alone = schedule(np.asarray(some)), np.asarray([schedule(step) for step in some])
    ulps = float((abs(values - alone) / np.spacing(np.minimum(abs(values), abs(alone)))).max())
    yield Row("array against scalar, ulp", ulps, "at most 2", ulps <= 2)


def seek() -> Iterator[Row]:
    """A late step costs what the first step of the same phase costs, in trees of 20 nodes.

    Not what step 0 costs where another phase owns step 0: a warmup's line is cheaper than a restart's cosine at any step.
    """
    restarts = "repeat(" + " >> ".join(["cosine(100)"] * 16) + ", growth=2, decay=0.9)"
    trees = {
        "chain": (" >> ".join(["cosine(9500, floor=0.1)"] * 19), 0),
        "restarts": (restarts, 0),
        "restarts after a warmup": (f"warmup(10) >> {restarts}", 10),
        "products": (" * ".join(["step(1000, factor=0.99)", *["exponential(0.9999, steps=7)"] * 18]), 0),
        "mixed": (
            "minimum("
            + ", ".join(["inverse_sqrt(9)", "triangle(50)", "step(30)", "0.5 + 0.1 * exponential(0.99)"] * 4)
            + ")",
            0,
        ),
    }
    for name, (text, first) in trees.items():
        function = gp.parse(text).scalar

        def at(step: int, function: Callable[[int], float] = function) -> Callable[[], None]:
            def work() -> None:
                for _ in range(2000):
                    function(step)

            return work

        found = ratios({"first": at(first), "late": at(10**12 + 1)}, "first", 31)["late"]
        yield Row(f"step 10^12 / step {first}: {name}", found, "at most 1.5", found <= 1.5)


def imported() -> Row:
    """CPU time of a fresh interpreter, start-up included in both; compiled files in place."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def spent(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    spent("import glidepath, numpy")
    found = statistics.median(spent("import glidepath") / spent("import numpy") for _ in range(15))
    return Row("import glidepath / import numpy", found, "at most 1.2", found <= 1.2)
