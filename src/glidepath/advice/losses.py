"""The practitioner's rules on a curve of losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.schedule import Schedule
from ..core.segments import Hold
from ..core.shorthand import cosine, warmup
from ..finder.smooth import running_median
from ..logs.log import Array, Log, Series
from .finding import Evidence, Finding

__all__ = ["loss_findings"]

_LEAST = 20


class _Curve:
    """A loss curve with what is often asked of it."""

    def __init__(self, series: Series, rate: Series | None) -> None:
        self.t, self.y = series.steps, series.values
        self.n = len(self.y)
        self.smooth = running_median(self.y, 2 * max(2, self.n // 80) + 1)
        self.start = float(np.median(self.y[: max(3, self.n // 50)]))
        self.end = float(np.median(self.y[-max(3, self.n // 10) :]))
        self.low = float(self.smooth.min())
        # Neighbouring differences know nothing of the trend: what is left is noise.
        self.noise = 1.4826 * float(np.median(np.abs(np.diff(self.y)))) / np.sqrt(2) if self.n > 1 else 0.0
        self.rate = None if rate is None or len(rate) < 2 else np.interp(self.t, rate.steps, rate.values)

    def step(self, i: int) -> int:
        return int(self.t[i])

    def at(self, i: int, what: str = "loss") -> Evidence:
        return Evidence(self.step(i), what, float(self.y[i]))

    def rate_at(self, i: int) -> list[Evidence]:
        return [] if self.rate is None else [Evidence(self.step(i), "rate", float(self.rate[i]))]

    def part(self, a: float, b: float) -> slice:
        return slice(int(a * self.n), max(int(b * self.n), int(a * self.n) + 2))

    def slope(self, a: float, b: float) -> float:
        part = self.part(a, b)
        return float(np.polyfit(self.t[part], self.y[part], 1)[0])

    def mean_rate(self, a: float, b: float) -> float:
        return 1.0 if self.rate is None else float(self.rate[self.part(a, b)].mean())


def loss_findings(log: Log, schedule: Schedule) -> Iterator[Finding]:
    """Yields what a log's training losses show.

    Args:
        log: With losses.
        schedule: The schedule of the run, to be changed in remedies.
    """
    series = log.get("loss")
    if series is None:
        return
    series = series.last_pass()
    rate = log.get("rate")
    rate = None if rate is None else rate.last_pass().finite()
    bad = np.nonzero(~np.isfinite(series.values))[0]
    if len(bad):
        yield _not_finite(series, rate, int(bad[0]), len(bad), schedule)
    first = int(bad[0]) if len(bad) else len(series)
    if first < _LEAST:
        return
    curve = _Curve(Series(series.steps[:first], series.values[:first]), rate)
    diverged = None if len(bad) else _diverges(curve, schedule)
    if diverged is not None:
        yield diverged
        return
    began = _start(curve, schedule)
    if began is not None:
        yield began
    if len(bad):
        return
    gradients = log.get("gradient_norm")
    late = _saddle(curve, gradients, schedule) or _slow(curve, schedule) or _late(curve, schedule)
    if late is not None:
        yield late


def _times(factor: float, schedule: Schedule) -> str:
    return str(factor * schedule)


def _not_finite(series: Series, rate: Series | None, k: int, count: int, schedule: Schedule) -> Finding:
    evidence = [Evidence(int(series.steps[k]), "loss", float(series.values[k]))]
    if k:
        evidence.insert(0, Evidence(int(series.steps[k - 1]), "last finite loss", float(series.values[k - 1])))
    if rate is not None and len(rate):
        evidence.append(
            Evidence(int(series.steps[k]), "rate", float(np.interp(series.steps[k], rate.steps, rate.values)))
        )
    recovered = bool(np.isfinite(series.values[k:]).mean() > 0.5)
    return Finding(
        "not finite",
        f"The loss is not finite at step {int(series.steps[k])}"
        + (f" and {count - 1} times more." if count > 1 else ", once." if recovered else "."),
        tuple(evidence),
        0.6 if recovered else 0.95,
        "Cut the rate by 10 and try again; with a warmup if it fails within the first steps.",
        _times(0.1, schedule),
    )


def _diverges(c: _Curve, schedule: Schedule) -> Finding | None:
    """The loss ends well above its start, or has lost again most of what it had won."""
    margin = 6 * c.noise
    worse = c.end > c.start + max(0.3 * abs(c.start), margin)
    lost = c.start - c.low > max(margin, 0.1 * abs(c.start)) and c.end > c.low + max(0.6 * (c.start - c.low), margin)
    if not (worse or lost):
        return None
    limit = c.start if worse else (c.low + c.end) / 2
    below = np.nonzero(c.smooth <= limit)[0]
    i = min(int(below[-1]) + 1 if len(below) else 0, c.n - 1)
    early = c.t[i] <= c.t[0] + 0.2 * (c.t[-1] - c.t[0])
    best = int(c.smooth.argmin())
    evidence = (
        Evidence(c.step(0), "loss at the start", c.start),
        c.at(best, "loss near its lowest"),
        c.at(i),
        Evidence(c.step(-1), "loss at the end", c.end),
    )
    return Finding(
        "diverges",
        f"The loss rises from about step {c.step(i)} and does not come back: it ends at {c.end:.4g}, having started at {c.start:.4g}.",
        (*evidence, *c.rate_at(i)),
        0.9 if worse else 0.8,
        "Cut the rate by 10 and try again" + ("." if early else f", or let it fall before step {c.step(i)}."),
        _times(0.1, schedule),
    )


def _start(c: _Curve, schedule: Schedule) -> Finding | None:
    """A peak within the first tenth, well above the first losses, that training recovers from."""
    first = float(np.median(c.y[:3])) if c.n >= 60 else float(c.y[0])
    window = max(5, c.n // 10)
    head = running_median(c.y[:window], 3)
    i = int(head.argmax())
    if i == 0 or head[i] < first + max(0.25 * abs(first), 6 * c.noise) or c.end >= head[i]:
        return None
    evidence = (
        c.at(0, "first loss"),
        c.at(i, "loss at the peak"),
        Evidence(c.step(-1), "loss at the end", c.end),
        *c.rate_at(0),
        *c.rate_at(i),
    )
    if c.end > 0.6 * first:
        return Finding(
            "fine-tuning too fast",
            f"The first loss, {first:.4g}, was nearly as good as the last, {c.end:.4g}; in between it went up to {head[i]:.4g}.",
            evidence,
            0.7,
            "The model was trained already: start near 1e-4, or a tenth of this rate, with a short warmup.",
            _times(0.1, schedule),
        )
    warmed = c.rate is not None and c.rate[0] < 0.3 * float(c.rate.max())
    steps = max(10, 2 * c.step(i), int(0.05 * (c.t[-1] - c.t[0])))
    rest = max(int(c.t[-1]) - steps, 1)
    return Finding(
        "unstable start",
        f"The loss goes from {first:.4g} up to {head[i]:.4g} at step {c.step(i)} before it falls.",
        evidence,
        0.6 if warmed else 0.8,
        "Make the warmup longer." if warmed else "Begin with a warmup.",
        str(warmup(steps) >> cosine(rest)),
    )


def _slow(c: _Curve, schedule: Schedule) -> Finding | None:
    """A smooth fall, small, and as steep at the end as at the beginning; or no fall at all."""
    fall = c.start - c.end
    if c.start <= 0 or c.n < 30:
        return None
    evidence = [
        Evidence(c.step(0), "loss at the start", c.start),
        Evidence(c.step(-1), "loss at the end", c.end),
        *c.rate_at(c.n // 2),
    ]
    sure = 6 * c.noise / np.sqrt(max(c.n / 10, 1))
    if abs(fall) <= max(sure, 0.005 * c.start):
        if c.start - c.low > 10 * c.noise or c.noise > 0.2 * c.start:
            return None
        says = f"The loss does not fall: {c.start:.4g} at the start, {c.end:.4g} at the end."
        return Finding(
            "falls slowly", says, tuple(evidence), 0.6, "Raise the rate 5 to 10 times.", _times(10, schedule)
        )
    early, late = c.slope(0.0, 1 / 3), c.slope(2 / 3, 1.0)
    if early >= 0 or late >= 0 or fall > 0.25 * c.start or fall < 4 * c.noise:
        return None
    before, after = c.mean_rate(0.0, 1 / 3), c.mean_rate(2 / 3, 1.0)
    steady = (late / max(after, 1e-300)) / (early / max(before, 1e-300))
    if steady < 0.5:
        return None
    evidence += [
        Evidence(c.step(c.n // 6), "loss per update, first third", early),
        Evidence(c.step(-c.n // 6), "loss per update, last third", late),
    ]
    says = (
        f"The loss falls by only {fall / c.start:.0%}, smoothly, and at the end about as steadily as at the beginning."
    )
    return Finding("falls slowly", says, tuple(evidence), 0.75, "Raise the rate 5 to 10 times.", _times(5, schedule))


def _saddle(c: _Curve, gradients: Series | None, schedule: Schedule) -> Finding | None:
    """A plateau at a high loss on which the gradients are gone."""
    if gradients is None or len(gradients) < _LEAST:
        return None
    norms = gradients.last_pass().finite()
    if len(norms) < _LEAST:
        return None
    g = running_median(norms.values, 5)
    early, late = float(g[: max(3, len(g) // 10)].max()), float(np.median(g[-len(g) // 5 :]))
    part = c.part(0.7, 1.0)
    flat = abs(float(c.smooth[part][0] - c.smooth[part][-1])) < max(0.02 * abs(c.start), 3 * c.noise)
    if not (flat and late < 0.02 * early and c.end > 0.5 * c.start > 0):
        return None
    begin = int(np.nonzero(g < 0.02 * early)[0][0])
    evidence = (
        Evidence(int(norms.steps[0]), "gradient norm, early", early),
        Evidence(int(norms.steps[begin]), "gradient norm", float(g[begin])),
        Evidence(int(norms.steps[-1]), "gradient norm, late", late),
        Evidence(c.step(-1), "loss", c.end),
    )
    at = int(norms.steps[begin])
    bump = schedule * (Hold(max(at, 1)) >> Hold(max(at // 5, 10), 5.0) >> Hold())
    return Finding(
        "plateau without gradients",
        f"The loss stays at {c.end:.4g} while the gradient norm has fallen from {early:.3g} to {late:.3g}: a saddle, not a minimum.",
        evidence,
        0.7,
        f"Raise the rate 5 times for a while from step {at} on.",
        str(bump),
    )


def _late(c: _Curve, schedule: Schedule) -> Finding | None:
    """A plateau, or growing swings, at a rate that has not been lowered."""
    if c.rate is not None:
        tail = c.rate[c.part(0.6, 1.0)]
        if float(tail.mean()) < 0.4 * float(c.rate.max()) or (np.diff(tail) > 0.1 * c.rate.max()).any():
            return None
    swings = _swings(c)
    if swings is not None:
        early, late, zigzag = swings
        return Finding(
            "oscillates late",
            f"Around its trend the loss swings by {late:.1%} in the last third"
            + (", up and down with every entry." if zigzag else f", by {early:.1%} before."),
            (
                Evidence(c.step(c.n // 4), "relative swing before", early),
                Evidence(c.step(-c.n // 6), "relative swing in the last third", late),
                *c.rate_at(-1),
            ),
            0.7,
            "Lower the rate late in the run: let it decay.",
            _decay(c, schedule),
        )
    if c.rate is None:
        return None
    fall = c.start - c.low
    a, b = c.part(0.5, 0.65), c.part(0.85, 1.0)
    change = float(np.median(c.y[a]) - np.median(c.y[b]))
    chance = 4 * c.noise / np.sqrt(max(c.n * 0.15, 1)) * 1.25
    if fall < max(8 * c.noise / np.sqrt(max(c.n / 20, 1)), 0.1 * abs(c.start)) or change > max(0.015 * fall, chance):
        return None
    if chance > 0.05 * fall:
        return None
    return Finding(
        "stalls",
        f"The loss has not fallen since about step {c.step(c.n // 2)}, and the rate is still high.",
        (
            Evidence(c.step(a.start), "loss", float(np.median(c.y[a]))),
            Evidence(c.step(-1), "loss", float(np.median(c.y[b]))),
            *c.rate_at(c.n // 2),
            *c.rate_at(-1),
        ),
        0.6,
        "Lower the rate from there on: let it decay.",
        _decay(c, schedule),
    )


def _decay(c: _Curve, schedule: Schedule) -> str:
    half = max(c.step(c.n // 2), 1)
    rest = max(int(c.t[-1]) - half, 1)
    return str(schedule * (Hold(half) >> cosine(rest)))


def _swings(c: _Curve) -> tuple[float, float, bool] | None:
    """Returns the relative swings before and in the last third, if the later ones are large and have grown or alternate."""

    def around(part: slice) -> tuple[float, Array]:
        x = np.linspace(-1, 1, part.stop - part.start)
        y = c.y[part]
        rest: Any = y - np.polyval(np.polyfit(x, y, 2), x)
        return float(np.std(rest) / max(abs(float(np.median(y))), 1e-300)), rest

    before, _ = around(c.part(0.25, 0.5))
    late, rest = around(c.part(2 / 3, 1.0))
    varied = float((rest * rest).sum())
    zigzag = late > 0.05 and varied > 0 and float((rest[1:] * rest[:-1]).sum()) / varied < -0.6
    wave = late > 0.1 and varied > 0 and float((rest[1:] * rest[:-1]).sum()) / varied > 0.7 and _turning(rest) > 4
    grown = late > 0.1 and late > 2.5 * before
    return (before, late, zigzag) if zigzag or grown or wave else None


def _turning(rest: Array) -> int:
    """Returns how often a curve crosses zero."""
    return int((np.diff(np.sign(rest)) != 0).sum())
