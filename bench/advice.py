"""Whether advice may be trusted: its direction on real trainings at wrong rates, and logs with planted faults and without.

BENCH_LOGS is how many logs of each planted fault are made (1000 for a figure to be quoted, twice as many healthy ones). The trainings
(two grids, 1,100 runs, about fifteen minutes of processor time) are kept in BENCH_TRAININGS. The strengths of the faults are those below.
Everything is measured twice: on what the rules were tuned on, and on what they never saw: other tasks, schedules, rates, seeds, shapes of
curves and noise. With BENCH_DOCS the table goes into that page, between its two marks; with BENCH_COUNTS how often each rule was right, on
the first half, goes into that file: `src/glidepath/advice/measured.json`, whence each finding has its confidence.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

import glidepath as gp
from bench import Row
from bench._trainings import GRIDS, records
from glidepath.advice import Advice, Finding, Log, advise
from glidepath.advice.finding import sure
from glidepath.advice.losses import Followed, loss_findings
from glidepath.logs import Series

LOGS = int(os.environ.get("BENCH_LOGS", "100"))
STEPS = {"tuned on": 2000, "held out": 3000}
PLANS = {
    "tuned on": ("warmup(100) >> cosine(1900)", "warmup(100, start=0) >> linear(1900)", "constant()", "multistep([1000, 1500])"),
    "held out": ("linear(3000)", "warmup(300) >> hold(2100) >> linear(600)", "warmup(50) >> inverse_sqrt(200)", "step(900)"),
}  # fmt: skip
MOVING = {
    "tuned on": ("warmup(100) >> cosine(1900)", "warmup(100, start=0) >> linear(1900)"),
    "held out": ("warmup(250) >> polynomial(2750)", "linear(3000)"),
}
"""Plans that never rest; the first of each is a curve, which stands nowhere but at its end."""
HELD_OUT = 10**8
"""Seeds from there on are of logs that no rule was chosen by."""
BANDS = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
Loss = Callable[..., np.ndarray]
Said = list[tuple[str, bool]]


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


def tuned(t: np.ndarray, rng: np.random.Generator, other: bool = False) -> np.ndarray:
    """A model that was trained before: it wins 8 to 30 % of the loss, the most of it at once; small batches are loud."""
    u = t / t[-1]
    fall = np.exp(-u / rng.uniform(0.02, 0.15)) if not other else (1 + rng.uniform(20, 60) * u) ** -0.8
    level = rng.uniform(0.7, 2.5) * (1 - rng.uniform(0.08, 0.3) * (1 - fall))
    return level * (1 + rng.choice([0.0, 0.08, 0.16]) * rng.standard_normal(len(t)))


def _flat(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All that can be won is won in the first third."""
    return healthy(t, rng)[0] * (0.2 + 0.8 * np.exp(-rng.uniform(15, 40) * t / t[-1]))


Factors = Callable[[gp.Schedule, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """What is planted, and what of it may be said.

    Args:
        right: Names of findings that are true of it.
        loss: What the losses are, before their noise.
        rate: The factors that are logged, of the plan, the steps, and one of them far from both ends.
        norms: Gradient norms, if there are any.
        plan: The one plan of these runs; `moving` for `MOVING`, `curved` for the first of those, empty for all of `PLANS`.
        told: What `advise` is told: `plan`, `base` as well, or nothing.
        share: How many of BENCH_LOGS are made: fewer of those with little chance in them.
    """

    right: set[str]
    loss: Loss = healthy
    rate: Factors = lambda plan, t, at: plan(t)
    norms: Loss | None = None
    plan: str = ""
    told: str = "plan"
    share: float = 1.0


def _rates(right: set[str], rate: Factors, told: str = "plan", plan: str = "moving") -> Fault:
    return Fault(right, rate=rate, told=told, plan=plan, share=0.1 if told else 0.05)


_JUMP = {"resumed with a jump"}
FAULTS = {
    "not finite": Fault({"not finite"}, lambda t, rng: np.where(t < t[-1] * rng.uniform(0.1, 0.9), healthy(t, rng), np.nan)),
    "not finite once": Fault({"not finite"}, lambda t, rng: np.where(t == rng.choice(t[3:-3]), np.nan, healthy(t, rng))),
    "diverges: to 1.2 times the start from a half on": Fault(
        {"diverges"},
        lambda t, rng: np.maximum(healthy(t, rng), 12 * np.clip(t / t[-1] - 0.5, 0, 1) * 2),
    ),
    "too low: a steady fall of 5 %": Fault({"falls slowly"}, lambda t, rng: 2.3 * (1 - 0.05 * t / t[-1])),
    "too high: back at the start after spikes": Fault(
        {"rate too high", "diverges"},
        lambda t, rng: 2.3 * (1 + 0.5 * np.exp(-t / t[-1] * 20) * rng.standard_normal(len(t)) ** 2),
    ),
    "unstable start: to twice the first loss in the first twentieth": Fault(
        {"unstable start", "rate too high"},
        lambda t, rng: healthy(t, rng) + 2.5 * healthy(t, rng)[0] * np.sin(np.clip(t / t[-1] * 20, 0, 1) * np.pi),
    ),
    "fine-tuning: to three times the first loss in the first tenth": Fault(
        {"fine-tuning too fast"},
        lambda t, rng: 0.5 * (0.9 + 3 * np.sin(np.clip(t / t[-1] * 10, 0, 1) * np.pi)),
    ),
    "no fall": Fault({"does not fall", "rate too high"}, lambda t, rng: np.full(len(t), rng.choice([0.7, 2.3, 4.6]))),
    "a plateau from a third on, at a constant rate": Fault({"stalls"}, _flat, plan="constant()"),
    "swings of 30 % from a half on, at a constant rate": Fault(
        {"oscillates late"},
        lambda t, rng: _flat(t, rng) * (1 + 0.3 * (2 * t > t[-1]) * np.sin(t / t[-1] * rng.uniform(50, 300))),
        plan="constant()",
    ),
    "a saddle: gradients a hundredth at nine tenths of the loss": Fault(
        {"plateau without gradients"},
        lambda t, rng: 2.3 * (0.9 + 0.1 * np.exp(-30 * t / t[-1])),
        norms=lambda t, rng: (0.01 + np.exp(-40 * t / t[-1])) * (1 + 0.2 * rng.random(len(t))),
    ),
    "stepped twice": _rates({"stepped twice per update"}, lambda plan, t, at: plan(2 * t)),
    "stepped 8 times": _rates({"stepped 8 times per update"}, lambda plan, t, at: plan(8 * t)),
    "stepped per epoch": _rates({"stepped per epoch"}, lambda plan, t, at: plan(t // 50)),
    "begins again": _rates(_JUMP, lambda plan, t, at: np.where(t < at, plan(t), plan(np.maximum(t - at, 0)))),
    "jumps to another place": _rates(_JUMP, lambda plan, t, at: plan(np.where(t < at, t, t - 0.7 * at))),
    "leaves the plan": _rates({"leaves the plan"}, lambda plan, t, at: plan(np.where(t < at, t, at + (t - at) / 3))),
    "stands": _rates({"constant after resume"}, lambda plan, t, at: plan(np.minimum(t, at))),
    "three times the base": _rates({"another base rate"}, lambda plan, t, at: 3 * plan(t), "base"),
    "ends at a half": _rates({"never reached the floor"}, lambda plan, t, at: plan(t)[2 * t < t[-1]]),
    "another schedule": _rates(
        {"another schedule", "leaves the plan"}, lambda plan, t, at: gp.polynomial(int(t[-1]), power=3)(t)
    ),
    "begins again, no plan": _rates(
        _JUMP, lambda plan, t, at: np.where(t < at, plan(t), plan(np.maximum(t - at, 0))), ""
    ),
    "stands, no plan": _rates({"constant after resume", *_JUMP}, lambda plan, t, at: plan(np.minimum(t, at)), "", "curved"),
    "stepped per epoch, no plan": _rates({"never reached its peak"}, lambda plan, t, at: gp.warmup(100)(t // 50), ""),
    "stepped twice, a cosine that turns, no plan": Fault(
        {"goes up again"}, rate=lambda plan, t, at: 0.5 + 0.5 * np.cos(2 * np.pi * t / t[-1]), told="", share=0.05
    ),
    "stepped twice, no plan": _rates({"at its floor early"}, lambda plan, t, at: plan(2 * t), ""),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Prints shares; every bar is stated beside its figure."""
    made, said = list[Row](), dict[str, Said]()
    for grid in GRIDS:
        said[grid] = []
        for row in (*_real(grid, said[grid]), *_planted(grid, said[grid])):
            made.append(row)
            yield row
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for rule, true in said["tuned on"]:
        counts[rule][0] += true
        counts[rule][1] += 1
    file = os.environ.get("BENCH_COUNTS")
    if file:
        lines = (f"{json.dumps(rule)}: {json.dumps(counts[rule])}" for rule in sorted(counts))
        Path(file).write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")
    for grid in GRIDS:
        told = [(sure(rule, counts) if file else sure(rule), true) for rule, true in said[grid]]
        for row in _calibration(grid, told):
            made.append(row)
            yield row
    if page := os.environ.get("BENCH_DOCS"):
        _put(Path(page), made)


def _advised(fault: Fault, grid: str, seed: int) -> Advice:
    """Returns what is said of a log with a fault planted, or of a healthy one."""
    other = grid == "held out"
    rng = np.random.default_rng(HELD_OUT * other + seed)
    known = {"": PLANS[grid], "moving": MOVING[grid], "curved": MOVING[grid][:1]}
    plans = known.get(fault.plan, (fault.plan,))
    plan, every, base = plans[seed % len(plans)], int(rng.choice([1, 10, 25])), float(rng.choice([1e-3, 0.1]))
    t = np.arange(0, STEPS[grid], every)
    losses = noisy(fault.loss(t, rng), rng, other)
    factors = fault.rate(gp.parse(plan), t, int(rng.uniform(0.3, 0.7) * len(t)) * every)
    rates = _written(base * factors, int(rng.choice([4, 6, 17])))
    series = {"loss": losses, "rate": rates} | ({} if fault.norms is None else {"gradient_norm": fault.norms(t, rng)})
    count = len(rates)
    log = Log({name: Series(t[:count].astype(float), values[:count]) for name, values in series.items()})
    return advise(log, plan=plan if fault.told else None, base=base if fault.told == "base" else None, complete=True)


def _written(values: np.ndarray, digits: int) -> np.ndarray:
    """Returns numbers with so many digits."""
    return values if digits > 15 else np.array([float(f"{each:.{digits}g}") for each in values])


def _planted(grid: str, said: Said) -> Iterator[Row]:
    for name, fault in FAULTS.items():
        found, most = 0, max(int(LOGS * fault.share), 10)
        for seed in range(most):
            findings = _advised(fault, grid, seed).findings
            said += [(each.rule, each.name in fault.right) for each in findings]
            found += any(each.name in fault.right for each in findings)
        yield Row(f"{grid}: {name}: found, of {most}", found / most, "at least 0.9", found >= 0.9 * most)
    right: tuple[tuple[str, str, Loss, int], ...] = (
        ("healthy logs", "plan", healthy, 2 * LOGS),
        ("healthy logs whose plan nobody told", "", healthy, max(LOGS // 10, 10)),
        ("healthy fine-tunings", "plan", tuned, 2 * LOGS),
    )
    for about, told, loss, most in right:
        plan = "moving" if loss is tuned else ""
        fault = Fault(set(), lambda t, rng, loss=loss: loss(t, rng, grid == "held out"), told=told, plan=plan)
        alarms = [found for seed in range(most) if (found := _advised(fault, grid, 10**6 + seed).findings)]
        said += [(each.rule, False) for findings in alarms for each in findings]
        share = len(alarms) / most
        yield Row(f"{grid}: false alarms, of {most} {about}", share, "at most 0.005", share <= 0.005)


def _calibration(grid: str, said: list[tuple[float, bool]]) -> Iterator[Row]:
    """How many of the findings of each band of confidence are true, over the real trainings and the planted faults."""
    for low, high in pairwise(BANDS):
        band = [true for confidence, true in said if low <= confidence < high]
        share, chance = float(np.mean(band)) if band else np.nan, 3 / max(len(band), 1) ** 0.5
        least, most = low - chance * (low * (1 - low)) ** 0.5, high + chance * (high * (1 - high)) ** 0.5
        row = f"{grid}: true, of {len(band)} findings said at {low:.0%} to {high:.0%}"
        bar = f"{low:g} to {high:g}, give or take chance" if band else "none is said so"
        yield Row(row, share, bar, not band or least <= share <= most)


def _put(page: Path, made: list[Row]) -> None:
    """Writes the table between the two marks of a page."""
    start, end = "<!-- bench advice -->\n", "<!-- /bench advice -->"
    head, _, rest = page.read_text().partition(start)
    lines = ["| | measured | bar |", "|---|---|---|"]
    lines += [f"| {row.name} | {row.ratio:.3g} | {row.bar} |".replace("nan", "none") for row in made]
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
        said += [(spoken[0].rule, verdict == "right")] if spoken else []
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
