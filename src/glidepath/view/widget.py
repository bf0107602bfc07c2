"""A schedule's sliders and its live curve in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core import GlidepathError, Schedule, checks_of, missing, plain_data
from ..core.curves import Curve
from ..core.language import said
from .axis import unit_of
from .sample import sampled

_POINTS = 600
_MOST = 40  # controls; a larger schedule is changed as text


def widget(schedule: Schedule) -> Any:
    """Returns a widget for Jupyter and marimo: a slider for every number of a schedule, and the curve that follows.

    The attribute `schedule` of the widget holds what the sliders say, and `text` the same as text, which marimo watches.

    Args:
        schedule: What to begin with.

    Raises:
        GlidepathError: If anywidget is not installed.
    """
    try:
        anywidget: Any = import_module("anywidget")
        traitlets: Any = import_module("traitlets")
    except ImportError as error:
        raise missing(error, "view", "notebook") from None

    class Live(anywidget.AnyWidget):  # type: ignore[misc]
        _esm = Path(__file__).with_name("widget.js").read_text(encoding="utf-8")
        controls = traitlets.List().tag(sync=True)
        shown = traitlets.Dict().tag(sync=True)
        text = traitlets.Unicode().tag(sync=True)
        change = traitlets.Dict().tag(sync=True)
        words = traitlets.Dict().tag(sync=True)

        def __init__(self, begun: Schedule) -> None:
            self.schedule = begun
            super().__init__(controls=controls(begun), shown=shown(begun), text=str(begun), words=words())
            self.observe(self._hear, names="change")

        def _hear(self, event: Any) -> None:
            asked, problem = event["new"], ""
            try:
                self.schedule = changed(self.schedule, str(asked.get("path")), asked.get("value"))
            except GlidepathError as error:
                problem = str(error)
            self.text = str(self.schedule)
            # With the serial of the question: that nothing changed is an answer too.
            self.shown = shown(self.schedule) | {"problem": problem, "serial": asked.get("serial")}

    return Live(schedule)


def words() -> dict[str, str]:
    """Returns the widget's own sentences, in the language of the environment."""
    return {
        "number": said("must be a number, such as 3e-4"),
        "whole": said("must be a whole number"),
        "dead": said("Python does not answer: it is busy, or was stopped. If it was stopped, run the cell again."),
    }


def shown(schedule: Schedule) -> dict[str, Any]:
    """Returns all that the widget shows of a schedule, in one piece: text, curve, unit, and the values of its controls.

    Args:
        schedule: The schedule.
    """
    points = sampled(schedule, points=_POINTS, most=50_000).points()
    return {
        "text": str(schedule),
        "x": [step for step, _ in points],
        "y": [value for _, value in points],
        "unit": unit_of({"": schedule}, {"": 1.0}),
        "values": {control["path"]: control["value"] for control in controls(schedule)},
        "problem": "",
    }


def controls(schedule: Schedule) -> list[dict[str, Any]]:
    """Returns a control for every number inside a schedule: its path in the JSON data, the part it is of, label, value and range.

    The range comes from what the number is declared as: where a slider begins and ends, and what is refused beyond. It has the value in it.

    Args:
        schedule: The schedule.

    Examples:
        >>> from glidepath import parse
        >>> [control["path"] for control in controls(parse("cosine(100)"))]
        ['start', 'end', 'steps']
    """
    found: list[dict[str, Any]] = []
    parts = iter(range(1, 10_000))

    def walk(data: Any, path: str, key: str, group: str, rule: Mapping[str, Any]) -> None:
        if isinstance(data, dict):
            rules = _rules(data.get("kind"))
            if data.get("kind") in Schedule.registry and any(isinstance(v, int | float) for v in data.values()):
                word = str(Schedule.from_dict(data)).partition("(")[0].strip()
                group = f"{next(parts)} {word if word.isidentifier() else data['kind']}".replace("_", " ")
            for name, value in sorted(data.items(), key=lambda item: isinstance(item[1], dict | list)):  # its own first
                if name != "kind":
                    walk(value, f"{path}.{name}" if path else name, name, group, rules.get(name, {}))
        elif isinstance(data, list) and data and isinstance(data[0], dict):
            for i, item in enumerate(data):
                walk(item, f"{path}.{i}", key, group, {})
        elif isinstance(data, int | float) and not isinstance(data, bool):
            told = {"path": path, "group": group, "label": key.replace("_", " "), "value": data}
            found.append(told | _range(data, rule))

    walk(schedule.to_dict(), "", schedule.kind, "", {})
    return found[:_MOST]


def _rules(kind: Any) -> dict[str, dict[str, Any]]:
    """Returns what the numbers of a kind are declared as, by field."""
    made = Schedule.registry.get(kind) or Curve.registry.get(kind)
    return {field.name: dict(check.json_schema) for field, check in checks_of(made)} if made else {}


def _range(value: float, rule: Mapping[str, Any]) -> dict[str, Any]:
    bounds = next((each for each in rule.get("anyOf", [rule]) if each.get("type") != "null"), rule)
    whole = isinstance(value, int)
    least, most = (
        bounds.get(name, bounds.get(f"exclusive{name.capitalize()}", usual))
        for name, usual in (("minimum", -math.inf), ("maximum", math.inf))
    )
    usual = (value / 1000, 10 * value, True) if value > 0 else (1e-8, 1.0, True)
    low, high, log = bounds.get("slider") or ((max(least, 1), 100, False) if whole else usual)
    if value < 0:
        low, high, log = 3 * value, max(high, -value), False
    elif not log or value:
        low = min(low, value / 10 if log else value)
    return {
        "whole": whole,
        "log": log,
        "low": max(low, least) if not log else low,
        "high": min(max(high, 3 * value), most),
        **plain_data({"least": least, "most": most}),
        "zero": log and "exclusiveMinimum" not in bounds,
    }


def changed(schedule: Schedule, path: str, value: Any) -> Schedule:
    """Returns a schedule with the number at a path changed.

    Args:
        schedule: The schedule.
        path: A path that `controls` gave.
        value: The new number.

    Raises:
        GlidepathError: If there is no such path or the number breaks its field's rule.

    Examples:
        >>> from glidepath import parse
        >>> changed(parse("warmup(5) >> cosine(10)"), "phases.1.steps", 20)
        warmup(5) >> cosine(20)
    """
    data = schedule.to_dict()
    at: Any = data
    *way, last = path.split(".")
    try:
        for key in way:
            at = at[int(key) if isinstance(at, list) else key]
        at[last]
        at[last] = value
    except (KeyError, IndexError, ValueError, TypeError):
        raise GlidepathError.of("widget", "path", "one of the schedule's numbers", path) from None
    return Schedule.from_dict(data)
