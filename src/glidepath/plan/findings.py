"""What a check finds, and what can be said about one schedule over one run: is it what its author meant?"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, ClassVar

from ..core import Answer, Chain, Hold, Problem, Product, Ramp, Schedule, shorthand, shown
from ..core.fields import MAX_STEPS
from ..core.text import Reader
from .duration import plural, quoted, word_of
from .findings_strings import FINDINGS, Level
from .model import Plan
from .rules import Rule


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


class Findings(list[Finding]):
    """Collects findings."""

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
        self.append(Finding(where, field, rule, text, remedy, key.partition(" ")[0], level))

    def refuse(self, code: str, problems: Iterable[Problem]) -> None:
        """Adds problems as errors."""
        self += [Finding(p.where, p.field, p.rule, p.value, p.remedy, code) for p in problems]


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
    def ok(self) -> bool:
        """Whether there is no error."""
        return all(finding.level != "error" for finding in self.findings)

    def lines(self) -> list[str]:
        """Returns the report as lines of text."""
        found = [f"{finding.level}: {finding}  [{finding.code}]" for finding in self.findings]
        errors = sum(finding.level == "error" for finding in self.findings)
        last = f"{plural(errors, 'error')}, {plural(len(found) - errors, 'warning')}"
        return [*self.derivation, *self.schedules, *found, last]

    def __str__(self) -> str:
        return "\n".join(self.lines())


# One schedule ---------------------------------------------------------------------------------------------------------------------------

_TINY = 10
_SEEN = 4096
_RAMPS = {*shorthand.__all__} - {"chain", "maximum", "minimum"}  # words for one phase


def check_words(found: Findings, where: str, text: str) -> None:
    """Looks at the words of a text: a decay whose floor lies above its peak, a warmup that falls."""
    reader = Reader(text)
    for length in quoted(reader.tree):
        length.value = 1  # how long a phase is does not matter here
    for node in ast.walk(reader.tree):
        word = word_of(node)
        nested = sum(isinstance(inner, ast.Call) for inner in ast.walk(node)) > 1
        phase = None if word not in _RAMPS or nested else reader.value(node)
        if isinstance(phase, Ramp) and word == "warmup" and phase.start > phase.end:
            found.add("falling-warmup", where, f"{phase.start:g}")
        elif isinstance(phase, Ramp) and word != "warmup" and phase.start < phase.end:
            found.add("rising-decay", where, f"{phase.end:g}", word=word, peak=phase.start)


def check_curve(found: Findings, where: str, plan: Plan, rule: Rule, schedule: Schedule) -> None:
    """Looks at the values of a rule's schedule over the plan's run, and of those that nothing is known of at its seams."""
    total, clock, duration, rate = plan.total, plan.clock, schedule.duration, rule.parameter == "lr"
    phases, starts = _phases(schedule)
    peak = max(abs(phase(at)) for phase in phases for at in (0, phase.duration) if at != math.inf)
    for (before, after), start in zip(pairwise(phases), starts[1:], strict=True):
        left, right = before(before.duration), after(0)
        stairs = isinstance(before, Hold) and isinstance(after, Hold)  # are meant
        if abs(right - left) > 1e-6 * peak and not stairs and (total is None or start < total):
            found.add("jump", where, f"{left:g}, then {right:g}", start=start, clock=clock)
    if total is None:
        return
    if total < _TINY:
        found.add("tiny-run", where, f"{total}", least=_TINY, clock=clock)
    closing = phases[-1]
    if rate and isinstance(closing, Ramp) and closing.start < closing.end:
        found.add("ends-on-a-rise", where, f"{closing.start:g} rising to {closing.end:g}")
    values, first, last = _values(schedule, min(total, MAX_STEPS)), schedule(0), schedule(total)
    rising = takewhile(lambda phase: isinstance(phase, Ramp) and phase.start < phase.end, phases)
    warm, top, update = sum(phase.duration for phase in rising), max(values), plan.derived.first_update(clock)
    if rate and abs(first) <= 1e-6 * abs(top):
        other = " of another clock" if clock != "updates" and update is not None and warm else ""
        start = float(update / (warm + update)) if other and update else 0.0
        found.add(f"first-update-zero{other}", where, f"{first:.3g}", start=start)
    if total < duration != math.inf:
        if warm >= total:
            found.add("warmup-too-long", where, f"{warm}", total=total, clock=clock)
        whole = max(_values(schedule, int(duration)))
        if top < whole - 1e-9 * abs(whole):
            found.add("peak-never-reached", where, f"{top:g} out of {whole:g}", total=total, clock=clock)
        for i, start in enumerate(starts):
            if start >= total:
                facts = {"number": i + 1, "piece": str(phases[i])[:60], "total": total}
                found.add("phase-never-begins", where, f"a beginning at {start}", **facts)
        found.add("cut-off", where, f"{duration}", total=total, clock=clock, last=last, end=schedule(duration))
    elif duration < total:
        facts = {"total": total, "clock": clock, "held": schedule(duration), "left": total - int(duration)}
        found.add("over-before-the-end", where, f"{duration:.15g}", **facts)
    if rule.ends is not None and not math.isclose(last, rule.ends, rel_tol=1e-9, abs_tol=1e-12):
        found.add("last-value", where, f"{last!r} at {total}", ends=rule.ends)
    if rule.parameter in ("lr", "weight_decay", "momentum") and min(values) < 0:
        found.add("negative", where, f"{min(values):g}")
    if rule.absolute and rule.floor is not None and last < rule.floor:
        found.add("floor-reached", where, f"{last:g}", floor=rule.floor)


def _phases(schedule: Schedule) -> tuple[tuple[Schedule, ...], tuple[int, ...]]:
    """Returns the phases of a chain, or of one that is multiplied, and where they begin."""
    parts = schedule.parts if isinstance(schedule, Product) else (schedule,)
    chain = next((part for part in parts if isinstance(part, Chain)), None)
    return ((schedule,), (0,)) if chain is None else (chain.phases, chain.starts)


def places(last: int) -> list[int]:
    """Returns the steps from 0 to `last` that are looked at: all where they are few, else 4096 of them."""
    return list(range(last + 1)) if last < _SEEN else sorted({round(last * k / (_SEEN - 1)) for k in range(_SEEN)})


def _values(schedule: Schedule, last: int) -> list[float]:
    last = last if schedule.closed else min(last, 1_000_000)
    edges = _phases(schedule)[1][:_SEEN] if last >= _SEEN else ()
    near = (edge + side for edge in edges for side in (-1, 0, 1))
    return [schedule(step) for step in (*places(last), *near) if 0 <= step <= last]
