"""What can be said about one schedule over one run: is it what its author meant?"""

from __future__ import annotations

import ast
import math
from fractions import Fraction

from ..core.combinators import Chain, Product
from ..core.errors import GlidepathError
from ..core.fields import MAX_STEPS
from ..core.schedule import Schedule
from ..core.segments import Hold, Ramp
from ..core.text import Reader
from .findings import Findings

__all__ = ["check_curve", "check_words", "places"]

_FALLING = {
    "linear": 0.0,
    "cosine": 0.0,
    "polynomial": 0.0,
    "sqrt": 0.0,
    "one_minus_sqrt": 0.0,
    "rex": 0.0,
    "geometric": 0.01,
}
_TINY = 10
_SEEN = 4096


def check_words(found: Findings, where: str, text: str) -> None:
    """Looks at the words of a text: a decay whose floor lies above its peak, a warmup that falls."""
    try:
        tree = Reader(text).tree
    except GlidepathError:
        return  # reported elsewhere
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        word, given = node.func.id, {k.arg: k.value for k in node.keywords}
        if word in _FALLING:
            names = ("steps", "power", "floor", "peak") if word == "polynomial" else ("steps", "floor", "peak")
            given = dict(zip(names, node.args, strict=False)) | given
            floor, peak = _literal(given.get("floor"), _FALLING[word]), _literal(given.get("peak"), 1.0)
            if floor is not None and peak is not None and floor > peak:
                found.add("rising-decay", where, f"{floor:g}", word=word, peak=peak)
        if word == "warmup":
            given = dict(zip(("steps", "start"), node.args, strict=False)) | given
            start = _literal(given.get("start"), None)
            if start is not None and start > 1.0:
                found.add("falling-warmup", where, f"{start:g}")


def _literal(node: ast.AST | None, default: float | None) -> float | None:
    if node is None:
        return default
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    value = node.value if isinstance(node, ast.Constant) else None
    return None if isinstance(value, bool) or not isinstance(value, int | float) else sign * value


def check_curve(
    found: Findings,
    where: str,
    schedule: Schedule,
    total: int | None,
    clock: str,
    parameter: str,
    ends: float | None,
    update: Fraction | None = None,
) -> None:
    """Looks at the values of a schedule over a run.

    Args:
        found: Where findings are added.
        where: The path of the rule.
        schedule: The schedule, on the plan's clock.
        total: The length of the run; None if it is unknown.
        clock: The unit of both.
        parameter: The hyper-parameter.
        ends: The value that the schedule is meant to end on, or None.
        update: How far the first update moves the clock; None if it is unknown.
    """
    duration = schedule.duration
    chain = _chain(schedule)
    if chain is not None:
        _seams(found, where, chain, total, clock)
    if total is None:
        return
    if total < _TINY:
        found.add("tiny-run", where, f"{total}", least=_TINY, clock=clock)
    closing = chain.phases[-1] if chain is not None else schedule
    if parameter == "lr" and isinstance(closing, Ramp) and closing.start < closing.end:
        found.add("ends-on-a-rise", where, f"{closing.start:g} rising to {closing.end:g}")
    first = schedule(0)
    top = _highest(schedule, min(total, MAX_STEPS))
    if parameter == "lr" and abs(first) <= 1e-6 * abs(top):
        warm = _warmup(chain)
        if clock != "updates" and update is not None and warm:
            start = float(update / (warm + update))
            found.add("first-update-zero of another clock", where, f"{first:.3g}", start=start)
        else:
            found.add("first-update-zero", where, f"{first:.3g}")
    if duration != math.inf and duration > total:
        _cut_off(found, where, schedule, chain, total, clock, top)
    elif duration < total:
        facts = {"total": total, "clock": clock, "held": schedule(duration), "left": total - int(duration)}
        found.add("over-before-the-end", where, f"{duration:.15g}", **facts)
    last = schedule(total)
    if ends is not None and not math.isclose(last, ends, rel_tol=1e-9, abs_tol=1e-12):
        found.add("last-value", where, f"{last!r} at {total}", ends=ends)
    if parameter in ("lr", "weight_decay", "momentum") and _lowest(schedule, total) < 0:
        found.add("negative", where, f"{_lowest(schedule, total):g}")


def _cut_off(
    found: Findings, where: str, schedule: Schedule, chain: Chain | None, total: int, clock: str, top: float
) -> None:
    """The schedule is longer than the run."""
    duration = int(schedule.duration)
    warm = _warmup(chain)
    if warm >= total:
        found.add("warmup-too-long", where, f"{warm}", total=total, clock=clock)
    whole = _highest(schedule, duration)
    if top < whole - 1e-9 * abs(whole):
        found.add("peak-never-reached", where, f"{top:g} out of {whole:g}", total=total, clock=clock)
    if chain is not None:
        for i, start in enumerate(chain.starts):
            if start >= total:
                piece = str(chain.phases[i])[:60]
                found.add(
                    "phase-never-begins", where, f"a beginning at {start}", number=i + 1, piece=piece, total=total
                )
    end, last = schedule(duration), schedule(total)
    found.add("cut-off", where, f"{duration}", total=total, clock=clock, last=last, end=end)


def _seams(found: Findings, where: str, chain: Chain, total: int | None, clock: str) -> None:
    """Reports jumps where one phase ends and the next begins; stairs of holds are meant."""
    peak = max(
        (abs(v) for p in chain.phases for v in (p(0), p(p.duration if p.duration != math.inf else 0))), default=0.0
    )
    for i in range(1, len(chain.phases)):
        before, after = chain.phases[i - 1], chain.phases[i]
        if isinstance(before, Hold) and isinstance(after, Hold):
            continue
        left, right = before(before.duration), after(0)
        if abs(right - left) > 1e-6 * peak and (total is None or chain.starts[i] < total):
            found.add("jump", where, f"{left:g}, then {right:g}", start=chain.starts[i], clock=clock)


def _chain(schedule: Schedule) -> Chain | None:
    if isinstance(schedule, Chain):
        return schedule
    if isinstance(schedule, Product):
        return next((part for part in schedule.parts if isinstance(part, Chain)), None)
    return None


def _warmup(chain: Chain | None) -> int:
    """Returns the length of the rising phases that a chain begins with."""
    length = 0
    for phase in chain.phases if chain is not None else ():
        if not isinstance(phase, Ramp) or phase.start >= phase.end:
            break
        length += phase.steps
    return length


def places(last: int) -> list[int]:
    """Returns the steps from 0 to `last` that are looked at: all where they are few, else 4096 of them."""
    return list(range(last + 1)) if last < _SEEN else sorted({round(last * k / (_SEEN - 1)) for k in range(_SEEN)})


def _values(schedule: Schedule, last: int) -> list[float]:
    if not schedule.closed and last > 1_000_000:
        last = 1_000_000
    steps, chain = places(last), _chain(schedule)
    if chain is not None and last >= _SEEN:
        steps += [edge + side for edge in chain.starts[:_SEEN] for side in (-1, 0, 1) if 0 <= edge + side <= last]
    return [schedule(step) for step in steps]


def _highest(schedule: Schedule, last: int) -> float:
    return max(_values(schedule, last))


def _lowest(schedule: Schedule, last: int) -> float:
    return min(_values(schedule, last))
