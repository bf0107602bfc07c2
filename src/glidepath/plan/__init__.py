"""Plans: which schedule drives which hyper-parameter of which groups, in which units, over which horizon, with which feedback."""

from __future__ import annotations

from .by_update import BatchRamp
from .check import check, check_file
from .difference import Difference, Differences, diff, diff_files
from .duration import Duration
from .findings import Finding, Report
from .given import plan_of, read, write
from .horizon import Derived, Horizon, Stage
from .model import Plan
from .progress import Progress, carried
from .replan import cooldown_from, extend
from .rules import Change, Feedback, Rule

__all__ = [
    "BatchRamp",
    "Change",
    "Derived",
    "Difference",
    "Differences",
    "Duration",
    "Feedback",
    "Finding",
    "Horizon",
    "Plan",
    "Progress",
    "Report",
    "Rule",
    "Stage",
    "carried",
    "check",
    "check_file",
    "cooldown_from",
    "diff",
    "diff_files",
    "extend",
    "plan_of",
    "read",
    "write",
]
