"""What a check finds: problems with a code and a level, and the report of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ..core.answer import Answer
from ..core.errors import Problem, shown
from .findings_strings import FINDINGS

__all__ = ["Finding", "Findings", "Report"]

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding(Problem, Answer):
    """One thing that a plan's author should know.

    Args:
        where: The path of the part, such as `$.rules[0]`.
        field: The field, or an empty string.
        rule: What it should be.
        value: What it is.
        remedy: What to do.
        code: A word for the kind of finding, which stays.
        level: `error` where the run would not do what the plan says, `warning` where it probably would not.
    """

    told: ClassVar[str] = "level code where field rule value remedy"
    code: str = ""
    level: Level = "error"


class Findings:
    """Collects findings."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def add(self, key: str, where: str, value: Any, **facts: Any) -> None:
        """Adds a finding of the table.

        Args:
            key: In the table; its first word is the code.
            where: The path of the part.
            value: What was found instead.
            facts: What the words of the table leave open.
        """
        *words, level = FINDINGS[key]
        field, rule, remedy = (text.format_map(facts) for text in words)
        text = value if isinstance(value, str) else shown(value)
        self.all.append(Finding(where, field, rule, text, remedy, key.partition(" ")[0], level))

    def extend(self, code: str, problems: Iterable[Problem]) -> None:
        """Adds problems as errors."""
        for p in problems:
            self.all.append(Finding(p.where, p.field, p.rule, p.value, p.remedy, code, "error"))


@dataclass(frozen=True)
class Report(Answer):
    """All findings of one plan.

    Args:
        findings: Errors first, each kind in the order of the plan.
        derivation: How the length of the run was derived, a sentence each.
        schedules: What each rule drives, and with which schedule of the core.
    """

    told: ClassVar[str] = "ok findings derivation schedules"
    findings: tuple[Finding, ...]
    derivation: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def lines(self) -> list[str]:
        """Returns the report as lines of text."""
        lines = [*self.derivation, *self.schedules]
        lines += [f"{finding.level}: {finding}  [{finding.code}]" for finding in self.findings]
        warnings = len(self.findings) - len(self.errors)
        return [*lines, f"{_count(len(self.errors), 'error')}, {_count(warnings, 'warning')}"]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
