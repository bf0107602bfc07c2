"""What advice consists of: findings, each with its evidence and its remedy."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Advice", "Evidence", "Finding"]


@dataclass(frozen=True)
class Evidence:
    """A number in the log.

    Args:
        step: Where, in updates; None for the whole log.
        what: What it is.
        value: The number.
    """

    step: int | None
    what: str
    value: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the evidence as JSON data; a number that is not finite is null."""
        return {"step": self.step, "what": self.what, "value": self.value if math.isfinite(self.value) else None}

    def __str__(self) -> str:
        return f"{'' if self.step is None else f'step {self.step}: '}{self.what} {self.value:.6g}"


@dataclass(frozen=True)
class Finding:
    """Something that went wrong.

    Args:
        name: A word or two, the same for every log: `not finite`, `diverges`, …
        says: What is seen, in a sentence.
        evidence: The numbers behind it; never empty.
        confidence: From 0 to 1.
        remedy: What to do, in a sentence.
        paste: A schedule or a command that does it.
    """

    name: str
    says: str
    evidence: tuple[Evidence, ...]
    confidence: float
    remedy: str
    paste: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the finding as JSON data."""
        return {
            "name": self.name,
            "says": self.says,
            "evidence": [each.to_dict() for each in self.evidence],
            "confidence": self.confidence,
            "remedy": self.remedy,
            "paste": self.paste,
        }

    def __str__(self) -> str:
        seen = "; ".join(str(each) for each in self.evidence)
        return f"{self.name} ({self.confidence:.0%} sure): {self.says}\n  seen: {seen}\n  do: {self.remedy}\n      {self.paste}"


@dataclass(frozen=True)
class Advice:
    """What a log says.

    Args:
        findings: The surest first.
        looked: What was looked at, in words.
        source: The log.
    """

    findings: tuple[Finding, ...]
    looked: tuple[str, ...]
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the advice as JSON data."""
        found = [finding.to_dict() for finding in self.findings]
        return {"source": self.source, "looked": list(self.looked), "findings": found}

    def to_json(self, indent: int | None = None) -> str:
        """Returns the advice as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __str__(self) -> str:
        if self.findings:
            return "\n\n".join(str(finding) for finding in self.findings)
        return f"nothing wrong seen (looked at {', '.join(self.looked) or 'nothing'})"
