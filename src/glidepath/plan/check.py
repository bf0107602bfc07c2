"""Checking a plan before a run: every finding in one go."""

from __future__ import annotations

import importlib
import math
import operator
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from ..core import GlidepathError, did_you_mean, shown
from ..core.fields import number
from .findings import Finding, Findings, Report, check_curve, check_words
from .given import any_data_of_text, data_of_file
from .model import Plan
from .progress import starts_at
from .rules import Rule


class _Group(NamedTuple):
    """A parameter group, as far as a check needs it: what it is called in messages, its own name, and what it holds."""

    label: str
    name: str | None
    values: Mapping[str, Any]


def check(plan: Any, groups: Any = None) -> tuple[Finding, ...]:
    """Returns everything that should be known about a plan before it runs; never raises for what a plan holds.

    Args:
        plan: A plan, its JSON data, or its YAML or JSON text.
        groups: An optimizer, or its groups: dicts with `name`, the base values and perhaps `params`; None checks the plan alone.

    Returns:
        The findings, errors first.
    """
    return _examined(plan, groups).findings


def check_file(path: str | Path, model: str | None = None) -> Report:
    """Returns the report of a plan file, for `glidepath check`.

    Args:
        path: A `.yaml`, `.yml` or `.json` file.
        model: `module:factory`, where `factory()` returns an optimizer or a list of parameter groups; it is imported and called.

    Raises:
        GlidepathError: If the model cannot be loaded; what is wrong with the file is in the report.
    """
    return _examined(Path(path), None if model is None else load_model(model))


def _examined(given: Any, groups: Any) -> Report:
    """Returns the findings of `check` together with what the plan means."""
    found, plan, meant = Findings(), None, []
    try:
        given = data_of_file(given) if isinstance(given, Path) else given
        plan = Plan.of(given)
    except GlidepathError as error:
        found.refuse("refused", error.problems)
    readable = _without_unknown(given) if plan is None else plan
    if readable is not None:
        _curves(found, readable)
        _feedback(found, readable)
    if plan is not None:
        try:
            if groups is not None:
                _groups(found, plan, _groups_of(groups))
        except GlidepathError as error:
            found.refuse("groups", error.problems)
        for rule, schedule in zip(plan.rules, plan.resolution[0], strict=True):
            meant.append(f"{rule.parameter} of {', '.join(rule.groups)}: {schedule or rule.schedule}")
    ordered = sorted(dict.fromkeys(found), key=lambda finding: finding.level != "error")
    return Report(tuple(ordered), () if plan is None else plan.derived.lines, tuple(meant))


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


def load_model(spec: str) -> Any:
    """Returns what `module:factory` makes: the module is looked for from the present folder on, imported, and its factory called.

    Raises:
        GlidepathError: If there is no such module or factory, or the factory fails.
    """
    module, _, factory = spec.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *factory.split(".")]):
        raise GlidepathError.of("check", "--model", "module:factory, two dotted names", spec)
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return operator.attrgetter(factory)(importlib.import_module(module))()
    except Exception as error:
        rule, told = "a module and a factory that work", f"{type(error).__name__}: {error}"
        raise GlidepathError.of("check", "--model", rule, spec, told) from error
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _groups_of(given: Any) -> list[_Group]:
    """Returns the groups of an optimizer, or those that are given as dicts.

    Raises:
        GlidepathError: If they are neither.
    """
    items: Any = getattr(given, "param_groups", given)
    if isinstance(items, Mapping) and "params" not in items and all(isinstance(v, Mapping) for v in items.values()):
        items = [{"name": name, **values} for name, values in items.items()]
    if not isinstance(items, Sequence) or isinstance(items, str) or not all(isinstance(g, Mapping) for g in items):
        raise GlidepathError.of("check", "groups", "an optimizer, or a list of dicts", given)
    names = [name if isinstance(name := group.get("name"), str) else None for group in items]
    pairs = enumerate(zip(names, items, strict=True))
    return [_Group(str(i) if name is None else repr(name), name, group) for i, (name, group) in pairs]


def _curves(found: Findings, plan: Plan) -> None:
    found.refuse("unknown-horizon", plan.unknown)
    for i, (rule, schedule) in enumerate(zip(plan.rules, plan.resolution[0], strict=True)):
        where = f"$.rules[{i}]"
        if isinstance(rule.schedule, str):
            check_words(found, where, rule.schedule)
        try:
            if schedule is not None:
                check_curve(found, where, plan, rule, schedule)
        except GlidepathError as error:
            found.refuse("refused", error.inside(where).problems)


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
            found.refuse("unknown-horizon", error.inside(where).problems)
            continue
        if plan.total is not None and start >= plan.total:
            found.add("phase-never-begins of feedback", where, f"{start:g}", total=plan.total)


def _groups(found: Findings, plan: Plan, groups: list[_Group]) -> None:
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
    held = [(group.label, group.values.get("params")) for group in groups]
    members = [(label, {*map(id, each)} if isinstance(each, list | tuple) else set[int]()) for label, each in held]
    for (label, own), (other, theirs) in combinations(members, 2):
        if own & theirs:
            found.add("shared-parameter", f"group {label}", f"one that group {other} has too")


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


def _base(found: Findings, where: str, rule: Rule, group: _Group) -> None:
    key, known = rule.key, sorted(str(name) for name in group.values if name not in ("name", "params"))
    if key not in known:
        facts = {"group": group.label, "known": ", ".join(known), "remedy": did_you_mean(key, known)}
        return found.add("unknown-parameter", where, rule.parameter, **facts)
    value = group.values.get(f"initial_{key}", group.values[key])
    if rule.place is not None and isinstance(value, list | tuple) and rule.place < len(value):
        value = value[rule.place]
    item = getattr(value, "item", None)
    base = number(item() if callable(item) else value)
    if base is None or not math.isfinite(base):
        found.add("base", where, shown(value), parameter=rule.parameter, group=group.label)
    elif rule.floor is not None and rule.floor > base and not rule.absolute:
        found.add("floor-above-base", where, f"{rule.floor:g}", group=group.label, base=base)
    return None
