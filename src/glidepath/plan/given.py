"""What a driver is given as its plan: a plan or its file, a schedule or its text, a mapping, rules; and plans as YAML and JSON files."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from ..core import GlidepathError, Problem, Schedule, each_of, shown, write_whole
from ..core.documents import data_of_text, text_of_file
from ..core.fields import number
from .horizon import Horizon
from .model import Plan
from .rules import Rule, keyed

# What becomes of a checkpoint whose plan differs.
Policy = Literal["strict", "keep", "override", "extend"]
POLICIES: tuple[str, ...] = get_args(Policy)

_FILES = (".yaml", ".yml", ".json")


def plan_of(
    given: Any,
    where: str = "plan",
    *,
    total: Any = None,
    samples: int = 0,
    tokens: int = 0,
    run: Callable[[], float] | None = None,
    **options: Any,
) -> Plan:
    """Returns the plan that a driver was given.

    Args:
        given: A `Plan`, its file, its data, or its YAML or JSON text; a schedule, its text or its data, which drives the learning rate; a
            mapping from hyper-parameters to schedules or to the fields of a `Rule`; a `Rule`, or a list of rules.
        where: Who was given it, for messages.
        total: The length of the run that quoted durations are parts of: a number of updates, a length such as `"3 epochs"`, or the fields
            of a `Horizon`; None where the plan has its own, or needs none.
        samples: Samples of an update, for a `total` in samples or epochs.
        tokens: Tokens of an update, for a `total` in tokens.
        run: Says how many updates a trainer makes: the length of a plan that needs one and has none of its own.
        options: Fields for each rule (`absolute`, `floor`, `join`), where no rule of its own is given.

    Raises:
        GlidepathError: With every problem found.
    """
    plan = _plan_of(given, where, total, samples, tokens, options)
    if plan.unknown and run is not None and plan.horizon.length is None and math.isfinite(updates := run()):
        plan = _plan_of(plan, where, int(updates), samples, tokens, {})
    if plan.unknown:
        told = "give total=, in a unit that can be counted: total=10_000 (updates)" if total is None else ""
        told = told if run is None else "or give the trainer a length"
        raise GlidepathError(replace(p, remedy="; ".join(filter(None, (p.remedy, told)))) for p in plan.unknown)
    return plan


def policy_problems(where: str, resume: Any) -> list[Problem]:
    """Returns the problem of what is to become of a checkpoint whose plan differs, if it is no policy."""
    return [] if resume in POLICIES else [Problem(where, "resume", f"one of {', '.join(POLICIES)}", shown(resume))]


def _plan_of(given: Any, where: str, total: Any, samples: int, tokens: int, options: dict[str, Any]) -> Plan:
    fields = Rule.__dataclass_fields__  # type: ignore[attr-defined]
    said = {name: value for name, value in options.items() if value is not fields[name].default}
    made = _whole(given)
    horizon = None if total is None else _horizon(where, total, samples, tokens)
    if made is None:
        rules = _rules(given, where, said)
        return Plan(rules) if horizon is None else Plan(rules, horizon)
    if said:
        name, value = next(iter(said.items()))
        raise GlidepathError.of(where, name, "given in the rules of the plan", value)
    if horizon is None:
        return made
    if made.horizon.length is not None:
        rule = f"given once: the plan is {made.horizon.length} long"
        raise GlidepathError.of(where, "total", rule, total, "plan.extend(...) makes it longer")
    known = {name: value for name, value in made.horizon.to_dict().items() if name not in horizon.to_dict()}
    return made.replace(horizon=horizon.replace(**known))


def _whole(given: Any) -> Plan | None:
    """Returns what is a whole plan already, or None."""
    if isinstance(given, Plan):
        return given
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.strip().lower().endswith(_FILES)):
        return read(Path(given))
    whole = isinstance(given, str) and "rules" in given and ":" in given
    whole = whole or (isinstance(given, Mapping) and "rules" in given and "kind" not in given)
    return Plan.of(given if isinstance(given, str) else dict(given)) if whole else None


def _rules(given: Any, where: str, said: dict[str, Any]) -> tuple[Rule, ...]:
    rule = "a schedule, schedules by hyper-parameter, rules, a Plan or its file"
    items = list[tuple[str, Any]]()
    if isinstance(given, Schedule | str) or (isinstance(given, Mapping) and "kind" in given):
        items = [("", said | {"schedule": given})]
    elif isinstance(given, Rule) or (isinstance(given, Mapping) and "schedule" in given):
        items = [("", given)]
    elif isinstance(given, Mapping):
        items = [(f"[{str(name)[:50]!r}]", said | keyed(item, name)) for name, item in given.items()]
    elif isinstance(given, Sequence):
        fields = (said | {"schedule": item} if isinstance(item, str | Schedule) else item for item in given)
        items = [(f"[{i}]", item) for i, item in enumerate(fields)]
        if said and not all(isinstance(item, str | Schedule) for item in given):
            name, value = next(iter(said.items()))
            raise GlidepathError.of(where, name, "given in each Rule", value)
    if not items:
        raise GlidepathError.of(where, "schedule", rule, given)

    def made(pair: tuple[str, Any]) -> Rule:
        path, item = pair
        if not isinstance(item, Rule | Mapping | str | Schedule):
            raise GlidepathError.of("", "", rule if not path else "a Rule, or its fields", item)
        return Rule.of(dict(item) if isinstance(item, Mapping) else item)

    return each_of(items, made, lambda i: f"{where}{items[i][0]}")


def _horizon(where: str, total: Any, samples: int, tokens: int) -> Horizon:
    """Returns the horizon that a total means."""
    if isinstance(total, Horizon):
        return total
    plain = number(total)
    fields: dict[str, Any] = dict(total) if isinstance(total, Mapping) else {"length": total}
    if plain is not None:
        if plain < 1 or plain != plain // 1:
            raise GlidepathError.of(where, "total", "a whole number of updates, at least 1, or a length", total)
        fields = {"length": f"{int(plain)} updates"}
    if samples:
        fields = {"batch": samples} | fields
    if tokens and "tokens_per_sample" not in fields and tokens % (samples or 1) == 0:
        fields = {"batch": 1} | fields | {"tokens_per_sample": tokens // (samples or 1)}
    try:
        return Horizon.of(fields)
    except GlidepathError as error:
        raise error.inside(f"{where}: total") from None


# Files and texts: read without executing anything, refused early where they are hostile -----------------------------------------------


def read(path: str | Path) -> Plan:
    """Returns the plan in a `.yaml`, `.yml` or `.json` file, or the one that a training tool's configuration stands for.

    Raises:
        GlidepathError: If the file cannot be read, with every problem of the plan, or with what the configuration leaves open.
    """
    try:
        return Plan.from_dict(data_of_file(path))
    except GlidepathError:
        from ..dialects.configs import form_of, read_config  # looked at only for what is no plan of ours

        if not form_of(path) or (config := read_config(path)) is None:
            raise
        return Plan.of(config.document)


def data_of_file(path: str | Path) -> Any:
    """Returns the data in a `.yaml`, `.yml` or `.json` file.

    Raises:
        GlidepathError: If the file cannot be read, or for what `data_of_text` refuses.
    """
    file = _file(path)
    return data_of_text(text_of_file(file), json=file.suffix == ".json")


def _file(path: str | Path) -> Path:
    file = Path(path)
    if file.suffix not in _FILES:
        raise GlidepathError.of(file.name, "file", "a .yaml, .yml or .json file", str(file))
    return file


def write(plan: Plan, path: str | Path) -> Path:
    """Writes a plan to a `.yaml`, `.yml` or `.json` file, the old one or the new one if it is interrupted, and returns its path.

    Raises:
        GlidepathError: If the name ends otherwise.
    """
    file = _file(path)
    text = plan.to_json(indent=2) + "\n" if file.suffix == ".json" else plan.to_yaml()
    return write_whole(file, text)


def any_data_of_text(text: str) -> Any:
    """Returns the data of text that is JSON if it begins with a brace, otherwise YAML; see `data_of_text`."""
    return data_of_text(text, json=text.lstrip()[:1] == "{")


def yaml_of(data: dict[str, Any]) -> str:
    """Returns data as YAML."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
