"""A schedule's sliders and its live curve in a notebook."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from glidepath.core.errors import GlidepathError
from glidepath.core.schedule import Schedule

from .sample import sampled

__all__ = ["changed", "controls", "widget"]

_POINTS = 600
_MOST = 40  # controls; a larger schedule is changed as text


def widget(schedule: Schedule) -> Any:
    """Returns a widget for Jupyter and marimo: a slider for every number of a schedule, and the curve that follows.

    The attribute `schedule` of the widget holds what the sliders say.

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
            "view", "anywidget", "installed for the live widget", str(error), "pip install anywidget"
        ) from None

    class Live(anywidget.AnyWidget):  # type: ignore[misc]
        _esm = Path(__file__).with_name("widget.js").read_text(encoding="utf-8")
        controls = traitlets.List().tag(sync=True)
        curve = traitlets.Dict().tag(sync=True)
        text = traitlets.Unicode().tag(sync=True)
        problem = traitlets.Unicode().tag(sync=True)
        change = traitlets.Dict().tag(sync=True)

        def __init__(self, begun: Schedule) -> None:
            super().__init__(controls=controls(begun))
            self._take(begun)
            self.observe(self._hear, names="change")

        def _take(self, taken: Schedule) -> None:
            self.schedule = taken
            points = sampled(taken, points=_POINTS, most=50_000).points()
            self.curve = {"x": [step for step, _ in points], "y": [value for _, value in points]}
            self.text = str(taken)
            self.problem = ""

        def _hear(self, event: Any) -> None:
            try:
                self._take(changed(self.schedule, event["new"]["path"], event["new"]["value"]))
            except GlidepathError as error:
                self.problem = str(error)

    return Live(schedule)


def controls(schedule: Schedule) -> list[dict[str, Any]]:
    """Returns a control for every number inside a schedule: its path in the JSON data, label, value and range.

    Args:
        schedule: The schedule.

    Examples:
        >>> from glidepath import parse
        >>> [control["path"] for control in controls(parse("cosine(100)"))]
        ['start', 'end', 'steps']
    """
    found: list[dict[str, Any]] = []

    def walk(data: Any, path: str, name: str) -> None:
        if isinstance(data, dict):
            for key, value in data.items():
                if key != "kind":
                    walk(value, f"{path}.{key}" if path else key, f"{data['kind']} {key}" if "kind" in data else key)
        elif isinstance(data, list) and data and isinstance(data[0], dict):
            for i, item in enumerate(data):
                walk(item, f"{path}.{i}", name)
        elif isinstance(data, int | float) and not isinstance(data, bool):
            found.append({"path": path, "label": name.replace("_", " "), "value": data} | _range(data))

    walk(schedule.to_dict(), "", schedule.kind)
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
