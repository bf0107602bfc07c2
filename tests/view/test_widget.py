"""The notebook's widget: sliders from the declarations, values from the schedule."""

import importlib.util
import sys

import pytest

from glidepath import GlidepathError, parse
from glidepath.view import widget
from glidepath.view.widget import changed, controls


def test_every_number_of_a_schedule_has_a_control_that_changes_it():
    schedule = parse("warmup(5) >> repeat(cosine(10), cycles=3, decay=0.5)")

    for control in controls(schedule):
        assert changed(schedule, control["path"], control["value"]) == schedule
        assert control["low"] <= control["value"] <= control["high"] or control["value"] == 0
    assert changed(schedule, "phases.1.schedule.steps", 20) == parse(
        "warmup(5) >> repeat(cosine(20), cycles=3, decay=0.5)"
    )


@pytest.mark.parametrize(
    ("path", "value"), [("phases.1.steps", -1), ("phases.9.steps", 3), ("nothing", 3), ("phases.x", 1)]
)
def test_what_breaks_a_rule_is_refused(path, value):
    with pytest.raises(GlidepathError, match="must be"):
        changed(parse("warmup(5) >> cosine(10)"), path, value)


def test_without_anywidget_the_reason_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)  # which makes its import fail
    with pytest.raises(GlidepathError, match="packages must be installed, got no anywidget"):
        widget(parse("cosine(10)"))


@pytest.mark.skipif(importlib.util.find_spec("anywidget") is None, reason="anywidget is not installed")
def test_a_moved_slider_moves_the_curve():
    live = widget(parse("cosine(100)"))
    live.change = {"path": "steps", "value": 50, "serial": 1}

    assert live.schedule == parse("cosine(50)")
    assert live.text == live.shown["text"] == "cosine(50)"
    assert live.shown["y"] == [parse("cosine(50)")(step) for step in live.shown["x"]]
    assert live.shown["values"]["steps"] == 50
    live.change = {"path": "steps", "value": -1, "serial": 2}
    assert "steps must be" in live.shown["problem"]
    assert live.schedule == parse("cosine(50)")
    assert live.shown["text"] == "cosine(50)"
    live.change = {"serial": 3}
    assert "path must be one of the schedule's numbers" in live.shown["problem"]


def test_every_question_is_answered_even_where_nothing_changes():
    """The page asks one thing at a time: an answer that did not come would stop its sliders."""
    pytest.importorskip("anywidget")
    live = widget(parse("cosine(100)"))
    told = []
    live.observe(lambda event: told.append(event["new"]["serial"]), names="shown")
    for serial, value in enumerate((100, 100, -1, -1, 100)):
        live.change = {"path": "steps", "value": value, "serial": serial}

    assert told == [0, 1, 2, 3, 4]


def test_controls_are_grouped_by_their_part():
    made = controls(parse("0.5 * repeat(warmup(5) >> cosine(10), cycles=3)"))
    groups = list(dict.fromkeys(control["group"] for control in made))

    assert groups == ["1 product", "2 repeat", "3 warmup", "4 cosine"]
    assert {(c["group"], c["label"]): c["value"] for c in made}["3 warmup", "steps"] == 5
