"""Side-by-side measurements: `python -m bench` (or `make bench`) runs every module here that has `rows()`.

A row is a ratio measured within one run, with the bar it is held to. Absolute times do not repeat on another machine.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = ["Row", "cpu_seconds", "ratios"]


class Row(NamedTuple):
    """One measurement.

    Args:
        name: What was measured.
        ratio: The number.
        bar: What it is held to, in words.
        ok: Whether it holds.
    """

    name: str
    ratio: float
    bar: str
    ok: bool


def cpu_seconds(work: Callable[[], object]) -> float:
    """Returns the CPU time of this thread that `work` takes."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def ratios(cases: Mapping[str, Callable[[], object]], reference: str, rounds: int = 31) -> dict[str, float]:
    """Returns, for every case, the median over rounds of its CPU time divided by that of the reference in the same round.

    Within a round the cases run in random order, with the garbage collector off.
    """
    names = list(cases)
    for name in names:
        cases[name]()
    seen: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        random.shuffle(names)
        gc.collect()
        gc.disable()
        try:
            spent = {name: cpu_seconds(cases[name]) for name in names}
        finally:
            gc.enable()
        for name in names:
            seen[name].append(spent[name] / spent[reference])
    return {name: statistics.median(values) for name, values in seen.items()}
