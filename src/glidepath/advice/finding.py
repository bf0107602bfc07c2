"""What advice consists of: findings, each with its evidence and its remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from ..core import Answer
from .findings_strings import FINDINGS

_MEASURED: dict[str, list[int]] = json.loads(Path(__file__).with_name("measured.json").read_text("utf-8"))
_SUREST = 0.99
"""No rule is surer than that: logs differ from those that it was measured on."""


def sure(rule: str, measured: Mapping[str, Sequence[int]] = _MEASURED) -> float:
    """Returns how often what a rule says is true.

    Args:
        rule: In the table of findings.
        measured: By rule how often it was true, and how often it spoke; as `make bench ARGS=advice` counted them.
    """
    true, said = measured.get(rule, (0, 0))
    return min((true + 1) / (said + 2), _SUREST)


@dataclass(frozen=True)
class Evidence(Answer):
    """A number in the log.

    Args:
        step: Where, in updates; None for the whole log.
        what: What it is.
        value: The number.
    """

    step: int | None
    what: str
    value: float

    def __str__(self) -> str:
        return f"{'' if self.step is None else f'step {self.step}: '}{self.what} {self.value:.6g}"


@dataclass(frozen=True)
class Finding(Answer):
    """Something that went wrong.

    Args:
        name: A word or two, the same for every log: `not finite`, `diverges`, …
        says: What is seen, in a sentence.
        evidence: The numbers behind it; never empty.
        confidence: From 0 to 1: how often the rule that says it was right when it was measured.
        remedy: What to do, in a sentence.
        paste: A schedule or a command that does it.
        direction: Where the rate should go as a whole: -1 lower, 1 higher, 0 where the finding does not say.
        apart: What would tell this reading from the other one that the log allows; empty where there is no other.
        rule: Which rule says it: the name, and of several ways to see it which one.
    """

    name: str
    says: str
    evidence: tuple[Evidence, ...]
    confidence: float
    remedy: str
    paste: str
    direction: int = 0
    apart: str = ""
    rule: str = ""

    @classmethod
    def of(cls, key: str, evidence: Iterable[Evidence], paste: str, **facts: Any) -> Self:
        """Returns the finding that the table words.

        Args:
            key: In the table; what stands before a colon is the name.
            evidence: The numbers behind it.
            paste: A schedule or a command that does what the remedy says.
            facts: What the words of the table leave open.
        """
        says, remedy, direction, apart = FINDINGS[key]
        name, says, remedy, apart = (text.format_map(facts) for text in (key.partition(":")[0], says, remedy, apart))
        return cls(name, says, tuple(evidence), sure(key), remedy, paste, direction, apart, key)

    def __str__(self) -> str:
        seen = "; ".join(str(each) for each in self.evidence)
        lines = [f"{self.name} ({self.confidence:.0%} sure): {self.says}", f"  seen: {seen}", f"  do: {self.remedy}"]
        return "\n".join((*lines, f"      {self.paste}", *([f"  to be sure: {self.apart}"] if self.apart else [])))


@dataclass(frozen=True)
class Advice(Answer):
    """What a log says.

    Args:
        findings: The surest first.
        looked: What was looked at, in words.
        source: The log.
        unjudged: What could not be judged, and why: too few rows, too noisy, a run that is not over.
    """

    told: ClassVar[str] = "source looked findings unjudged"
    findings: tuple[Finding, ...]
    looked: tuple[str, ...]
    source: str = ""
    unjudged: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = [str(finding) for finding in self.findings]
        if not found and len(self.unjudged) < max(len(self.looked), 1):
            found = [f"nothing wrong seen (looked at {', '.join(self.looked) or 'nothing'})"]
        return "\n\n".join((*found, *(f"not judged: {each}" for each in self.unjudged)))
