"""What a check finds, and what can be said about one schedule over one run: is it what its author meant?"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

from ..core import Answer, Chain, GlidepathError, Hold, Problem, Product, Ramp, Schedule, shorthand, shown
from ..core.fields import MAX_STEPS, number
from ..core.text import Reader
from .findings_strings import FINDINGS

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding(Problem, Answer):
    """One thing that a plan's author should know.

    Args:
        where: The path of the part, such as `$.rules[0]`.
        field: The field, or an empty string.
        rule: What it should be.
        value: What it is.
        remedy: What to do.
        code: A word for the kind of finding, which stays.
        level: `error` where the run would not do what the plan says, `warning` where it probably would not.
    """

    told: ClassVar[str] = "level code where field rule value remedy"
    code: str = ""
    level: Level = "error"


class Findings:
    """Collects findings."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def add(self, key: str, where: str, value: Any, **facts: Any) -> None:
        """Adds a finding of the table.

        Args:
            key: In the table; its first word is the code.
            where: The path of the part.
            value: What was found instead.
            facts: What the words of the table leave open.
        """
        *words, level = FINDINGS[key]
        field, rule, remedy = (text.format_map(facts) for text in words)
        text = value if isinstance(value, str) else shown(value)
        self.all.append(Finding(where, field, rule, text, remedy, key.partition(" ")[0], level))

    def extend(self, code: str, problems: Iterable[Problem]) -> None:
        """Adds problems as errors."""
        for p in problems:
            self.all.append(Finding(p.where, p.field, p.rule, p.value, p.remedy, code, "error"))


@dataclass(frozen=True)
class Report(Answer):
    """All findings of one plan.

    Args:
        findings: Errors first, each kind in the order of the plan.
        derivation: How the length of the run was derived, a sentence each.
        schedules: What each rule drives, and with which schedule of the core.
    """

    told: ClassVar[str] = "ok findings derivation schedules"
    findings: tuple[Finding, ...]
    derivation: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def lines(self) -> list[str]:
        """Returns the report as lines of text."""
        lines = [*self.derivation, *self.schedules]
        lines += [f"{finding.level}: {finding}  [{finding.code}]" for finding in self.findings]
        warnings = len(self.findings) - len(self.errors)
        return [*lines, f"{_count(len(self.errors), 'error')}, {_count(warnings, 'warning')}"]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


# One schedule ---------------------------------------------------------------------------------------------------------------------------

_TINY = 10
_SEEN = 4096


def check_words(found: Findings, where: str, text: str) -> None:
    """Looks at the words of a text: a decay whose floor lies above its peak, a warmup that falls."""
    try:
        tree = Reader(text).tree
    except GlidepathError:
        return  # reported elsewhere
    for node in ast.walk(tree):
        word = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if not isinstance(node, ast.Call) or word not in shorthand.__all__:
            continue
        parameters = inspect.signature(getattr(shorthand, word)).parameters
        given = dict(zip(parameters, node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
        floor, peak, start = (
            _literal(given[name]) if name in given else parameters[name].default if name in parameters else None
            for name in ("floor", "peak", "start")
        )
        if floor is not None and peak is not None and floor > peak:
            found.add("rising-decay", where, f"{floor:g}", word=word, peak=peak)
        if word == "warmup" and start is not None and start > 1.0:
            found.add("falling-warmup", where, f"{start:g}")


def _literal(node: ast.AST) -> float | None:
    try:
        return number(ast.literal_eval(node))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None


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
    top = max(_values(schedule, min(total, MAX_STEPS)))
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
    if parameter in ("lr", "weight_decay", "momentum") and (lowest := min(_values(schedule, total))) < 0:
        found.add("negative", where, f"{lowest:g}")


def _cut_off(
    found: Findings, where: str, schedule: Schedule, chain: Chain | None, total: int, clock: str, top: float
) -> None:
    """The schedule is longer than the run."""
    duration = int(schedule.duration)
    warm = _warmup(chain)
    if warm >= total:
        found.add("warmup-too-long", where, f"{warm}", total=total, clock=clock)
    whole = max(_values(schedule, duration))
    if top < whole - 1e-9 * abs(whole):
        found.add("peak-never-reached", where, f"{top:g} out of {whole:g}", total=total, clock=clock)
    for i, start in enumerate(chain.starts if chain is not None else ()):
        if chain is not None and start >= total:
            facts = {"number": i + 1, "piece": str(chain.phases[i])[:60], "total": total}
            found.add("phase-never-begins", where, f"a beginning at {start}", **facts)
    end, last = schedule(duration), schedule(total)
    found.add("cut-off", where, f"{duration}", total=total, clock=clock, last=last, end=end)


def _seams(found: Findings, where: str, chain: Chain, total: int | None, clock: str) -> None:
    """Reports jumps where one phase ends and the next begins; stairs of holds are meant."""
    ends = [(phase, 0 if phase.duration == math.inf else phase.duration) for phase in chain.phases]
    peak = max(abs(value) for phase, end in ends for value in (phase(0), phase(end)))
    for i in range(1, len(chain.phases)):
        before, after = chain.phases[i - 1], chain.phases[i]
        if isinstance(before, Hold) and isinstance(after, Hold):
            continue
        left, right = before(before.duration), after(0)
        if abs(right - left) > 1e-6 * peak and (total is None or chain.starts[i] < total):
            found.add("jump", where, f"{left:g}, then {right:g}", start=chain.starts[i], clock=clock)


def _chain(schedule: Schedule) -> Chain | None:
    parts = schedule.parts if isinstance(schedule, Product) else (schedule,)
    return next((part for part in parts if isinstance(part, Chain)), None)


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
