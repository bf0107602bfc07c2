"""Whether advice may be trusted: its direction on real trainings at wrong rates, and logs with planted faults and without.

BENCH_LOGS is how many logs of each planted fault are made (1000 for a figure to be quoted, twice as many healthy ones). The trainings
(two grids, 1,100 runs, about fifteen minutes of processor time) are kept in BENCH_TRAININGS. The strengths of the faults are those below.
Everything is measured twice: on what the rules were tuned on, and on what they never saw: other tasks, schedules, rates, seeds, shapes of
curves and noise. With BENCH_DOCS the table goes into that page, between its two marks.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

import glidepath as gp
from bench import Row
from bench._trainings import GRIDS, records
from glidepath.advice import Finding, Log, advise
from glidepath.advice.losses import Followed, loss_findings

LOGS = int(os.environ.get("BENCH_LOGS", "100"))
STEPS = {"tuned on": 2000, "held out": 3000}
PLANS = {
    "tuned on": ("warmup(100) >> cosine(1900)", "warmup(100, start=0) >> linear(1900)", "constant()", "multistep([1000, 1500])"),
    "held out": ("linear(3000)", "warmup(300) >> hold(2100) >> linear(600)", "warmup(50) >> inverse_sqrt(200)", "step(900)"),
}  # fmt: skip
HELD_OUT = 10**8
"""Seeds from there on are of logs that no rule was chosen by."""
BANDS = (0.5, 0.7, 0.8, 0.9, 1.0)
Loss = Callable[[np.ndarray, np.random.Generator], np.ndarray]
Said = list[tuple[float, bool]]


def noisy(level: np.ndarray, rng: np.random.Generator, other: bool = False) -> np.ndarray:
    """Returns losses with minibatch noise: heavy tails, the saw of epochs, gaps of evaluations, rounding."""
    n = len(level)
    tails = rng.standard_normal(n) * rng.choice([0.7, 2.0], n, p=[0.95, 0.05]) if other else rng.standard_t(4, n) * 0.7
    saw = 1 - 0.01 * rng.random() * (np.arange(n) * rng.integers(3, 12) / n % 1)
    return np.round(level * saw * (1 + rng.choice([0.005, 0.02, 0.05]) * tails), 3 if other else 4)


def healthy(t: np.ndarray, rng: np.random.Generator, other: bool = False) -> np.ndarray:
    u = t / t[-1]
    start, end = rng.choice([1.6, 3.4, 7.0] if other else [2.3, 4.6, 10.8]), rng.uniform(0.05, 0.35)
    shape = rng.integers(2)
    if other:
        fall = np.exp(-rng.uniform(3, 6) * u**0.6) if shape else 1 / (1 + rng.uniform(10, 40) * u)
    else:
        fall = (1 + 60 * u) ** -0.6 if shape else np.exp(-rng.uniform(3, 8) * u)
    return start * (end + (1 - end) * fall)


FAULTS: dict[str, tuple[set[str], Loss]] = {
    "not finite": ({"not finite"}, lambda t, rng: np.where(t < t[-1] * rng.uniform(0.1, 0.9), healthy(t, rng), np.nan)),
    "diverges: to 1.2 times the start from a half on": (
        {"diverges"},
        lambda t, rng: np.maximum(healthy(t, rng), 12 * np.clip(t / t[-1] - 0.5, 0, 1) * 2),
    ),
    "too low: a steady fall of 5 %": ({"falls slowly"}, lambda t, rng: 2.3 * (1 - 0.05 * t / t[-1])),
    "too high: back at the start after spikes": (
        {"rate too high", "diverges"},
        lambda t, rng: 2.3 * (1 + 0.5 * np.exp(-t / t[-1] * 20) * rng.standard_normal(len(t)) ** 2),
    ),
    "unstable start: to twice the first loss in the first twentieth": (
        {"unstable start", "rate too high"},
        lambda t, rng: healthy(t, rng) + 2.5 * healthy(t, rng)[0] * np.sin(np.clip(t / t[-1] * 20, 0, 1) * np.pi),
    ),
}


def rows() -> Iterator[Row]:
    """Prints shares; every bar is stated beside its figure."""
    made: list[Row] = []
    for grid in GRIDS:
        said: Said = []
        for row in (*_real(grid, said), *_planted(grid, said), *_calibration(grid, said)):
            made.append(row)
            yield row
    if page := os.environ.get("BENCH_DOCS"):
        _put(Path(page), made)


def _log(loss: Loss, grid: str, seed: int) -> tuple[Log, str]:
    other = grid == "held out"
    rng = np.random.default_rng(HELD_OUT * other + seed)
    plan, every = PLANS[grid][seed % len(PLANS[grid])], int(rng.choice([1, 10, 25]))
    t = np.arange(0, STEPS[grid], every)
    losses = noisy(loss(t, rng), rng, other)
    return Log.of(t, loss=losses, rate=float(rng.choice([1e-3, 0.1])) * gp.parse(plan)(t)), plan


def _planted(grid: str, said: Said) -> Iterator[Row]:
    for name, (right, loss) in FAULTS.items():
        found = 0
        for seed in range(LOGS):
            log, plan = _log(loss, grid, seed)
            findings = advise(log, plan=plan).findings
            said += [(each.confidence, each.name in right) for each in findings]
            found += any(each.name in right for each in findings)
        yield Row(f"{grid}: {name}: found, of {LOGS}", found / LOGS, "at least 0.9", found >= 0.9 * LOGS)
    alarms = 0
    for seed in range(2 * LOGS):
        log, plan = _log(lambda t, rng: healthy(t, rng, grid == "held out"), grid, 10**6 + seed)
        findings = advise(log, plan=plan).findings
        said += [(each.confidence, False) for each in findings]
        alarms += bool(findings)
    share = alarms / (2 * LOGS)
    yield Row(f"{grid}: false alarms, of {2 * LOGS} healthy logs", share, "at most 0.005", share <= 0.005)


def _calibration(grid: str, said: Said) -> Iterator[Row]:
    """How many of the findings of each band of confidence are true, over the real trainings and the planted faults."""
    for low, high in pairwise(BANDS):
        band = [true for confidence, true in said if low <= confidence < high or confidence == high == 1]
        if band:
            share, least = float(np.mean(band)), low - 3 * (low * (1 - low) / len(band)) ** 0.5
            row = f"{grid}: true, of {len(band)} findings said at {low:.0%} to {high:.0%}"
            yield Row(row, share, f"at least {low:g}", share >= least)


def _put(page: Path, made: list[Row]) -> None:
    """Writes the table between the two marks of a page."""
    start, end = "<!-- bench advice -->\n", "<!-- /bench advice -->"
    head, _, rest = page.read_text().partition(start)
    lines = ["| | measured | bar |", "|---|---|---|"]
    lines += [f"| {row.name} | {row.ratio:.3g} | {row.bar} |" for row in made]
    page.write_text(head + start + "\n".join(lines) + "\n" + end + rest.partition(end)[2])


def _real(grid: str, said: Said) -> Iterator[Row]:
    made = records(grid)
    means: dict[tuple[str, str], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for spec, record in made.items():
        test = getattr(record, "test", None)
        means[spec.task.name, str(spec.schedule)][spec.peak_rate].append(1e9 if test is None else test.metric or 1e9)
    best = {key: min(rates, key=lambda rate: float(np.mean(rates[rate]))) for key, rates in means.items()}
    seen: Counter[tuple[bool, str]] = Counter()
    for spec, record in made.items():
        losses = [float("nan") if each is None else each for each in getattr(record, "losses", ())]
        steps = np.arange(len(losses)) * getattr(record, "stride", 1)
        log = Log.of(steps, loss=losses, rate=list(getattr(record, "rates", ()))[: len(losses)])
        findings = loss_findings(log, Followed(spec.schedule, spec.peak_rate), complete=True)
        spoken = [each for each in findings if isinstance(each, Finding) and each.direction]
        says = spoken[0].direction if spoken else 0
        share = spec.peak_rate / best[spec.task.name, str(spec.schedule)]
        wanted = -1 if share > 1.01 else 1 if share < 0.99 else 0
        verdict = "silent" if not says else "right" if says == wanted else "reversed" if wanted else "wrong"
        seen[share >= 3 or share <= 1 / 3, verdict] += 1
        said += [(spoken[0].confidence, verdict == "right")] if spoken else []
    off = sum(count for (far, _), count in seen.items() if far)
    spoke = sum(count for (_, verdict), count in seen.items() if verdict != "silent")
    speaks = 1 - seen[True, "silent"] / off
    right = (seen[True, "right"] + seen[False, "right"]) / spoke
    reverse = (seen[True, "reversed"] + seen[False, "reversed"]) / spoke
    about = f"{grid}: "
    yield Row(
        f"{about}speaks, of {off} real runs 3 times or more off the best rate", speaks, "at least 0.6", speaks >= 0.6
    )
    yield Row(f"{about}right direction, of {spoke} where it speaks", right, "at least 0.9", right >= 0.9)
    yield Row(f"{about}reversed direction", reverse, "at most 0.02", reverse <= 0.02)
