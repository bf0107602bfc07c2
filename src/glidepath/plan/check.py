"""Checking a plan before a run: every finding in one go."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ..core import GlidepathError, did_you_mean, shown
from ..core.fields import number
from .findings import Finding, Findings, Report, check_curve, check_words
from .given import any_data_of_text, data_of_file
from .model import Plan
from .progress import starts_at
from .rules import Rule


@dataclass(frozen=True)
class Group:
    """A parameter group, as far as a check needs it.

    Args:
        label: What it is called in messages.
        name: Its own name, or None.
        values: Its hyper-parameters.
        members: The identities of its parameters.
    """

    label: str
    name: str | None
    values: Mapping[str, Any]
    members: frozenset[int]


def check(plan: Any, groups: Any = None) -> tuple[Finding, ...]:
    """Returns everything that should be known about a plan before it runs; never raises for what a plan holds.

    Args:
        plan: A plan, its JSON data, or its YAML or JSON text.
        groups: An optimizer, or its groups: dicts with `name`, the base values and perhaps `params`; None checks the plan alone.

    Returns:
        The findings, errors first.
    """
    return examine(plan, groups).findings


def examine(plan: Any, groups: Any = None) -> Report:
    """Returns the findings of `check` together with what the plan means."""
    found = Findings()
    try:
        made = Plan.of(plan)
    except GlidepathError as error:
        found.extend("refused", error.problems)
        rest = _without_unknown(plan)
        if rest is not None:
            _curves(found, rest)
            _feedback(found, rest)
        return _report(found)
    _curves(found, made)
    _feedback(found, made)
    try:
        if groups is not None:
            _groups(found, made, groups_of(groups))
    except GlidepathError as error:
        found.extend("groups", error.problems)
    pairs = zip(made.rules, made._resolution[0], strict=True)
    lines = tuple(
        f"{rule.parameter} of {', '.join(rule.groups)}: {rule.schedule if schedule is None else schedule}"
        for rule, schedule in pairs
    )
    return _report(found, made.derived.lines, lines)


def _report(found: Findings, derivation: tuple[str, ...] = (), schedules: tuple[str, ...] = ()) -> Report:
    ordered = sorted(dict.fromkeys(found.all), key=lambda finding: finding.level != "error")
    return Report(tuple(ordered), derivation, schedules)


def _without_unknown(given: Any) -> Plan | None:
    """Returns the plan without the keys that no rule has, so that they hide nothing else; None if more is wrong.

    What such a rule is for is not known: it gets groups of its own.
    """
    names = Rule.field_names()

    def known(i: int, rule: Any) -> Any:
        if not isinstance(rule, dict) or "kind" in rule or set(rule) <= set(names):
            return rule
        return {"groups": f"of rule {i}"} | {key: rule[key] for key in names if key in rule}

    try:
        data = any_data_of_text(given) if isinstance(given, str) else given
        rules = data["rules"]
        if isinstance(rules, dict) and "schedule" not in rules:
            rules = {key: known(i, rule) for i, (key, rule) in enumerate(rules.items())}
        else:
            rules = [known(i, rule) for i, rule in enumerate(rules if isinstance(rules, list | tuple) else [rules])]
        return Plan.of({**data, "rules": rules})
    except (GlidepathError, TypeError, KeyError):
        return None


def check_file(path: str | Path, model: str | None = None) -> Report:
    """Returns the report of a plan file, for `glidepath check`.

    Args:
        path: A `.yaml`, `.yml` or `.json` file.
        model: `module:factory`, where `factory()` returns an optimizer or a list of parameter groups; it is imported and called.

    Raises:
        GlidepathError: If the model cannot be loaded; what is wrong with the file is in the report.
    """
    groups = None if model is None else load_model(model)
    try:
        data = data_of_file(path)
    except GlidepathError as error:
        found = Findings()
        found.extend("refused", error.problems)
        return _report(found)
    return examine(data, groups)


def load_model(spec: str) -> Any:
    """Returns what `module:factory` makes: the module is looked for from the present folder on, imported, and its factory called.

    Raises:
        GlidepathError: If there is no such module or factory, or the factory fails.
    """
    module, _, factory = spec.partition(":")
    if not module or not all(part.isidentifier() for part in [*module.split("."), *factory.split(".")]):
        raise GlidepathError.of("check", "--model", "module:factory, two dotted names", spec)
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        made: Any = importlib.import_module(module)
        for name in factory.split("."):
            made = getattr(made, name)
        return made()
    except Exception as error:
        rule, told = "a module and a factory that work", f"{type(error).__name__}: {error}"
        raise GlidepathError.of("check", "--model", rule, spec, told) from error
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def groups_of(given: Any) -> tuple[Group, ...]:
    """Returns the groups of an optimizer, or those that are given as dicts.

    Raises:
        GlidepathError: If they are neither.
    """
    items: Any = getattr(given, "param_groups", given)
    if isinstance(items, Mapping) and "params" not in items and all(isinstance(v, Mapping) for v in items.values()):
        items = [{"name": name, **values} for name, values in items.items()]
    if not isinstance(items, Sequence) or isinstance(items, str) or not all(isinstance(g, Mapping) for g in items):
        raise GlidepathError.of("check", "groups", "an optimizer, or a list of dicts", given)
    made: list[Group] = []
    for i, group in enumerate(items):
        name = group.get("name") if isinstance(group.get("name"), str) else None
        params = group.get("params")
        members = frozenset(map(id, params if isinstance(params, list | tuple) else ()))
        values = {str(key): value for key, value in group.items() if key not in ("name", "params")}
        made.append(Group(str(i) if name is None else repr(name), name, values, members))
    return tuple(made)


def _curves(found: Findings, plan: Plan) -> None:
    if plan.unknown:
        found.extend("unknown-horizon", plan.unknown)
    for i, rule in enumerate(plan.rules):
        where = f"$.rules[{i}]"
        check_words(found, where, rule.schedule if isinstance(rule.schedule, str) else str(rule.schedule))
        schedule = plan._resolution[0][i]
        if schedule is None:
            continue
        try:
            first = plan.derived.first_update(plan.clock)
            check_curve(found, where, schedule, plan.total, plan.clock, rule.parameter, rule.ends, first)
        except GlidepathError as error:
            found.extend("refused", error.inside(where).problems)
        if rule.absolute and rule.floor is not None and plan.total is not None and schedule(plan.total) < rule.floor:
            found.add("floor-reached", where, f"{schedule(plan.total):g}", floor=rule.floor)


def _feedback(found: Findings, plan: Plan) -> None:
    driven = {rule.parameter for rule in plan.rules}
    for i, part in enumerate(plan.feedback):
        where = f"$.feedback[{i}]"
        if part.parameter not in driven:
            facts = {"driven": ", ".join(sorted(driven)), "remedy": did_you_mean(part.parameter, driven)}
            found.add("unmatched parameter", where, part.parameter, **facts)
        try:
            start = starts_at(plan, part.after)
        except GlidepathError as error:
            found.extend("unknown-horizon", error.inside(where).problems)
            continue
        if plan.total is not None and start >= plan.total:
            found.add("phase-never-begins of feedback", where, f"{start:g}", total=plan.total)


def _groups(found: Findings, plan: Plan, groups: tuple[Group, ...]) -> None:
    astray = _astray(found, plan, [group.name for group in groups if group.name is not None])
    driving: dict[tuple[str, str], list[int]] = {}
    for i, rule in enumerate(plan.rules):
        where, matched = f"$.rules[{i}]", [group for group in groups if rule.matches(group.name)]
        if not matched and i not in astray:
            found.add("unmatched", where, shown(list(rule.groups)), groups=", ".join(g.label for g in groups))
        for group in matched:
            driving.setdefault((group.label, rule.parameter), []).append(i)
            _base(found, where, rule, group)
    for group in groups:
        for parameter in sorted({rule.parameter for rule in plan.rules}):
            rules = driving.get((group.label, parameter), [])
            if len(rules) > 1:
                listed = " and ".join(f"rules[{i}]" for i in rules)
                found.add("overlap", f"$.rules[{rules[1]}]", listed, parameter=parameter, group=group.label)
            elif not rules and parameter == "lr":
                found.add("undriven", f"group {group.label}", "none")
    for group, other in combinations(groups, 2):
        if group.members & other.members:
            found.add("shared-parameter", f"group {group.label}", f"one that group {other.label} has too")


def _astray(found: Findings, plan: Plan, names: Sequence[str]) -> set[int]:
    """Finds names that no group has, each once with all rules that have it; returns the rules."""
    rules: dict[str, list[int]] = {}
    for i, rule in enumerate(plan.rules):
        for plain in dict.fromkeys(pattern.lstrip("!") for pattern in rule.groups):
            if not set(plain) & set("*?[") and plain not in names:
                rules.setdefault(plain, []).append(i)
    for plain, places in rules.items():
        others = f"so in {', '.join(f'rules[{i}]' for i in places[1:])} too" if places[1:] else ""
        remedy = "; ".join(filter(None, [did_you_mean(plain, names), others]))
        facts = {"names": ", ".join(names) or "none has a name", "remedy": remedy}
        found.add("unknown-group", f"$.rules[{places[0]}]", shown(plain), **facts)
    return {i for places in rules.values() for i in places}


def _base(found: Findings, where: str, rule: Rule, group: Group) -> None:
    key, place = rule.key, rule.place
    if key not in group.values:
        known = sorted(group.values)
        facts = {"group": group.label, "known": ", ".join(known), "remedy": did_you_mean(key, known)}
        found.add("unknown-parameter", where, rule.parameter, **facts)
        return
    value = group.values.get(f"initial_{key}", group.values[key])
    if place is not None and isinstance(value, list | tuple) and place < len(value):
        value = value[place]
    item = getattr(value, "item", None)
    base = number(item() if callable(item) else value)
    if base is None or not math.isfinite(base):
        found.add("base", where, shown(value), parameter=rule.parameter, group=group.label)
    elif rule.floor is not None and rule.floor > base and not rule.absolute:
        found.add("floor-above-base", where, f"{rule.floor:g}", group=group.label, base=base)
