"""A schedule's sliders and its live curve in a notebook."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from glidepath.core.errors import GlidepathError, installing
from glidepath.core.schedule import Schedule

from .sample import sampled
from .units import unit_of

__all__ = ["changed", "controls", "shown", "widget"]

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
        raise GlidepathError.of(
            "view", "anywidget", "installed for the live widget", str(error), installing("notebook")
        ) from None

    class Live(anywidget.AnyWidget):  # type: ignore[misc]
        _esm = Path(__file__).with_name("widget.js").read_text(encoding="utf-8")
        controls = traitlets.List().tag(sync=True)
        shown = traitlets.Dict().tag(sync=True)
        text = traitlets.Unicode().tag(sync=True)
        change = traitlets.Dict().tag(sync=True)

        def __init__(self, begun: Schedule) -> None:
            self.schedule = begun
            super().__init__(controls=controls(begun), shown=shown(begun), text=str(begun))
            self.observe(self._hear, names="change")

        def _hear(self, event: Any) -> None:
            asked = event["new"]
            problem = ""
            try:
                self.schedule = changed(self.schedule, str(asked.get("path")), asked.get("value"))
            except GlidepathError as error:
                problem = str(error)
            self.text = str(self.schedule)
            # With the serial of the question: that nothing changed is an answer too.
            self.shown = shown(self.schedule) | {"problem": problem, "serial": asked.get("serial")}

    return Live(schedule)


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

    Args:
        schedule: The schedule.

    Examples:
        >>> from glidepath import parse
        >>> [control["path"] for control in controls(parse("cosine(100)"))]
        ['start', 'end', 'steps']
    """
    found: list[dict[str, Any]] = []
    parts = iter(range(1, 10_000))

    def walk(data: Any, path: str, key: str, group: str) -> None:
        if isinstance(data, dict):
            if data.get("kind") in Schedule.registry and any(isinstance(v, int | float) for v in data.values()):
                word = str(Schedule.from_dict(data)).partition("(")[0].strip()
                group = f"{next(parts)} {word if word.isidentifier() else data['kind']}".replace("_", " ")
            for name, value in sorted(data.items(), key=lambda item: isinstance(item[1], dict | list)):  # its own first
                if name != "kind":
                    walk(value, f"{path}.{name}" if path else name, name, group)
        elif isinstance(data, list) and data and isinstance(data[0], dict):
            for i, item in enumerate(data):
                walk(item, f"{path}.{i}", key, group)
        elif isinstance(data, int | float) and not isinstance(data, bool):
            found.append({"path": path, "group": group, "label": key.replace("_", " "), "value": data} | _range(data))

    walk(schedule.to_dict(), "", schedule.kind, "")
    return found[:_MOST]


def _range(value: float) -> dict[str, Any]:
    if isinstance(value, int):
        return {"whole": True, "log": False, "low": 1 if value > 0 else min(0, 3 * value), "high": max(10, 3 * value)}
    if value < 0:
        return {"whole": False, "log": False, "low": 3 * value, "high": -value}
    return {"whole": False, "log": True, "low": 1e-8, "high": max(10.0, 3 * value)}


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
