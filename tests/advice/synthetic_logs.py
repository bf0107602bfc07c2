"""Synthetic logs: healthy ones, and the same with one fault planted."""

import numpy as np

import glidepath as gp
from glidepath.advice import Log

PLAN = "warmup(100) >> cosine(1900)"
STEPS = 2000
BASE = 0.1


def losses(
    steps: int,
    rng: np.random.Generator,
    shape: str = "power",
    noise: float = 0.02,
    start: float = 2.3,
    end: float = 0.4,
) -> np.ndarray:
    """Return losses that fall as training losses do, with noise in proportion to the loss."""
    u = np.arange(steps) / steps
    fall = {
        "power": (1 + 60 * u) ** -0.6,
        "exponential": np.exp(-4 * u),
        "fast": np.exp(-3.5 * u) * 0.6 + 0.4 * np.exp(-30 * u),
    }[shape]
    return (end + (start - end) * fall) * (1 + noise * rng.standard_normal(steps))


HEALTHY_PLANS = [
    "warmup(100) >> cosine(1900)",
    "warmup(50, start=0) >> linear(1950)",
    "constant()",
    "warmup(100) >> constant()",
    "multistep([1000, 1500], factor=0.1)",
    "step(500, factor=0.5)",
    "exponential(0.999)",
    "wsd(2000, warmup=50)",
    "one_cycle(2000)",
    "sgdr(500)",
    "warmup(100) >> inverse_sqrt(100)",
    "cosine(2000, floor=0.1)",
]


def healthy(seed: int) -> tuple[Log, str]:
    """Return a healthy log and its plan: twenty seeds give twenty kinds of run."""
    rng = np.random.default_rng(seed)
    plan = HEALTHY_PLANS[seed % len(HEALTHY_PLANS)]
    every = [1, 1, 10][seed % 3]
    shape = ["power", "exponential", "fast"][seed % 3 if seed % 5 else (seed + 1) % 3]
    base = float(10.0 ** rng.uniform(-4, 0))
    y = losses(STEPS, rng, shape, noise=[0.005, 0.03, 0.08][seed % 3], end=rng.uniform(0.05, 0.6))
    steps = np.arange(STEPS)
    rates = base * gp.parse(plan)(steps)
    kept = steps % every == 0
    series = {"loss": y[kept], "rate": rates[kept]}
    if seed % 4 == 0:
        series["gradient_norm"] = np.abs(1 + 0.2 * rng.standard_normal(kept.sum())) * (0.3 + 0.7 * y[kept] / y[0])
    return Log.of(steps[kept], **series), plan


def planted(rates: np.ndarray | None = None, loss: np.ndarray | None = None, seed: int = 0, **more: np.ndarray) -> Log:
    """Return a log of `PLAN` with other rates, other losses, or more series."""
    steps = np.arange(STEPS)
    rng = np.random.default_rng(seed)
    return Log.of(
        steps,
        loss=losses(STEPS, rng) if loss is None else loss,
        rate=BASE * gp.parse(PLAN)(steps) if rates is None else rates,
        **more,
    )
