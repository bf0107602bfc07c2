"""What a checkpoint holds, and how a run goes on from it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from ..core import GlidepathError, Problem, Schedule, digest, problem_of, refuse, shown
from ..core.fields import MAX_STEPS, Index, number
from ..plan import Plan, Rule
from ..plan.difference import sentences
from ..plan.given import Policy
from ..plan.progress import COUNTS
from .group_rules import Seat, held, name_of
from .progress import Attachment

__all__ = ["Resumed", "ResumedWarning"]

FORMAT = 2
_COUNTS = (*COUNTS, "groups")
_FIRST = ("plan", "fingerprint", "bases", "scales", "check")
_TEXTS = {1: _FIRST, 2: (*_FIRST, "states", "batch")}
# a state stays small for any number of groups; where there are more bases than this only their hash is kept
_MOST_ROWS = 64


@dataclass(frozen=True)
class Saved:
    """A state that was read and checked."""

    plan: Plan
    batch: tuple[int, int]
    updates: int
    samples: int
    tokens: int
    groups: int
    bases: str
    scales: tuple[float, ...]
    states: tuple[Any, ...]

    def rows(self) -> list[tuple[float, float, int, Any]] | None:
        """Returns each driven value's base, the base that the run was given, its start and what the group held; None if they are unknown."""
        try:
            rows = json.loads(self.bases.partition(" ")[2])
            made = [(float(b), float(o), int(s), h) for _, _, count, b, o, s, h in rows for _ in range(int(count))]
        except (ValueError, TypeError, RecursionError):
            return None
        return made if len(made) == self.groups else None


@dataclass(frozen=True)
class Resumed:
    """How a run went on from a checkpoint.

    Args:
        policy: `strict`, `keep`, `override` or `extend`.
        updates: The updates that were done when it was saved.
        differences: What differs between the saved plan and the present one, a sentence each.
        seams: For each rule, the value (or factor) that the saved plan gives the next update, and the one that is used.
        bases: Where a base is not the same everywhere: whose it is, what was saved, what was found, and what is used.
    """

    policy: str
    updates: int
    differences: tuple[str, ...] = ()
    seams: tuple[tuple[str, float, float], ...] = ()
    bases: tuple[tuple[str, float, float, float], ...] = ()

    @property
    def jump(self) -> float:
        """The largest size of a jump at the seam, in the unit of the schedules."""
        return max((abs(after - before) for _, before, after in self.seams), default=0.0)

    def __str__(self) -> str:
        lines = [f"resumed after {self.updates} updates ({self.policy})", *self.differences]
        lines += ["base of {}: saved {!r}, found {!r}, used {!r}".format(*base) for base in self.bases]
        lines += ["{}: {!r} -> {!r} at the seam".format(*seam) for seam in self.seams if seam[1] != seam[2]]
        return "\n".join(lines)


class ResumedWarning(UserWarning):
    """A bridge went on from a checkpoint that differs from the present run: the report, for where a framework throws it away."""


def bases_of(seated: Sequence[Sequence[Seat]], found: Sequence[tuple[float, int]] | None = None) -> tuple[int, str]:
    """Returns the number of seats, and a hash of their names, bases and starts that does not depend on their order.

    Behind the hash are the bases themselves, those in a row that are equal as one; only the first where there are too many.

    Args:
        seated: The seats of each rule.
        found: Other bases and starts for them.
    """
    every = [(n, seat) for n, seats in enumerate(seated) for seat in seats]
    pairs = [(seat.base, seat.start) for _, seat in every] if found is None else found
    names, rows = list[str](), list[tuple[str, tuple[Any, ...]]]()
    for (n, seat), (base, start) in zip(every, pairs, strict=True):
        names.append(f"{n}|{name_of(seat.group) or ''}|{base.hex()}|{start}")
        value = number(held(seat.rule, seat.group)) if seat.rule.key in seat.group else None
        now = float(value) if value is not None and math.isfinite(value) else None
        rows.append((seat.label, (seat.rule.parameter, base, seat.own, start, now)))
    mark = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    if not rows:
        return 0, mark
    same = [list(equal) for _, equal in groupby(rows, lambda row: row[1])]
    runs = [[label[:60], key[0], len(members), *key[1:]] for members in same for label, key in members[:1]]
    plain = json.dumps(runs if len(runs) <= _MOST_ROWS else runs[:1], separators=(",", ":"))
    return len(rows), f"{mark} {plain}"


def state_of(run: Attachment, bases: tuple[int, str]) -> dict[str, Any]:
    """Returns the state of a run: text and integers, the same keys for every plan and any number of groups."""
    state: dict[str, Any] = {
        "format": FORMAT,
        "plan": _whole(run.plan),
        "fingerprint": run.plan.fingerprint,
        **{name: getattr(run, name) for name in COUNTS},
        **dict(zip(("groups", "bases"), bases, strict=True)),
        "scales": json.dumps(run.scales),
        "states": json.dumps(run.progress.to_dict()["states"], allow_nan=False),
        "batch": json.dumps(run.batch),
    }
    return state | {"check": _check(state)}


def _whole(plan: Plan) -> str:
    """Returns a plan as JSON text, its schedules as data: a registered formula then brings the hash of its source."""
    rows = [(rule.to_dict(), rule.schedule) for rule in plan.rules]
    rules = [row | ({"schedule": made.to_dict()} if isinstance(made, Schedule) else {}) for row, made in rows]
    return json.dumps(plan.to_dict() | {"rules": rules}, separators=(",", ":"), allow_nan=False)


def _check(state: dict[str, Any]) -> str:
    rest = {key: value for key, value in state.items() if key != "check"}
    if state["format"] == 1:  # spelled as it was then
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]
    return digest(rest)[:16]


def of_torch(state: Any) -> int | None:
    """Returns the updates that the state of one of PyTorch's own schedulers tells of; None if it is none."""
    done = state.get("last_epoch") if isinstance(state, dict) and "format" not in state else None
    return done if isinstance(done, int) and not isinstance(done, bool) and 0 <= done <= MAX_STEPS else None


def read_state(state: Any) -> Saved:
    """Returns what a state says, of this format or of the one before.

    Raises:
        GlidepathError: With every problem: keys that are missing or unknown, values that are none, a sum that does not match.
    """
    where = "checkpoint"
    if not isinstance(state, dict) or not state:
        raise GlidepathError.of(where, "", "the state of a glidepath scheduler", state)
    form, rule, remedy = state.get("format"), f"{FORMAT}, as in the state of a glidepath scheduler", ""
    if type(form) is not int or form not in _TEXTS:
        if type(form) is int and form > FORMAT:
            rule, remedy = f"at most {FORMAT}", "it was saved by a newer glidepath"
        elif of_torch(state) is not None:
            remedy = f'it is of a PyTorch scheduler: resume="override", or seek({state["last_epoch"]}), goes on where that was'
        got = form if "format" in state else f"a dict with the keys {', '.join(sorted(map(str, state))[:8])}"
        raise GlidepathError.of(where, "format", rule, got, remedy)
    known = ("format", *_COUNTS, *_TEXTS[form])
    unknown = [key for key in state if key not in known]
    texts = [key for key in _TEXTS[form] if not isinstance(state.get(key, ""), str)]
    problems = [Problem(where, key, "given", "nothing") for key in known if key not in state]
    problems += [Problem(where, "every key", f"one of {', '.join(known)}", shown(key)) for key in unknown]
    counts = [problem_of(where, key, state.get(key, 0), Index) for key in _COUNTS]
    refuse([*problems, *counts, *(Problem(where, key, "text", shown(state[key])) for key in texts)])
    if state["check"] != _check(state):
        raise GlidepathError.of(where, "check", f"the sum of the other entries, {_check(state)}", state["check"])
    return _saved(state, where)


def _saved(state: dict[str, Any], where: str) -> Saved:
    entries: dict[str, Any] = {}
    for key in ("plan", "scales", "states", "batch"):
        try:
            entries[key] = json.loads(state.get(key, "[]"))
        except (ValueError, RecursionError):
            raise GlidepathError.of(where, key, "JSON", state[key]) from None
    data, scales, states, batch = entries.values()
    try:
        plan, batch, own = _first_format(data) if state["format"] == 1 else (Plan.from_dict(data), batch, "")
    except GlidepathError as error:
        raise error.inside(where) from None
    own, mark, rules = own or plan.fingerprint, state["fingerprint"], len(plan.rules)
    two = isinstance(batch, list | tuple) and len(batch) == 2 and all(type(n) is int and n >= 0 for n in batch)
    finite = isinstance(scales, list) and all(isinstance(scale, float) and math.isfinite(scale) for scale in scales)
    fits = isinstance(states, list) and len(states) == len(plan.feedback)
    changed = "a registered curve may have changed since"
    for holds, key, rule, got, remedy in (
        (finite, "scales", "finite numbers", scales, ""),
        (finite and len(scales) == rules, "scales", f"{rules} numbers, one for each rule", finite and len(scales), ""),
        (two, "batch", "two numbers, at least 0", batch, ""),
        (own == mark, "fingerprint", f"that of its plan, {own[:16]}…", mark[:16], changed),
        (fits, "states", f"{len(plan.feedback)}, one for each controller", states, ""),
    ):
        if not holds:
            raise GlidepathError.of(where, key, rule, got, remedy)
    return Saved(
        plan,
        tuple(batch),  # type: ignore[arg-type]
        *(state[key] for key in (*_COUNTS, "bases")),
        scales=tuple(scales),
        states=tuple(part.controller.read_state(s) for part, s in zip(plan.feedback, states, strict=True)),
    )


def _first_format(data: Any) -> tuple[Plan, tuple[int, int], str]:
    """Returns the plan, the size of an update and the fingerprint that format 1 wrote as drives."""
    drives = data.get("drives") if isinstance(data, dict) else None
    if not isinstance(drives, list) or set(data) - {"drives", "samples", "tokens"}:
        raise GlidepathError.of("plan", "", 'an object with "drives"', data)
    plan, batch = Plan(data["drives"]), (data.get("samples", 0), data.get("tokens", 0))
    rows = [{**each, "schedule": Schedule.of(each["schedule"]).fingerprint} for each in data["drives"]]
    return plan, batch, digest([rows, list(batch)])


def differences(saved: Saved, run: Attachment) -> list[str]:
    """Returns what differs between a saved plan and the present one, a sentence each."""
    sizes = f"samples and tokens of an update: saved {saved.batch}, now {run.batch}"
    return [*sentences(saved.plan, run.plan), *([] if saved.batch == run.batch else [sizes])]


class Base(NamedTuple):
    """What becomes of the base of one group's value in a run that goes on from a state.

    Args:
        name: Whose it is.
        saved: The base that was saved.
        found: The base that the present run has, in the terms of the saved one.
        used: The base from now on.
        own: The base that the run was given, from now on.
        start: The start of its clock.
    """

    name: str
    saved: float
    found: float
    used: float
    own: float
    start: int


def settled(saved: Saved, rules: Sequence[Rule], seats: Sequence[Seat], policy: Policy) -> list[Base] | None:
    """Returns what becomes of the bases, one for each seat; None if the saved ones are unknown.

    What is found is what the run was given: the group's own value when it was attached, or another that a state brought since. A group
    that came back without its base, holding what it held when the state was saved, is known again.

    Args:
        saved: The state.
        rules: The rules that drive from now on.
        seats: Their seats.
        policy: `override` uses the bases that are found, the others the saved ones.
    """
    rows = saved.rows()
    if rows is None or len(rows) != len(seats) or [r.title for r in rules] != [r.title for r in saved.plan.rules]:
        return None
    made: list[Base] = []
    for seat, (base, own, start, now) in zip(seats, _matched(rows, seats), strict=True):
        here = seat.base if seat.base not in (base, own) else seat.own
        if not seat.carried and now is not None and math.isclose(seat.own, now, rel_tol=1e-6):
            here = own  # it came back from the checkpoint, without its base
        found = base if here in (base, own) else here
        used = found if policy == "override" else base
        name = f"{seat.rule.parameter} of group {seat.label}"
        made.append(Base(name, base, found, used, own if used == base else here, start))
    return made


def _matched(rows: list[tuple[float, float, int, Any]], seats: Sequence[Seat]) -> list[tuple[float, float, int, Any]]:
    """Returns the saved rows in the order of the seats: as they are, or by their bases where only the order has changed."""
    given, own = [row[1] for row in rows], [seat.own for seat in seats]
    if given == own or sorted(given) != sorted(own):
        return rows
    left = list(rows)
    return [left.pop(next(i for i, row in enumerate(left) if row[1] == mine)) for mine in own]


def base_differences(saved: Saved, seated: Sequence[Sequence[Seat]], bases: list[Base] | None) -> list[str]:
    """Returns how the groups differ from those of the saved run, by their hash."""
    groups, text = bases_of(seated, None if bases is None else [(base.found, base.start) for base in bases])
    if saved.groups != groups:
        return [f"groups: saved with {saved.groups} driven values, now {groups}"]
    (old, before), (new, now) = (each.partition(" ")[::2] for each in (saved.bases, text))
    if old == new:
        return []
    return [f"bases: the groups' names, bases or starts are not those of the saved run{_first_difference(before, now)}"]


def _first_difference(before: str, now: str) -> str:
    """Returns how the first group differs, in parentheses; nothing where a state of an older version does not tell."""
    try:
        old, new = json.loads(before), json.loads(now)
        name, parameter, base, start = old if isinstance(old[0], str) else [old[0][i] for i in (0, 1, 3, 5)]
        label, _, base_now, start_now = (new[0][i] for i in (0, 1, 3, 5))
    except (ValueError, TypeError, RecursionError, IndexError):
        return ""
    rows = (("name", name, label), (f"base of {parameter}", base, base_now), ("start", start, start_now))
    parts = [f"{field} saved {shown(was)}, now {shown(found)}" for field, was, found in rows if was != found]
    return f" (group {label}: {', '.join(parts)})" if parts else f" (group {label} is the same, a later one is not)"


def seams(at: float, before: Plan, after: Plan) -> tuple[tuple[str, float, float], ...]:
    """Returns the values of the saved and of the chosen plan at the next update, for each rule of the chosen plan."""
    old = {rule.title: rule.complete.scalar(at) for rule in before.driven}
    return tuple((r.title, old[r.title], r.complete.scalar(at)) for r in after.driven if r.title in old)
