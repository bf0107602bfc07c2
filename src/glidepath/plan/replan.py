"""Changing a plan that is under way: an early cooldown, a longer run. What was done is written into the plan's history."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from ..core import Chain, Checks, GlidepathError, Hold, Problem, Ramp, Schedule, Shift, Stretch, Until, taken
from ..core.curves import Curve
from ..core.fields import MAX_STEPS, Broken, Check, choice, number
from .duration import Duration, nearest
from .horizon import Horizon
from .model import Plan
from .progress import Progress, starts_at
from .rules import Change, Rule

ExtendRule = Annotated[Literal["stretch", "hold", "restretch"], choice("stretch", "hold", "restretch")]


def cooldown_from(
    plan: Plan,
    progress: Progress | int,
    length: int | str,
    *,
    curve: Curve | str = "linear",
    floor: float = 0.0,
    parameters: tuple[str, ...] = ("lr",),
) -> Plan:
    """Returns the plan that goes on as before until `progress`, and from there falls from the value it has to `floor`.

    There is no jump: the cooldown begins on the value of the old schedule. The run ends with the cooldown. Hyper-parameters that are not
    named go on as they were.

    Args:
        plan: The plan under way.
        progress: Where the run is: a `Progress`, or a position on the plan's clock.
        length: Of the cooldown: a position on the clock, or a duration such as `"10%"` (of the old run) or `"2e9 tokens"`.
        curve: The shape: `linear`, `one_minus_sqrt`, `cosine`, …
        floor: The value at the end, in the unit of the schedules.
        parameters: The hyper-parameters that cool down.

    Raises:
        GlidepathError: If an argument is refused, or the plan cannot be resolved.

    Source:
        Hägele et al. 2024, https://arxiv.org/abs/2405.18392
    """
    at, steps, shape = _place(plan, progress), length_of(plan, "cooldown_from", "length", length), Curve.of(curve)
    known = {rule.parameter for rule in plan.rules}
    if not known & {*parameters}:
        told = f"some that the plan drives ({', '.join(sorted(known))})"
        raise GlidepathError.of("cooldown_from", "parameters", told, parameters)
    rules = list[Rule]()
    for rule, old in zip(plan.rules, _own(plan), strict=True):
        cools = rule.parameter in parameters
        made = _until(old, at, Ramp(old(at), floor, steps, shape)) if cools else old
        rules.append(rule.replace(schedule=made, ends=None if cools else rule.ends))
    detail = f"length {steps}, curve {shape}, floor {floor:g}, {', '.join(parameters)}"
    return _changed(plan, rules, at + steps, "cooldown_from", at, detail)


def extend(plan: Plan, total: int | str | Plan, progress: Progress | int = 0, *, rule: ExtendRule = "stretch") -> Plan:
    r"""Returns the plan for a longer run.

    With $p$ the progress, $n$ the old length and $N$ the new one, the rules are:

    - `stretch`: until $p$ nothing changes; what is left of each schedule is stretched by $(N - p)/(n - p)$. No jump; the same end.
    - `hold`: until $p$ nothing changes; the value at $p$ is held for $N - n$, then what was left follows. No jump; the same end.
    - `restretch`: every duration is resolved again against the new length, and complete schedules are stretched by $N/n$, as if the run
      had been planned so. The value at $p$ may jump; the history says by how much.

    Args:
        plan: The plan under way.
        total: The new length: a position on the plan's clock, or a length such as `"5 epochs"` or `"4e9 tokens"`; or a plan, whose rules
            say it for those with the same title, each by the length of its plan or, where that is unknown, of its own schedule (`stretch`
            only; where the length is as before nothing changes).
        progress: Where the run is: a `Progress`, or a position on the plan's clock.
        rule: `stretch`, `hold` or `restretch`.

    Raises:
        GlidepathError: If the new length is not longer, the run is at its end already (`stretch`), or an argument is refused.
    """
    taken("extend", "rule", rule, ExtendRule)
    at = _place(plan, progress)
    if isinstance(total, Plan):
        return _as_long_as(plan, total, at)
    old = plan.total
    if old is None:
        raise GlidepathError.of("extend", "plan", "of known length", plan.horizon.length, "give horizon.length")
    length = total if isinstance(total, str) else f"{length_of(plan, 'extend', 'total', total)} {plan.clock}"
    horizon = plan.horizon.replace(length=length)
    new = plan.replace(rules=[Rule("hold()")], feedback=(), horizon=horizon).total
    if new is None or new <= old:
        told = new if new is None else f"{new} {plan.clock}"
        raise GlidepathError.of("extend", "total", f"longer than the run, {old} {plan.clock}", told)
    if at >= old and rule == "stretch":
        remedy = "nothing is left to stretch; use rule='hold'"
        raise GlidepathError.of("extend", "progress", f"before the end of the run, {old}", at, remedy)
    rules = list[Rule]()
    for each, schedule in zip(plan.rules, _own(plan), strict=True):
        made: Any = schedule
        if rule != "restretch":
            made = continued(schedule, at, old, new, rule)
        elif isinstance(each.schedule, str):
            made = each.schedule
        elif schedule.duration != math.inf:
            made = Stretch(schedule, new / old)
        rules.append(each.replace(schedule=made))
    return _changed(plan, rules, horizon, "extend", at, f"rule {rule}, from {old} to {new} {plan.clock}")


def _as_long_as(plan: Plan, other: Plan, at: int) -> Plan:
    """Returns a plan with what is left of its schedules stretched to the length that another plan's have."""
    ends = {rule.title: other.total or s.duration for rule, s in zip(other.rules, _own(other), strict=True)}
    checks, rules = Checks("extend"), list[Rule]()
    if plan.clock != other.clock:
        checks.refuse("clock", f"that of the plan, {plan.clock}", other.clock)
        checks.done()
    for rule, schedule in zip(plan.rules, _own(plan), strict=True):
        old, new, field = plan.total or schedule.duration, ends.get(rule.title), f"the duration of {rule.title}"
        if new is None:
            checks.problems.append(Problem("extend", rule.title, "driven in the present plan too", "no rule"))
        elif math.inf in (old, new):
            checks.problems.append(Problem("extend", field, "finite in both plans", f"{old} and {new}"))
        elif at >= old:
            told = "nothing is left to stretch; use override"
            checks.refuse(field, f"more than the {at} {plan.clock} done", old, told)
        elif new < old:
            checks.refuse(field, f"at least the saved {old}", new)
        else:
            longer = schedule if new == old else continued(schedule, at, int(old), int(new), "stretch")
            rules.append(rule.replace(schedule=longer))
    checks.done()
    return _changed(plan, rules, other.horizon, "extend", at, f"rule stretch, to {other.total or 'the present plan'}")


def continued(schedule: Schedule, at: int, old: int, new: int, rule: str) -> Schedule:
    """Returns a schedule that is as before until `at`, and then longer."""
    rest = [] if at >= schedule.duration else [Shift(schedule, -at) if at else schedule]
    if rule == "hold":
        return _until(schedule, at, Hold(new - old, schedule(at)), *rest)
    return _until(schedule, at, Stretch(rest[0], (new - at) / (old - at))) if rest else schedule


def _until(schedule: Schedule, at: int, *phases: Schedule) -> Schedule:
    """Returns a schedule as it is until `at`, and then phases."""
    made = [*([Until(schedule, at)] if at else []), *phases]
    return Chain(made) if len(made) > 1 else made[0]


def _own(plan: Plan) -> tuple[Schedule, ...]:
    """Returns the schedule of each rule without what the batch size contributes."""
    made = plan.schedules()
    if plan.batch is None:
        return made
    return plan.replace(batch=plan.batch.replace(coupling="none")).schedules()


def _place(plan: Plan, progress: Any) -> int:
    at = plan.position(progress) if isinstance(progress, Progress) else number(progress)
    if at is None or not 0 <= at <= MAX_STEPS or at != math.floor(at):
        rule = f"a Progress, or a whole position on a clock of {plan.clock}"
        raise GlidepathError.of("re-planning", "progress", rule, progress)
    return int(at)


def length_of(plan: Plan, where: str, field: str, given: Any) -> int:
    """Returns a length on the plan's clock."""

    def steps(value: Any) -> int:
        plain = (
            nearest(plan.derived.counted(Duration.parse(value), plan.clock))
            if isinstance(value, str)
            else number(value)
        )
        if plain is None or not 1 <= plain <= MAX_STEPS or plain != int(plain):
            raise Broken(f"a length of at least one of the clock's {plan.clock}, or a duration such as '10%'")
        return int(plain)

    return taken(where, field, given, Check(steps))


def _changed(plan: Plan, rules: list[Rule], end: int | Horizon, action: str, at: int, detail: str) -> Plan:
    """Returns the plan with new rules, a new length and an entry in its history."""
    horizon = end if isinstance(end, Horizon) else plan.horizon.replace(length=f"{end} {plan.clock}")
    batch, feedback = plan.batch, plan.feedback
    if "restretch" not in detail:  # what was resolved against the old length stays as it was
        batch = None if batch is None else batch.replace(schedule=plan.ramp)
        feedback = tuple(part.replace(after=math.ceil(starts_at(plan, part.after))) for part in feedback)
    made = plan.replace(rules=tuple(rules), horizon=horizon, batch=batch, feedback=feedback)
    jump = max(abs(new(at) - old(at)) for new, old in zip(_own(made), _own(plan), strict=True))
    return made.replace(history=(*plan.history, Change(action, at, detail, plan.fingerprint, jump)))
