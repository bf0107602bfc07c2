"""What a check can find in a plan: for each finding its field, its rule, what to do, and whether it is an error.

The first word of a key is the finding's code, which stays.
"""

from __future__ import annotations

from typing import Literal

Level = Literal["error", "warning"]

FINDINGS: dict[str, tuple[str, str, str, Level]] = {
    "base": ("{parameter} of group {group}", "a finite number", "", "error"),
    "cut-off": (
        "the schedule",
        "as long as the run, {total} {clock}",
        'it ends on {last:g} and not on {end:g}; "rest" fills a run exactly',
        "error",
    ),
    "ends-on-a-rise": ("the last phase", "falling or level", "a floor above its peak makes a decay rise", "warning"),
    "falling-warmup": ("start of warmup", "at most 1, where it ends", "a warmup rises to 1", "error"),
    "first-update-zero": (
        "the first update's value",
        "above 0",
        "warmup(n) begins at 1/(n+1); a stated start=0 wastes the first update",
        "warning",
    ),
    "first-update-zero of another clock": (
        "the first update's value",
        "above 0",
        "state start={start:.3g}, what a clock of updates would begin on",
        "warning",
    ),
    "floor-above-base": (
        "floor",
        "at most the base of group {group}, {base:g}",
        "the group would be raised; use a floor in the schedule, a factor",
        "error",
    ),
    "floor-reached": ("the last value", "at least the floor, {floor:g}", "", "warning"),
    "jump": ("the seam at {start} {clock}", "without a jump", "begin the phase where the one before ends", "warning"),
    "last-value": ("the value at the end", "the declared {ends:g}", "", "error"),
    "negative": ("every value", "at least 0", "", "error"),
    "over-before-the-end": (
        "the schedule",
        "as long as the run, {total} {clock}",
        "it holds {held:g} for the last {left}",
        "warning",
    ),
    "overlap": (
        "{parameter} of group {group}",
        "driven by one rule",
        "take the group away from one: groups: ['*', '!name']",
        "error",
    ),
    "peak-never-reached": ("the peak", "reached within {total} {clock}", "the run ends before it", "error"),
    "phase-never-begins": ("phase {number}, {piece},", "begun before the end, {total}", "", "error"),
    "phase-never-begins of feedback": ("after", "before the end of the run, {total}", "", "error"),
    "rising-decay": (
        "floor of {word}",
        "at most its peak, {peak:g}",
        "a decay that rises is written ramp(start, end, steps)",
        "error",
    ),
    "shared-parameter": ("every parameter", "in one group", "", "error"),
    "tiny-run": ("the run", "at least {least} {clock} long to have a shape", "", "warning"),
    "undriven": ("lr", "driven by a rule", "it keeps its base", "warning"),
    "unknown-group": ("groups", "names of groups ({names})", "{remedy}", "error"),
    "unknown-parameter": ("parameter", "a key of group {group} ({known})", "{remedy}", "error"),
    "unmatched": ("groups", "patterns that match a group ({groups})", "", "error"),
    "unmatched parameter": ("parameter", "driven by a rule ({driven})", "{remedy}", "error"),
    "warmup-too-long": (
        "the warmup",
        "shorter than the run, {total} {clock}",
        "shorten it, or lengthen the run",
        "error",
    ),
}
