"""Several schedules on a command line, each with a name where there is one: text, calls of other libraries, files, and a plan's groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core import Checks, GlidepathError, Rate, Schedule
from .common import config_of, groups_of, note, schedule_of

_LABEL = re.compile(r"\s*([^:：'\"(){}\[\]]{1,80}?)\s*(?::\s+|：\s*)(.+)", re.DOTALL)


def labelled(given: Sequence[str], let: Sequence[str] | None = None, base: float | None = None) -> dict[str, Schedule]:
    """Returns the schedules by their names; one without a name is called by its text.

    Args:
        given: What the command line holds.
        let: What `--let` gives.
        base: The base rate of libraries' calls.

    Raises:
        GlidepathError: If anything cannot be read; every problem is listed.
    """
    found: dict[str, Schedule] = {}
    checks = Checks("")
    for label, text in lines(given, let, base):
        groups: Mapping[str, Schedule] = {}
        with checks.kept():
            groups = groups_of(text, let, base)
        for group, schedule in groups.items():
            name = " ".join(part for part in (label, group) if part) or str(schedule)
            while name in found:
                name += " "
            found[name] = schedule
    checks.done()
    return found


def lines(given: Sequence[str], let: Sequence[str] | None = None, base: float | None = None) -> list[tuple[str, str]]:
    """Returns each schedule as a name, perhaps empty, and one line of text; files are read, text is not looked at.

    Args:
        given: What the command line holds.
        let: What `--let` gives.
        base: The base rate of libraries' calls.

    Raises:
        GlidepathError: If a file cannot be read; every problem is listed.
    """
    from ..dialects.converting import is_ours
    from ..dialects.snippets import mentioned

    found: list[tuple[str, str]] = []
    checks = Checks("")
    for one in given:
        match = _LABEL.fullmatch(one)
        label, text = (match[1], match[2].strip()) if match else ("", one.strip())
        with checks.kept():
            if text.endswith(".py") and Path(text).is_file():
                found.append((label, text))
            elif (configured := config_of(text, let)) is not None:
                found.append((label or Path(text).name, str(configured)))
            elif (let or "\n" in text) and not is_ours(text) and mentioned(text):
                made = groups_of(text, let, base).items()
                found += [(" ".join(part for part in (label, name) if part), str(one)) for name, one in made]
            elif text.endswith((".yaml", ".yml")):
                found += _groups(Path(text), label)
            else:
                found.append((label, str(schedule_of(text)) if text.endswith(".json") else text))
    checks.done()
    return found


def _groups(path: Path, label: str) -> list[tuple[str, str]]:
    """Returns the learning rate of each group of a plan, on the plan's clock."""
    from .. import plan as plans

    plan = plans.read(path)
    if plan.clock != "updates":
        rule = "counted in updates, to be drawn by step"
        raise GlidepathError.worded("plan", "clock", rule, plan.clock, "clock: updates")
    pairs = zip(plan.rules, plan.schedules(), strict=True)
    rates = [(rule, schedule) for rule, schedule in pairs if rule.parameter == "lr"]
    if not rates:
        raise GlidepathError.worded("plan", "rules", "for lr at least once", f"none in {path}")
    others = [f"{rule.parameter} of {', '.join(rule.groups)}" for rule in plan.rules if rule.parameter != "lr"]
    if others:
        note(f"{path} also drives {', '.join(others)}: only the learning rate is drawn")
    named = f"{label} " if label else ""
    return [
        (f"{named}{', '.join(rule.groups)}", str(Rate(schedule) if rule.absolute else schedule))
        for rule, schedule in rates
    ]
