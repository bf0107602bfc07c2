"""Going on from a checkpoint: what must be equal, what may change, and in which words that is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ...core import GlidepathError, Problem, shown
from ...plan import Plan, Progress, diff
from ...plan.given import POLICIES, Policy
from .training import Training

_BATCH = ("batch", "accumulation", "processes")
# How a run goes on: what is trained from here on, what has happened, and what differs from the saved run, a sentence each.
Resumed = tuple[Training, Progress, tuple[str, ...]]


def resumed(training: Training, head: dict[str, Any], data_sha256: str, changed: Policy) -> Resumed:
    """How a run goes on from the head of a checkpoint.

    Task, seed and data must be those of the checkpoint. Another batch is told and followed where the plan counts samples or tokens: the
    curve against them stays. Any other difference of plan, rate or precision is up to `changed`.

    Args:
        training: What the command asks for.
        head: The checkpoint's.
        data_sha256: Of the data that are here now.
        changed: `strict` refuses what differs, `keep` goes on with what was saved, `override` takes what the command asks for at the saved
            progress, `extend` keeps what was saved and stretches what is left of it to the length that the command asks for.

    Raises:
        GlidepathError: If something may not differ, or the checkpoint is not what its fingerprint says.
    """
    if changed not in POLICIES:
        raise GlidepathError.of("train", "changed", f"one of {', '.join(POLICIES)}", changed)
    saved = Plan.from_dict(head["plan"])
    if saved.fingerprint != head["fingerprint"]:
        remedy = "a registered formula may have changed since"
        rule = f"that of its plan, {saved.fingerprint[:12]}"
        raise GlidepathError.of("checkpoint", "fingerprint", rule, head["fingerprint"][:12], remedy)
    before, now = head["identity"], training.identity()
    was, here = before | {"data": head["data_sha256"]}, now | {"data": data_sha256}
    problems = [_problem(name, was[name], here[name]) for name in ("task", "seed", "data") if was[name] != here[name]]
    free = [name for name in ("peak_rate", "amp") if before[name] != now[name]]
    told = [f"{name}: {before[name]} -> {now[name]}" for name in free]
    found = diff(saved, training.plan)
    told += found.lines() if found else []
    harmless = not free and training.plan.clock != "updates" and _without_batch(saved) == _without_batch(training.plan)
    if changed == "strict" and told and not harmless:
        remedy = "--changed keep goes on as it was saved, --changed override with this from here on, --changed extend with the length alone"
        problems.append(Problem("checkpoint", "the run", "the one that was saved", "; ".join(told), remedy))
    if problems:
        raise GlidepathError(problems)
    progress = Progress.from_dict(head["progress"], saved)
    if changed not in ("keep", "extend") or not told or harmless:
        if saved.feedback != training.plan.feedback:
            progress = replace(progress, states=())  # other controllers begin anew
        return training, progress, tuple(told)
    kept = replace(training, plan=saved, rate=before["peak_rate"], amp=before["amp"])
    if changed == "extend" and (kept.total, saved.clock) != (training.total, training.plan.clock):
        return _extended(kept, training, progress)
    return kept, progress, tuple(f"not taken: {line}" for line in told)


def _extended(kept: Training, asked: Training, progress: Progress) -> Resumed:
    """A saved run whose plan is stretched from here on to the length that is asked for."""
    clock, new, at = kept.plan.clock, asked.total, kept.plan.position(progress)
    told = f"{new} {asked.plan.clock}"
    if asked.plan.clock != clock or new < kept.total:
        rule = f"longer than that of the checkpoint, {kept.total} {clock}"
        raise GlidepathError.worded("train", "length", rule, told, "--changed extend only makes a run longer")
    if at >= kept.total:
        rule, remedy = f"before its end, {kept.total} {clock}, to be extended", "nothing is left to stretch"
        raise GlidepathError.worded("train", "the run", rule, f"one at {at:g}", remedy)
    plan = kept.plan.extend(new, progress)
    return replace(kept, plan=plan), progress, (f"extended from {kept.total} to {told}: stretched from {at:g} on",)


def _problem(name: str, old: Any, new: Any) -> Problem:
    if isinstance(old, dict):
        keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
        old, new = (json.dumps({key: each.get(key) for key in keys}) for each in (old, new))
    old, new = (each if isinstance(each, int) else shown(each, 100) for each in (old, new))
    return Problem("train", name, f"that of the checkpoint, {old}", str(new), "give another --out, or that one")


def _without_batch(plan: Plan) -> dict[str, Any]:
    data = {key: value for key, value in plan.to_dict().items() if key not in ("batch", "name", "history")}
    return data | {"horizon": {key: value for key, value in data["horizon"].items() if key not in _BATCH}}
