"""Forecasts: three laws fitted to three runs of 24,000 steps with 300 losses each, on one core; a stored one forecasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from bench import Row
from glidepath import parse
from glidepath.forecast import Law, Laws, Run, fit_laws
from glidepath.forecast.laws import fit_law

_LAW = Law("multi_power", {"L0": 2.65, "A": 0.6, "alpha": 0.45, "B": 438.0, "C": 2.1, "beta": 0.6, "gamma": 0.65})
_COURSES = ("cosine(21840, floor=0.1)", "hold(21840)", "hold(17840) >> linear(4000)")


def rows() -> Iterator[Row]:
    """Seconds a law, seconds with the refits, milliseconds a forecast."""
    runs = [_run(f"warmup(2160) >> {text}", seed) for seed, text in enumerate(_COURSES)]
    for name in ("tissue", "multi_power", "functional"):
        seconds = _seconds(lambda name=name: fit_law(name, runs))
        yield Row(f"fit of {name}, seconds", seconds, "at most 10", seconds <= 10)
    seconds = _seconds(lambda: fit_laws(runs))
    yield Row("fit of all with the interval's refits, seconds", seconds, "at most 120", seconds <= 120)
    stored = Laws.from_json(fit_laws(runs, backtests=False).to_json())
    schedule = parse("warmup(2160) >> cosine(21840)")
    stored.final(schedule)
    each = min(_seconds(lambda: stored.final(schedule)) for _ in range(20)) * 1000
    yield Row("a forecast by stored laws, milliseconds", each, "at most 10", each <= 10)


def _run(text: str, seed: int) -> Run:
    steps = np.linspace(80, 24_000, 300).astype(int)
    made = Run.of(parse(text), 3e-4, steps, np.ones(len(steps)), text)
    noise = np.exp(1e-3 * np.random.default_rng(seed).standard_normal(len(steps)))
    return Run(text, made.rates, steps, _LAW(made.path()) * noise)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    for row in rows():
        print(row)
