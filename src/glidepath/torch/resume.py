"""What a checkpoint holds, and how a run goes on from it."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..core.combinators import Chain, Stretch, Until
from ..core.errors import GlidepathError, Problem, shown
from ..core.schedule import Schedule
from .drives import Drive
from .progress import Run

__all__ = ["Policy", "Resumed", "Saved", "differences", "extended", "plan_text", "read_state", "state_of"]

Policy = Literal["strict", "keep", "override", "extend"]
POLICIES = ("strict", "keep", "override", "extend")
FORMAT = 1
_COUNTS = ("updates", "samples", "tokens", "groups")
_TEXTS = ("plan", "fingerprint", "bases", "scales", "check")
_MAX_COUNT = 2**53


@dataclass(frozen=True)
class Saved:
    """A state that was read and checked."""

    drives: tuple[Drive, ...]
    batch: tuple[int, int]
    updates: int
    samples: int
    tokens: int
    groups: int
    bases: str
    scales: tuple[float, ...]
    fingerprint: str


@dataclass(frozen=True)
class Resumed:
    """How a run went on from a checkpoint.

    Args:
        policy: `strict`, `keep`, `override` or `extend`.
        updates: The updates that were done when it was saved.
        differences: What differs between the saved plan and the present one, a sentence each.
        seams: For each drive, the value (or factor) that the saved plan gives the next update, and the one that is used.
    """

    policy: str
    updates: int
    differences: tuple[str, ...] = ()
    seams: tuple[tuple[str, float, float], ...] = ()

    @property
    def jump(self) -> float:
        """The largest size of a jump at the seam, in the unit of the schedules."""
        return max((abs(after - before) for _, before, after in self.seams), default=0.0)

    def __str__(self) -> str:
        lines = [f"resumed after {self.updates} updates ({self.policy})", *self.differences]
        lines += [
            f"{name}: {before!r} -> {after!r} at the seam" for name, before, after in self.seams if before != after
        ]
        return "\n".join(lines)


def plan_text(drives: tuple[Drive, ...], batch: tuple[int, int]) -> str:
    """Returns a plan as canonical JSON text."""
    data: dict[str, Any] = {"drives": [drive.to_dict() for drive in drives]}
    if any(batch):
        data["samples"], data["tokens"] = batch
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(drives: tuple[Drive, ...], batch: tuple[int, int]) -> str:
    """Returns a SHA-256 of a plan; equal for equal plans, in every process and version."""
    rows = [{**drive.to_dict(), "schedule": drive.schedule.fingerprint} for drive in drives]
    text = json.dumps([rows, list(batch)], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def state_of(run: Run) -> dict[str, Any]:
    """Returns the state of a run: text and integers, the same keys for every plan and any number of groups."""
    state: dict[str, Any] = {
        "format": FORMAT,
        "plan": plan_text(run.drives, run.batch),
        "fingerprint": fingerprint(run.drives, run.batch),
        "updates": run.updates,
        "samples": run.samples,
        "tokens": run.tokens,
        "groups": run.bases[0],
        "bases": run.bases[1],
        "scales": json.dumps(run.scales),
    }
    return state | {"check": _check(state)}


def _check(state: dict[str, Any]) -> str:
    rest = {key: value for key, value in state.items() if key != "check"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def read_state(state: Any) -> Saved:
    """Returns what a state says.

    Raises:
        GlidepathError: With every problem: keys that are missing or unknown, values that are none, a sum that does not match.
    """
    where = "checkpoint"
    if not isinstance(state, dict) or not state:
        raise GlidepathError.of(where, "", "the state of a glidepath scheduler", state)
    if state.get("format") != FORMAT:
        given = state.get("format", MISSING)
        if isinstance(given, int) and not isinstance(given, bool) and given > FORMAT:
            raise GlidepathError.of(where, "format", f"at most {FORMAT}", given, "it was saved by a newer glidepath")
        kinds = f"a dict with the keys {', '.join(sorted(map(str, state))[:8])}" if given is MISSING else given
        raise GlidepathError.of(where, "format", f"{FORMAT}, as in the state of a glidepath scheduler", kinds)
    known = ("format", *_COUNTS, *_TEXTS)
    problems = [Problem(where, key, "given", "nothing") for key in known if key not in state]
    problems += [
        Problem(where, "every key", f"one of {', '.join(known)}", shown(key)) for key in state if key not in known
    ]
    for key in _COUNTS:
        value = state.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
            problems.append(Problem(where, key, f"an integer from 0 to {_MAX_COUNT}", shown(value)))
    problems += [
        Problem(where, key, "text", shown(state[key])) for key in _TEXTS if not isinstance(state.get(key, ""), str)
    ]
    if problems:
        raise GlidepathError(problems)
    if state["check"] != _check(state):
        raise GlidepathError.of(where, "check", f"the sum of the other entries, {_check(state)}", state["check"])
    return _plan(state, where)


MISSING = object()


def _plan(state: dict[str, Any], where: str) -> Saved:
    try:
        plan, scales = json.loads(state["plan"]), json.loads(state["scales"])
    except (ValueError, RecursionError):
        raise GlidepathError.of(where, "plan", "JSON", state["plan"]) from None
    if (
        not isinstance(plan, dict)
        or not isinstance(plan.get("drives"), list)
        or set(plan) - {"drives", "samples", "tokens"}
    ):
        raise GlidepathError.of(where, "plan", 'an object with "drives"', plan)
    problems: list[Problem] = []
    drives: list[Drive] = []
    for data in plan["drives"]:
        try:
            drives.append(Drive.from_dict(data))
        except GlidepathError as error:
            problems += error.inside("checkpoint").problems
    if problems:
        raise GlidepathError(problems)
    if not isinstance(scales, list) or not all(isinstance(s, float) and math.isfinite(s) for s in scales):
        raise GlidepathError.of(where, "scales", "finite numbers", scales)
    if len(scales) != len(drives):
        raise GlidepathError.of(where, "scales", f"{len(drives)} numbers, one for each drive", len(scales))
    saved = Saved(
        tuple(drives),
        (plan.get("samples", 0), plan.get("tokens", 0)),
        updates=state["updates"],
        samples=state["samples"],
        tokens=state["tokens"],
        groups=state["groups"],
        bases=state["bases"],
        scales=tuple(scales),
        fingerprint=state["fingerprint"],
    )
    own = fingerprint(saved.drives, saved.batch)
    if own != saved.fingerprint:
        remedy = "a registered curve may have changed since"
        raise GlidepathError.of(where, "fingerprint", f"that of its plan, {own[:16]}…", saved.fingerprint[:16], remedy)
    return saved


def differences(saved: Saved, run: Run) -> list[str]:
    """Returns what differs between a saved plan and the present one, a sentence each."""
    found: list[str] = []
    old, new = [(_name(drive), drive) for drive in saved.drives], [(_name(drive), drive) for drive in run.drives]
    for name, drive in old:
        others = [other for key, other in new if key == name]
        if not others:
            found.append(f"{name}: saved with {drive.schedule}, now not driven")
        for other in others:
            for field in ("schedule", "absolute", "floor", "join", "later"):
                was, now = getattr(drive, field), getattr(other, field)
                if was != now:
                    what = "" if field == "schedule" else f"{field} "
                    found.append(f"{name}: {what}saved {was}, now {now}")
    found += [f"{name}: not in the saved plan, now {drive.schedule}" for name, drive in new if name not in dict(old)]
    if not found and [name for name, _ in old] != [name for name, _ in new]:
        found.append("the drives are the same in another order")
    if saved.batch != run.batch:
        found.append(f"samples and tokens of an update: saved {saved.batch}, now {run.batch}")
    return found


def base_differences(saved: Saved, run: Run) -> list[str]:
    """Returns how the groups differ from those of the saved run."""
    if saved.groups != run.bases[0]:
        return [f"groups: saved with {saved.groups} driven values, now {run.bases[0]}"]
    (old, before), (new, now) = (text.partition(" ")[::2] for text in (saved.bases, run.bases[1]))
    if old != new:
        return [
            f"bases: the groups' names, bases or starts are not those of the saved run{_first_difference(before, now)}"
        ]
    return []


def _first_difference(before: str, now: str) -> str:
    """Returns how the first group differs, in parentheses; nothing where a state of an older version does not tell."""
    try:
        (name, parameter, base, start), (label, _, base_now, start_now) = json.loads(before), json.loads(now)
    except (ValueError, TypeError, RecursionError):
        return ""
    rows = (("name", name, label), (f"base of {parameter}", base, base_now), ("start", start, start_now))
    parts = [f"{field} saved {shown(was)}, now {shown(found)}" for field, was, found in rows if was != found]
    return f" (group {label}: {', '.join(parts)})" if parts else f" (group {label} is the same, a later one is not)"


def seams(k: int, before: tuple[Drive, ...], after: tuple[Drive, ...]) -> tuple[tuple[str, float, float], ...]:
    """Returns the values of the saved and of the chosen plan at the next update, for each drive of the chosen plan."""
    old = {_name(drive): drive.schedule.scalar(k) for drive in before}
    return tuple((_name(d), old[_name(d)], d.schedule.scalar(k)) for d in after if _name(d) in old)


def extended(saved: Saved, drives: tuple[Drive, ...]) -> tuple[Drive, ...]:
    """Returns the saved drives with what is left of their schedules stretched to the present plan's length.

    The rule: until update k, where the run was saved, nothing changes; from there the rest of the saved schedule, of length d - k, fills
    the steps up to the new duration n, stretched by (n - k)/(d - k). The value at the seam stays, and the run ends on the saved end.

    Raises:
        GlidepathError: If a duration is infinite, nothing is left to stretch, or the new one is not longer.
    """
    k, problems, made = saved.updates, list[Problem](), list[Drive]()
    new = {_name(drive): drive for drive in drives}
    for drive in saved.drives:
        name, old = _name(drive), drive.schedule
        if name not in new:
            problems.append(Problem("extend", name, "driven in the present plan too", "no drive"))
            continue
        horizon = new[name].schedule.duration
        if math.inf in (old.duration, horizon):
            problems.append(
                Problem("extend", f"the duration of {name}", "finite in both plans", f"{old} and {new[name].schedule}")
            )
        elif k >= old.duration:
            remedy = "nothing is left to stretch; use override"
            problems.append(
                Problem(
                    "extend", f"the duration of {name}", f"more than the {k} updates done", str(old.duration), remedy
                )
            )
        elif horizon < old.duration:
            problems.append(
                Problem("extend", f"the duration of {name}", f"at least the saved {old.duration}", str(horizon))
            )
        else:
            made.append(replace(drive, schedule=_stretched(old, k, int(horizon))))
    if problems:
        raise GlidepathError(problems)
    return tuple(made)


def _stretched(schedule: Schedule, k: int, horizon: int) -> Schedule:
    left = int(schedule.duration) - k
    if horizon - k == left:
        return schedule
    rest = schedule.shift(-k) if k else schedule
    longer = Stretch(rest, (horizon - k) / left)
    return Chain((Until(schedule, k), longer)) if k else longer


def _name(drive: Drive) -> str:
    groups = ", ".join(drive.groups)
    return drive.parameter if groups == "*" else f"{drive.parameter} of {groups}"
