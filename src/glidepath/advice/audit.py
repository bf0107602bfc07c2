"""The rate that was logged against the rate that was planned, or against what a schedule can look like."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..core import Chain, Schedule, text_for
from ..core.shorthand import cosine
from ..logs.log import Array, Series
from .candidate import nice
from .cycles import WAVES
from .finding import Evidence, Finding
from .fit import Fit, NoFit

_SAME = 0.01
_LEAST = 10
_WITH_PLAN = "glidepath advise RUN --plan SCHEDULE"
_FACTORS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
_ON_STAIRS = ("steps", "milestones", "levels", "exponential", "geometric")


def rate_finding(
    rate: Series, planned: Schedule | None, base: float | None, fitted: Callable[[], Fit | NoFit], complete: bool | None
) -> Finding | None:
    """Returns what logged rates show, or None.

    Args:
        rate: As logged, resumptions included.
        planned: The schedule they should follow, as a factor; None if nobody knows.
        base: Its base rate; None takes the one that fits best.
        fitted: What `fit` says of them, asked only where it is needed.
        complete: Whether the run is over; None if nobody knows.
    """
    clean = rate.last_pass().finite()
    t, y = clean.steps, clean.values
    if len(t) < _LEAST or y.max() <= 0:
        return None
    if planned is not None:
        return _against(t, y, planned, base, fitted, complete)
    return _alone(rate, t, y, fitted(), complete)


def _at(t: Array, y: Array, i: int, what: str = "rate") -> Evidence:
    return Evidence(int(t[i]), what, float(y[i]))


def _close(a: Array, b: Array, scale: float) -> bool:
    return bool(np.abs(a - b).max() <= _SAME * scale)


def _against(
    t: Array, y: Array, planned: Schedule, base: float | None, fitted: Callable[[], Fit | NoFit], complete: bool | None
) -> Finding | None:
    """Looks for the one explanation of the difference to the plan."""

    def explains(steps: Array) -> bool:
        shape = planned(np.maximum(steps, 0.0))
        used = shape > 0.05 * max(float(shape.max()), 1e-300)
        usual = float(np.median(y[used] / shape[used])) if used.any() else float(y.max())
        want = shape * (usual if base is None else base)
        return _close(want, y, max(float(want.max()), float(y.max())))

    if any(
        explains(t + shift) for shift in (0, -1, 1, -2, -3)
    ):  # a log may count from 1, or name the next update's rate
        return _unfinished(t, y, planned, complete is not False)
    for k in _FACTORS:
        if any(explains(k * t + d) for d in (0, k - 1, -k)):
            times = "twice" if k == 2 else f"{k} times"
            seen = _pairs(t, y, planned, base, planned(np.maximum(k * t, 0.0)))
            return Finding.of("stepped {times} per update", seen, str(planned.stretch(k)), k=k, times=times)
    for n in _stair(t, y):
        if any(explains(np.floor((t + d) / n)) for d in (0, 1, -1)):
            last = Evidence(int(t[-1]), "of the plan's factor", float(planned(t[-1] // n)))
            seen = (*_pairs(t, y, planned, base, planned(t // n)), last)
            return Finding.of("stepped per epoch", seen, str(planned.stretch(n)), n=n)
    shape = planned(t)
    head = slice(0, max(3, len(t) // 20))
    used = shape[head] > 0
    first = float(np.median(y[head][used] / shape[head][used])) if used.any() else float(y.max())
    leading = first if base is None else base
    want = leading * shape
    off = np.nonzero(np.abs(want - y) > _SAME * max(float(want.max()), 1e-300))[0]
    if len(off) and off[0] >= 3:
        return _from_there(t, y, want, planned, int(off[0]), _assumed(base, leading, "the first rates"))
    scale = y / np.where(want > 0, want, np.nan)
    ratio = float(np.nanmedian(scale)) if np.isfinite(scale).any() else math.nan
    seen = _pairs(t, y, planned, base, shape)
    if base is not None and math.isfinite(ratio) and _close(ratio * want, y, float(y.max())):
        paste = text_for(planned, float(f"{ratio * base:.6g}")) if not planned.absolute else str(ratio * planned)
        return Finding.of("another base rate", seen, paste, ratio=ratio)
    found = fitted()
    told, shown = (f"; they are {found}", found.text) if isinstance(found, Fit) else ("", str(planned))
    return Finding.of("another schedule", seen, f"glidepath show '{planned}' '{shown}'", found=told)


def _assumed(given: float | None, base: float, whence: str) -> tuple[Evidence, ...]:
    return () if given is not None else (Evidence(None, f"base rate inferred from {whence}", base),)


def _pairs(t: Array, y: Array, planned: Schedule, given: float | None, followed: Array) -> tuple[Evidence, ...]:
    """Returns where log and plan differ most; the base that nobody gave is what the log's peak is to that of the factors it followed."""
    peak = float(followed.max())
    base = given if given is not None else float(y.max()) / (peak if peak > 0 else 1.0)
    want = base * planned(t)
    i = int(np.abs(y - want).argmax())
    pair = (_at(t, y, i, "logged rate"), _at(t, want, i, "planned rate"))
    return (*pair, *_assumed(given, base, "the log's peak"))


def _from_there(t: Array, y: Array, want: Array, planned: Schedule, i: int, assumed: tuple[Evidence, ...]) -> Finding:
    """The plan was followed up to entry i: what came then?"""
    scale = float(want.max())
    evidence = (_at(t, y, i - 1, "rate, as planned"), _at(t, y, i), _at(t, want, i, "planned rate"), *assumed)
    resume = str(planned.shift(-int(t[i])))
    facts = {"step": int(t[i]), "rate": y[i], "before": y[i - 1], "planned": want[i]}
    if np.ptp(y[i:]) <= 1e-9 * scale and len(y) - i >= 3:
        facts["planned"] = want[-1]
        return Finding.of("constant after resume", (*evidence, _at(t, y, -1, "last rate")), resume, **facts)
    top = int(np.argmax(want))
    base = want[top] / max(float(planned(t[top])), 1e-300)
    for first in (0, 1):
        if _close(base * planned(t[i:] - (t[i] - first)), y[i:], scale):
            words = f"began again from its step {first}"
            return Finding.of("resumed with a jump: again", evidence, resume, words=words, **facts)
    jump = abs(y[i] - y[i - 1]) > 5 * max(abs(want[i] - want[i - 1]), _SAME * scale / 5)
    return Finding.of("resumed with a jump" if jump else "leaves the plan", evidence, resume, **facts)


def _unfinished(t: Array, y: Array, planned: Schedule, complete: bool) -> Finding | None:
    duration = planned.duration
    spacing = float(np.median(np.diff(t)))
    if not complete or duration == math.inf or t[-1] + max(2 * spacing, 0.02 * duration) >= duration:
        return None
    last, whole, final, reached = int(t[-1]), int(duration), float(planned(duration)), float(planned(t[-1]))
    if reached - final <= 0.02 * max(float(planned(t).max()), 1e-300):
        return None
    seen = Evidence(whole, "planned last factor", final), Evidence(last, "factor reached", reached)
    paste = str(planned.stretch(float(f"{t[-1] / duration:.6g}")))
    facts = {"step": last, "duration": whole, "reached": reached, "final": final}
    return Finding.of("never reached the floor", (_at(t, y, -1, "last rate"), *seen), paste, **facts)


def _stair(t: Array, y: Array) -> list[int]:
    """Returns the lengths of steps, in updates, in which the rate may have moved."""
    edges = t[1:][np.diff(y) != 0]
    gaps = np.diff(edges)
    n = int(np.median(gaps)) if len(gaps) else 0
    return sorted({n, int(gaps.min()), int(edges[0])} - {0, 1}, reverse=True) if n > 1 else []


def _alone(rate: Series, t: Array, y: Array, found: Fit | NoFit, complete: bool | None) -> Finding | None:
    """Without a plan: what no schedule does, and what a resumption left behind."""
    peak, change = float(y.max()), np.diff(y)
    if isinstance(found, NoFit) and (broken := _broken(rate, t, y, found)) is not None:
        return broken
    rising = bool((change >= 0).all()) and change.max() > 0 and y[-1] > y[0]
    stair = len(t) >= 100 and float((change == 0).mean()) > 0.9  # it rises with the epochs
    if rising and (complete or (stair and complete is None)) and (change[-max(1, len(change) // 5) :] > 0).any():
        seen, facts = (_at(t, y, 0), _at(t, y, -1, "last rate")), {"first": y[0], "rate": y[-1], "step": int(t[-1])}
        return Finding.of("never reached its peak", seen, _WITH_PLAN, **facts)
    if isinstance(found, NoFit):
        return None
    turned = int(np.nonzero(y <= y.min() + 1e-3 * peak)[0][0])
    if found.kind.startswith(WAVES) and complete is not False and t[-1] < 3.5 * t[turned]:
        facts = {"step": int(t[turned]), "low": y[turned], "rate": y[-1], "last": int(t[-1])}
        warm = found.schedule.phases[:1] if isinstance(found.schedule, Chain) else ()
        rest = int(t[-1] - sum(each.duration for each in warm))
        fall = cosine(rest, floor=nice(float(y[turned]) / peak) if y[turned] > 1e-3 * peak else 0.0)
        paste = text_for(Chain((*warm, fall)) if warm else fall, found.base)
        seen = (_at(t, y, turned, "lowest rate"), _at(t, y, -1, "last rate"))
        return Finding.of("goes up again", seen, paste, **facts)
    rest = int(np.nonzero(y > 1e-3 * peak)[0][-1]) + 1
    if len(y) - rest <= 0.35 * len(y) or any(word in found.kind for word in _ON_STAIRS):
        return None
    most = float(y[rest:].max())
    share = f", {100 * most / peak:.2g}% of its peak" if most > 0 else ""
    facts = {"step": int(t[rest]), "part": 1 - rest / len(y), "most": most, "share": share}
    paste = str((found.base * found.schedule).stretch(float(f"{t[-1] / max(float(t[rest]), 1.0):.4g}")))
    return Finding.of("at its floor early", (_at(t, y, rest), _at(t, y, -1, "last rate")), paste, **facts)


def _broken(rate: Series, t: Array, y: Array, found: NoFit) -> Finding | None:
    """Returns the jump, or the standstill, in rates that no schedule explains."""
    peak, change = float(y.max()), np.diff(y)
    size = np.abs(change)

    def jump(i: int) -> Finding:
        seen, facts = (_at(t, y, i - 1), _at(t, y, i)), {"step": int(t[i]), "before": y[i - 1], "rate": y[i]}
        return Finding.of("resumed with a jump: without a plan", seen, _WITH_PLAN, near=f" {found}", **facts)

    resumed = _resumed(rate)
    i = int(np.searchsorted(t, resumed)) if resumed is not None else 0  # the entry at which the run went on
    if 2 <= i < len(t) - 2 and size[i - 1] > max(
        0.1 * peak, 8 * float(np.median(size[max(0, i - 12) : i - 1]) + 1e-300)
    ):
        return jump(i)
    frozen = int(np.append(0, np.nonzero(size > 1e-9 * peak)[0] + 1)[-1])
    moved = bool((size[max(0, frozen - 6) : frozen] > 0).all())
    if frozen >= 5 and len(y) - frozen >= max(5, len(y) // 10) and moved and 0.02 * peak < y[-1] < 0.98 * peak:
        seen = (_at(t, y, frozen - 1), _at(t, y, frozen), _at(t, y, -1, "last rate"))
        facts = {"step": int(t[frozen]), "rate": y[-1]}
        return Finding.of("constant after resume: without a plan", seen, _WITH_PLAN, **facts)
    usual = float(np.median(size[size > 0])) if (size > 0).any() else 0.0
    after = np.append(change[1:], 0.0)  # a drop is a jump if the rate rises from there, as no decay in steps does
    fell = np.maximum.accumulate(np.append(False, change[:-1] < 0))  # a warmup of a few rows is no jump
    large = (fell & (change > 0.2 * peak)) | ((change < -0.2 * peak) & (after > 0))
    jumps = np.nonzero(large & (size > np.where(change > 0, 20, 8) * usual))[0]
    return jump(int(jumps[0]) + 1) if 1 <= len(jumps) <= 2 else None


def _resumed(rate: Series) -> float | None:
    """Returns the step at which a run went on, if the log shows it: its steps go back, or leave out many."""
    ahead = np.diff(rate.steps)
    back = np.nonzero(ahead <= 0)[0]
    usual = float(np.median(ahead))
    gaps = np.nonzero(ahead > max(10 * usual, usual + 10))[0]
    at = back if len(back) else gaps if len(gaps) == 1 else []
    return float(rate.steps[at[0] + 1]) if len(at) else None
